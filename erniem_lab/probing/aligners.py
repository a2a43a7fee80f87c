"""A model's layers and heads as word aligners: run over a corpus with gold links, and scored."""

from collections.abc import Iterable, Sequence
from itertools import product

import numpy as np

from erniem_lab.corpora.examples import AlignedPair
from erniem_lab.embedding import BATCH_TOKENS
from erniem_lab.errors import InputValueError
from erniem_lab.pretrained import ErnieMPreTrainedModel
from erniem_lab.probing.alignment import head_links, word_links
from erniem_lab.probing.alignment_scores import Aligner, AlignmentScores, count, languages_of
from erniem_lab.probing.linking import METHODS, RULES, Method, Rule
from erniem_lab.tokenizer import ErnieMTokenizer
from erniem_lab.word_states import Reading, WordPair, trace_pair_attention, trace_words


def score_alignment(
    model: ErnieMPreTrainedModel,
    tokenizer: ErnieMTokenizer,
    examples: Iterable[AlignedPair],
    *,
    layers: Sequence[int] | None = None,
    methods: Sequence[Method] = ("argmax",),
    reading: Reading = "apart",
    words: Rule = "any",
    batch_tokens: int = BATCH_TOKENS,
    progress: bool = True,
) -> AlignmentScores:
    """How well the states of each layer find the gold links of a corpus, by each method.

    Args:
        examples: of one pair of languages.
        layers: all if not given; 0 is the embedding output.
        methods: see `link`.
        reading: each sentence by itself ("apart"), or both as one text ("together").
        words: link words if "any" of their tokens are linked, or the "mean" of their tokens.
        batch_tokens: tokens in a batch, padding counted.

    Raises:
        InputValueError: examples without sure links or of several languages; no such layer, method, reading or rule.

    >>> from erniem_lab import MINI, ErnieMForMaskedLM
    >>> from erniem_lab.corpora.world import World
    >>> model, tokenizer = ErnieMForMaskedLM.from_pretrained(MINI), ErnieMTokenizer.from_pretrained(MINI)
    >>> examples = [example.pair() for example in World.load().parallel(["en", "de"], 4)]
    >>> scores = score_alignment(model, tokenizer, examples, layers=[2, 3], progress=False)
    >>> [aligner.layer for aligner in scores.aligners], scores.estimates("aer")[0].n
    ([2, 3], 4)
    """
    gold = list(examples)
    languages = languages_of(gold)
    _demand(methods, words)
    chosen = list(range(model.config.num_hidden_layers + 1) if layers is None else layers)
    if not chosen:
        raise InputValueError("layers is empty: give at least one, or leave it out for all")
    aligners = tuple(Aligner(method, words, reading, layer) for method, layer in product(methods, chosen))
    counts = np.zeros((len(aligners), len(gold), 4), dtype=np.int64)
    traced = trace_words(
        model, tokenizer, _words(gold), reading=reading, layers=chosen, batch_tokens=batch_tokens, progress=progress
    )
    for number, (first, second) in traced:
        for row, (method, layer) in enumerate(product(methods, range(len(chosen)))):
            links = word_links(first, second, layer=layer, method=method, words=words)
            counts[row, number] = count(links, gold[number])
    return AlignmentScores(languages, aligners, counts)


def score_heads(
    model: ErnieMPreTrainedModel,
    tokenizer: ErnieMTokenizer,
    examples: Iterable[AlignedPair],
    *,
    words: Rule = "any",
    batch_tokens: int = BATCH_TOKENS // 4,
    progress: bool = True,
) -> AlignmentScores:
    """How well each head's attention between two sentences, read together, finds the gold links of a corpus.

    The layer of an aligner is the one that the head has a part in making: 1 for the first block's.

    Args:
        examples: of one pair of languages.
        words: link words if "any" of their tokens are linked, or by what the tokens of a word give on average (the
            "mean") to all tokens of another.
        batch_tokens: tokens in a batch, padding counted.

    Raises:
        InputValueError: examples without sure links, or of several languages; no such rule.

    >>> from erniem_lab import MINI, ErnieMForMaskedLM
    >>> from erniem_lab.corpora.world import World
    >>> model, tokenizer = ErnieMForMaskedLM.from_pretrained(MINI), ErnieMTokenizer.from_pretrained(MINI)
    >>> examples = [example.pair() for example in World.load().parallel(["en", "de"], 4)]
    >>> found = score_heads(model, tokenizer, examples, progress=False).aligners
    >>> len(found) == model.config.num_hidden_layers * model.config.num_attention_heads
    True
    """
    gold = list(examples)
    languages = languages_of(gold)
    _demand((), words)
    places = list(product(range(model.config.num_hidden_layers), range(model.config.num_attention_heads)))
    aligners = tuple(Aligner("attention", words, "together", block + 1, head) for block, head in places)
    counts = np.zeros((len(aligners), len(gold), 4), dtype=np.int64)
    traced = trace_pair_attention(model, tokenizer, _words(gold), batch_tokens=batch_tokens, progress=progress)
    for number, pair in traced:
        for row, (block, head) in enumerate(places):
            counts[row, number] = count(head_links(pair, block=block, head=head, words=words), gold[number])
    return AlignmentScores(languages, aligners, counts)


def _words(gold: Sequence[AlignedPair]) -> list[WordPair]:
    return [(pair.first.surfaces, pair.second.surfaces) for pair in gold]


def _demand(methods: Sequence[Method], words: Rule) -> None:
    """What is wrong is said before the model runs."""
    if wrong := [method for method in methods if method not in METHODS]:
        raise InputValueError(f"methods has {wrong}: give some of {', '.join(METHODS)}")
    if words not in RULES:
        raise InputValueError(f"words={words!r}: give one of {', '.join(RULES)}")
