"""A trace is what the model gives for the text alone, and its words are those of every script."""

import numpy as np
import pytest
import torch

from erniem_lab import MINI, ErnieMForMaskedLM, ErnieMTokenizer, trace
from erniem_lab.batching import collate
from erniem_lab.errors import InputValueError
from erniem_lab.tracing import words


@pytest.fixture(scope="module")
def mini():
    return ErnieMForMaskedLM.from_pretrained(MINI), ErnieMTokenizer.from_pretrained(MINI)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("บิกฟุตเป็นสัตว์", ["บิกฟุตเป็นสัตว์"]),
        ("हिन्दी में लिखा है।", ["हिन्दी", "में", "लिखा", "है", "।"]),
        ("می\u200cخواهم کتاب", ["می\u200cخواهم", "کتاب"]),
        ("Anna 中国 sagt: „Hi“…", ["Anna", "中", "国", "sagt", ":", "„", "Hi", "“", "…"]),
        ("3.5%\u00a0", ["3", ".", "5", "%"]),
        ("e\u0301t\u00e9", ["e\u0301t\u00e9"]),
        ("𠀀字", ["𠀀", "字"]),
        ("\u200b", []),
    ],
)
def test_words_are_whole_in_every_script(mini, text, expected):
    assert [word.text for word in words(mini[1].encoding(text))] == expected


@pytest.mark.parametrize("text", ["Anna 中国 , x", "कि 中 (น้ำ) …!", "  two  words "])
def test_every_token_is_of_one_word_that_says_where_it_stands(mini, text):
    encoding = mini[1].encoding(text, text)
    found = words(encoding)
    tokens = [token for word in found for token in word.tokens]
    assert tokens == [i for i, special in enumerate(encoding.special) if not special]
    for word in found:
        assert word.text == text[slice(*word.span)] == word.text.strip() != ""
        assert {encoding.sentence[token] for token in word.tokens} == {word.sentence}


def test_a_trace_is_what_the_model_gives(mini):
    model, tokenizer = mini
    found = trace(model, tokenizer, "Good day.", "Bonjour.")
    batch = collate([tokenizer.encoding("Good day.", "Bonjour.")])
    with torch.no_grad():
        output = model.base(batch.input_ids, output_hidden_states=True, output_attentions=True)
    np.testing.assert_allclose(found.hidden, torch.cat(output.hidden_states).numpy(), atol=1e-5)
    np.testing.assert_allclose(found.attention, torch.cat(output.attentions).numpy(), atol=1e-5)
    assert (found.texts, len(found.special)) == (("Good day.", "Bonjour."), len(found.tokens))


@pytest.mark.filterwarnings("ignore:a text has")  # of the tokenizer, before the trace refuses it
def test_dropout_is_off_while_a_trace_runs_and_back_after_it(mini):
    model, tokenizer = mini
    model.train()
    try:
        one, two = (trace(model, tokenizer, "Good day.").hidden for _ in range(2))
        with pytest.raises(InputValueError):
            trace(model, tokenizer, "word " * 600)
        assert model.training
    finally:
        model.eval()
    np.testing.assert_array_equal(one, two)


@pytest.mark.filterwarnings("ignore:a text has")  # of the tokenizer, before the trace refuses it
def test_a_text_that_is_too_long_is_named_with_its_tokens(mini):
    model, tokenizer = mini
    count = len(tokenizer.encoding("day " * 600, "short"))
    with pytest.raises(
        InputValueError, match=f"'day day .* and 'short' takes {count} tokens.*{model.config.max_length}"
    ):
        trace(model, tokenizer, "day " * 600, "short")
