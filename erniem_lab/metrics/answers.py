"""Exact match and F1 of answers, as SQuAD scores English and MLQA seven languages.

MLQA: Lewis et al. 2020 (arXiv 1910.07475), which drops each language's articles and takes Chinese characters as words.
"""

import re
import string
import unicodedata
from collections import Counter
from collections.abc import Callable, Sequence
from typing import Literal

from erniem_lab.errors import InputValueError
from erniem_lab.metrics.tally import Tally, mean_of

Rules = Literal["mlqa", "squad"]

ARTICLES = {
    "en": r"\b(a|an|the)\b",
    "es": r"\b(un|una|unos|unas|el|la|los|las)\b",
    "vi": r"\b(của|là|cái|chiếc|những)\b",
    "de": r"\b(ein|eine|einen|einem|eines|einer|der|die|das|den|dem|des)\b",
    "ar": r"\sال^|ال",  # as MLQA has it: every ال goes, within words too
}
CHARACTERS = {"zh": r"[\u4e00-\u9fa5]"}
"""Languages whose characters of this kind are words by themselves; MLQA knows Chinese alone."""


def normalise(answer: str, language: str, *, rules: Rules = "mlqa") -> str:
    """An answer in small letters, without punctuation and articles, its words parted by one space.

    Args:
        rules: "mlqa" drops the language's articles, none where MLQA does not score it, and all scripts' punctuation;
            "squad" does in every language what SQuAD's script does in English, as is usual for XQuAD and TyDi QA.

    >>> normalise("The  Eiffel-Tower!", "en"), normalise("在 Paris。", "zh"), normalise("The cat", "fr", rules="squad")
    ('eiffeltower', '在 paris', 'cat')
    """
    ascii_only = rules == "squad"
    own = "en" if ascii_only else language
    plain = "".join(letter for letter in answer.lower() if not _is_punctuation(letter, ascii_only))
    if own in ARTICLES:
        plain = re.sub(ARTICLES[own], " ", plain)
    if own in CHARACTERS:
        plain = re.sub(f"({CHARACTERS[own]})", r" \1 ", plain)
    return " ".join(plain.split())


def exact_match(
    golds: Sequence[Sequence[str]], said: Sequence[str], languages: Sequence[str], *, rules: Rules = "mlqa"
) -> Tally:
    """The share of questions whose answer is one of the gold ones, after `normalise`.

    A question without a gold answer is right if nothing, the empty string, was said (SQuAD 2).

    Raises:
        InputValueError: not as many answers or languages as questions, or none.

    >>> exact_match([["the cat", "a cat"], []], ["cat", "dog"], ["en", "en"]).value
    0.5
    """
    return _mean(_same, golds, said, languages, rules)


def answer_f1(
    golds: Sequence[Sequence[str]], said: Sequence[str], languages: Sequence[str], *, rules: Rules = "mlqa"
) -> Tally:
    """The mean over questions of the F1 of an answer's words, against the gold answer that it fits best.

    >>> round(answer_f1([["black cat"]], ["the cat"], ["en"]).value, 3)
    0.667
    """
    return _mean(_overlap, golds, said, languages, rules)


def _mean(
    score: Callable[[str, str], float],
    golds: Sequence[Sequence[str]],
    said: Sequence[str],
    languages: Sequence[str],
    rules: Rules,
) -> Tally:
    if not len(golds) == len(said) == len(languages):
        raise InputValueError(
            f"golds, said and languages have {len(golds)}, {len(said)} and {len(languages)} items; give as many of each"
        )
    best = []
    for accepted, answer, language in zip(golds, said, languages, strict=True):
        own = normalise(answer, language, rules=rules)
        wanted = [normalise(gold, language, rules=rules) for gold in accepted]
        if rules == "squad":
            wanted = [gold for gold in wanted if gold]  # as SQuAD 2's script: an answer of articles alone is none
        best.append(max((score(gold, own) for gold in wanted), default=float(not own)))
    return mean_of(best)


def _same(gold: str, said: str) -> float:
    return float(gold == said)


def _overlap(gold: str, said: str) -> float:
    one, other = gold.split(), said.split()
    same = sum((Counter(one) & Counter(other)).values())
    return 2 * same / (len(one) + len(other)) if same else 0.0


def _is_punctuation(letter: str, ascii_only: bool) -> bool:
    return letter in string.punctuation or (not ascii_only and unicodedata.category(letter).startswith("P"))
