"""What the papers define, computed as they write it, in double precision: slow, plain, and free of the library."""

import numpy as np
from sklearn.cross_decomposition import CCA


def cosine(one, two):
    return float(one @ two / (np.sqrt(one @ one) * np.sqrt(two @ two)))


def retrieval_loop(queries, others, rule):
    """Accuracy, sentence by sentence as the papers define it."""
    if rule.centre == "language":
        queries, others = queries - queries.mean(axis=0), others - others.mean(axis=0)
    documents = [("other", i, v) for i, v in enumerate(others)]
    documents += [("own", i, v) for i, v in enumerate(queries)] if rule.among == "both languages" else []

    def near(vector, candidates):
        return np.mean(sorted((cosine(vector, v) for v in candidates), reverse=True)[: rule.neighbours])

    around = [near(q, [v for s, k, v in documents if (s, k) != ("own", i)]) for i, q in enumerate(queries)]
    back = {
        (side, j): near(document, [v for k, v in enumerate(queries) if side == "other" or k != j])
        for side, j, document in documents
    }

    def score(i, side, j):
        if side == "own" and i == j:
            return -np.inf
        likeness = cosine(queries[i], (others if side == "other" else queries)[j])
        return likeness if rule.score == "cosine" else likeness / (around[i] / 2 + back[side, j] / 2)

    scores = [[score(i, side, j) for side, j, _ in documents] for i in range(len(queries))]
    return np.array([np.argmax(row) == i for i, row in enumerate(scores)])


def textbook_isoscore(texts):
    """Algorithm 1 of Rudman et al. 2022."""
    axes = np.linalg.eigh(np.cov(texts.T))[1]
    spread = np.var(texts @ axes, axis=0, ddof=1)
    n = len(spread)
    unit = np.sqrt(n) * spread / np.linalg.norm(spread)
    defect = np.linalg.norm(unit - 1) / np.sqrt(2 * (n - np.sqrt(n)))
    used = (n - defect**2 * (n - np.sqrt(n))) ** 2 / n**2
    return (n * used - 1) / (n - 1)


def textbook_cka(one, two):
    """Kornblith et al. 2019, equation 3: HSIC of centred Gram matrices."""
    centre = np.eye(len(one)) - 1 / len(one)
    grams = [centre @ (side @ side.T) @ centre for side in (one, two)]
    return np.sum(grams[0] * grams[1]) / np.sqrt(np.sum(grams[0] ** 2) * np.sum(grams[1] ** 2))


def textbook_debiased(one, two):
    """Song et al. 2012, equation 5, on Gram matrices without their diagonals."""
    n, ones = len(one), np.ones(len(one))
    grams = [side @ side.T * (1 - np.eye(n)) for side in (one, two)]

    def hsic(k, m):
        crossed = (ones @ k @ ones) * (ones @ m @ ones) / ((n - 1) * (n - 2))
        return (np.trace(k @ m) + crossed - 2 / (n - 2) * ones @ k @ m @ ones) / (n * (n - 3))

    return hsic(*grams) / np.sqrt(hsic(grams[0], grams[0]) * hsic(grams[1], grams[1]))


def textbook_anc(one, two):
    return np.mean([abs(np.corrcoef(a, b)[0, 1]) for a, b in zip(one.T, two.T, strict=True)])


def textbook_svcca(one, two):
    """SVD of each side, the axes of 99 % of the variance, and scikit-learn's CCA of them."""
    kept = []
    for side in (one, two):
        u, s, _ = np.linalg.svd(side - side.mean(axis=0), full_matrices=False)
        kept.append((u * s)[:, : int(np.searchsorted(np.cumsum(s**2) / np.sum(s**2), 0.99)) + 1])
    count = min(part.shape[1] for part in kept)
    a, b = CCA(n_components=count, max_iter=20_000, tol=1e-12).fit_transform(*kept)
    return np.mean([np.corrcoef(a[:, i], b[:, i])[0, 1] for i in range(count)])


TEXTBOOK = {"cka": textbook_cka, "debiased_cka": textbook_debiased, "svcca": textbook_svcca, "anc": textbook_anc}
