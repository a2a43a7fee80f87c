import json
from typing import Any

import pytest
from conftest import GOLDEN

from erniem_lab.tokenizer import ErnieMTokenizer

TOY = GOLDEN / "tokenizer"


def recorded(name: str) -> dict[str, Any]:
    return json.loads((TOY / name).read_text(encoding="utf-8"))


@pytest.fixture(scope="module")
def tokenizer() -> ErnieMTokenizer:
    return ErnieMTokenizer.from_pretrained(TOY)


@pytest.mark.parametrize(("mode", "name"), [("hf", "peer.json"), ("paddle", "paddle.json")])
def test_ids_and_tokens_are_those_of_both_older_implementations(mode: str, name: str) -> None:
    """Case 74."""
    by_case = {lower: ErnieMTokenizer.from_pretrained(TOY, mode=mode, do_lower_case=lower == "1") for lower in "01"}
    for key, expected in recorded(name).items():
        tokenizer, text = by_case[key[0]], key[2:]
        assert tokenizer(text).input_ids == expected["ids"], key
        assert tokenizer.tokenize(text) == expected["tokens"], key
        assert tokenizer.encoding(text).ids == expected["ids"], key
