"""Vectors of many languages: the same as one by one, each text read once, and in half precision at will."""

import numpy as np
import pytest
from jaxtyping import config as shape_checks

from erniem_lab import MINI, ErnieMForMaskedLM, ErnieMTokenizer, collecting
from erniem_lab.collecting import embed_languages
from erniem_lab.embedding import Reader, embed_layers
from erniem_lab.errors import InputTypeError, InputValueError

TEXTS = {"en": ["Good day.", "A cat sleeps.", "Yes"], "fr": ["Bonjour.", "Un chat dort."], "both": ["Yes", "Bonjour."]}


@pytest.fixture(scope="module")
def loaded():
    return ErnieMForMaskedLM.from_pretrained(MINI), ErnieMTokenizer.from_pretrained(MINI)


@pytest.mark.parametrize("pooling", ["mean", "cls"])
def test_vectors_are_those_of_each_list_by_itself(loaded, pooling, monkeypatch):
    monkeypatch.setattr(collecting, "BLOCK", 2)
    found = embed_languages(*loaded, TEXTS, pooling=pooling, precision="float32", progress=False)
    for name, texts in TEXTS.items():
        expected = embed_layers(*loaded, texts, pooling=pooling, progress=False)
        np.testing.assert_allclose(found[name], expected, atol=1e-5)


def test_half_precision_is_kept_as_such(loaded):
    half, full = (embed_languages(*loaded, TEXTS, precision=p, progress=False)["en"] for p in ("float16", "float32"))
    assert (half.dtype, full.dtype) == (np.float16, np.float32)
    np.testing.assert_array_equal(half, full.astype(np.float16))


def test_a_text_is_read_once(loaded, monkeypatch):
    read, vectors = [], Reader.vectors
    monkeypatch.setattr(Reader, "vectors", lambda self, texts: read.extend(texts) or vectors(self, texts))
    embed_languages(*loaded, TEXTS, progress=False)
    assert sorted(read) == sorted({text for texts in TEXTS.values() for text in texts})


def test_progress_is_shown_if_asked_for(loaded, capsys):
    embed_languages(*loaded, TEXTS)
    assert "5/5" in capsys.readouterr().err
    embed_languages(*loaded, TEXTS, progress=False)
    assert not capsys.readouterr().err


def test_what_is_not_known_is_refused(loaded, monkeypatch):
    monkeypatch.setattr(shape_checks, "jaxtyping_disable", True)  # as for users, who run without these checks
    with pytest.raises(InputValueError, match="precision='int8'"):
        embed_languages(*loaded, TEXTS, precision="int8", progress=False)
    for wrong in ("Good day.", ["Good day.", None]):
        with pytest.raises(InputTypeError, match=r"'en'.*list of strings"):
            embed_languages(*loaded, {"en": wrong}, progress=False)
