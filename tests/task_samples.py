"""A tiny random checkpoint with the bundled tokenizer, and examples of every task."""

from pathlib import Path

import torch

from erniem_lab import MINI, ErnieMConfig, ErnieMForMaskedLM, ErnieMTokenizer
from erniem_lab.corpora.examples import (
    ChoiceExample,
    LabelledPair,
    LabelledText,
    QuestionExample,
    Sentence,
    Span,
    TaggedSentence,
)
from erniem_lab.tasks import Settings

TOKENIZER = ErnieMTokenizer.from_pretrained(MINI)
QUICK = Settings(steps=6, batch=4, peak_rate=0.01, check_every=2)


def small_checkpoint(folder: Path, **changes: object) -> Path:
    """One layer of eight numbers; half of a second to train."""
    sizes = {"hidden_size": 8, "num_hidden_layers": 1, "num_attention_heads": 2, "intermediate_size": 16}
    settings = {"max_position_embeddings": 66, "initializer_range": 0.3, "hidden_dropout_prob": 0.0}
    torch.manual_seed(0)
    config = ErnieMConfig(vocab_size=len(TOKENIZER), **{**sizes, **settings, **changes})
    ErnieMForMaskedLM(config).save_pretrained(folder)
    tokenizer = ErnieMTokenizer.from_pretrained(MINI, model_max_length=config.max_length)
    tokenizer.save_pretrained(folder)
    return folder


def texts(count: int = 12) -> list[LabelledText]:
    """Cats are good, dogs are bad."""
    return [
        LabelledText("en", f"The {'cat' if n % 2 else 'dog'} sees {n}.", "good" if n % 2 else "bad")
        for n in range(count)
    ]


def pairs(count: int = 8) -> list[LabelledPair]:
    return [LabelledPair("en", f"Anna has {n}.", f"Anna has {n % 4}.", "yes" if n < 4 else "no") for n in range(count)]


def choices(count: int = 8) -> list[ChoiceExample]:
    asked = ("cause", "effect")
    return [
        ChoiceExample("en", "Anna is tired.", asked[n % 2], ("She sleeps.", "She sings."), n % 2) for n in range(count)
    ]


def sentence(text: str, language: str = "en") -> Sentence:
    """A sentence whose words are what stands between spaces."""
    words, end = [], 0
    for word in text.split(" "):
        start = text.index(word, end)
        end = start + len(word)
        words.append((start, end))
    return Sentence(language, text, tuple(words))


def tagged(count: int = 8) -> list[TaggedSentence]:
    return [TaggedSentence(sentence(f"Anna has {n}"), ("B-PER", "O", "O")) for n in range(count)]


def questions(count: int = 8) -> list[QuestionExample]:
    context = "Anna sings. Omar sleeps."
    who = {"sings": Span(0, 4, "Anna"), "sleeps": Span(12, 16, "Omar")}
    verbs = ["sings", "sleeps"] * count
    return [
        QuestionExample("en", f"Who {verb}?", context, (who[verb],), str(n)) for n, verb in enumerate(verbs[:count])
    ]
