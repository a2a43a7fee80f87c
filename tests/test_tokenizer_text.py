"""What a text may hold: empty, wild, huge, hostile; the numbers are those of the list of reliability cases."""

import gc
import random
import shutil
import time
import unicodedata
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise
from pathlib import Path
from typing import Literal

import pytest
import sentencepiece
from conftest import GOLDEN

from erniem_lab import MINI
from erniem_lab.errors import InputTypeError, InputValueError
from erniem_lab.tokenizer import Encoding, ErnieMTokenizer
from erniem_lab.tokenizing.id_model import renumbered

TOY = GOLDEN / "tokenizer"
POOL = [
    *"aZ09é\u0301\u0308ßİıΣςµ½ﬁﬀⅠⅷ①²㎏㍿ﷺ",
    *"ｶﾞがガ\u3099한글ᄒ\u1161\u11ab中文，。！？～~【】《》、「",
    *"हिन्दी१२ไทยعرب\u064b\u202e\u202c\u200b\u200c\u200d\ufeff\ufffd\u2581\u00ad",
    *"\x00\x01\x07\t\n\r\x0b\x85\u00a0\u3000\u2028\ufffe\U0001fffe\U0010ffff",
    *"😀👩🏽🇩🇪\U0001d7d9\U00020000\u0340\u0f73\u1e9b\u0323\u0958",
    *" , ; : . ? ! ' \" [ ] ( ) ",
    "[SEP]", "[MASK]", "[PAD]", "[CLS]", "[UNK]", "▁", "  ", "the ", "e\u0301", "ｶﾞ", "A\u030a",
]  # fmt: skip


@pytest.fixture(scope="module")
def tokenizer() -> ErnieMTokenizer:
    return ErnieMTokenizer.from_pretrained(TOY)


def wild(count: int, seed: int) -> Iterator[str]:
    """Strings of the pool's characters, and now and then of any character at all."""
    generator = random.Random(seed)
    for _ in range(count):
        length = generator.randrange(1, 24)
        text = "".join(generator.choice(POOL) for _ in range(length))
        if generator.random() < 0.3:
            text += "".join(chr(generator.randrange(0x110000)) for _ in range(generator.randrange(6)))
        yield "".join(char for char in text if not 0xD800 <= ord(char) <= 0xDFFF)


def violations(encoding: Encoding, tokenizer: ErnieMTokenizer) -> list[str]:
    """What is wrong with an encoding's places.

    The normal form is NFKC, or, as sentencepiece also drops control characters, the model's own.
    """
    text, found, before = encoding.texts[0], [], 0
    lower = str.lower if tokenizer.do_lower_case else str
    for token, (start, end), special in zip(encoding.tokens, encoding.offsets, encoding.special, strict=True):
        if special:
            continue
        part = "".join(map(lower, text[start:end]))
        forms = (text[start:end], unicodedata.normalize("NFKC", part), tokenizer.sp_model.normalize(part))
        if not before <= start < end <= len(text):
            found.append(f"{token!r} at {start}:{end} after {before} of {len(text)}")
        if not any((token.lstrip("▁")) in form for form in forms):
            found.append(f"{token!r} not in {forms}")
        before = start
    return found


def check(texts: Iterator[str], tokenizer: ErnieMTokenizer) -> None:
    for text in texts:
        encoding = tokenizer.encoding(text)
        assert encoding.ids == tokenizer(text, verbose=False).input_ids, repr(text)
        assert not violations(encoding, tokenizer), repr(text)


@pytest.mark.parametrize("lower", [False, True])
@pytest.mark.parametrize("mode", ["hf", "paddle"])
def test_every_token_of_a_wild_text_has_its_place(mode: str, lower: bool) -> None:
    """Case 73: a quick part of the hundred thousand."""
    check(wild(1250, seed=1), ErnieMTokenizer.from_pretrained(TOY, mode=mode, do_lower_case=lower))


@pytest.mark.timeout(1800)
@pytest.mark.slow
def test_every_token_of_a_hundred_thousand_wild_texts_has_its_place(tokenizer: ErnieMTokenizer) -> None:
    """Case 73."""
    check(wild(100_000, seed=0), tokenizer)


@pytest.fixture(scope="module")
def untidy(tmp_path_factory: pytest.TempPathFactory) -> ErnieMTokenizer:
    """A tokenizer whose sentencepiece model keeps all spaces, so that "▁" can be the last piece."""
    folder = tmp_path_factory.mktemp("untidy")
    with (folder / "sentencepiece.bpe.model").open("wb") as file:
        sentencepiece.SentencePieceTrainer.train(
            sentence_iterator=iter([f"this is  a test {i} " for i in range(200)]),
            model_writer=file,
            model_type="unigram",
            vocab_size=40,
            remove_extra_whitespaces=False,
            hard_vocab_limit=False,
            minloglevel=2,
        )
    model = sentencepiece.SentencePieceProcessor(model_file=file.name)
    names = [model.id_to_piece(i) for i in range(3, model.get_piece_size())]
    (folder / "vocab.txt").write_text("\n".join(["[CLS]", "[PAD]", "[SEP]", "[UNK]", *names, "[MASK]"]), "utf-8")
    return ErnieMTokenizer.from_pretrained(folder)


@pytest.mark.parametrize("text", ["this is", "this is ", "this  is", " this is  "])
def test_spaces_that_the_model_keeps_are_no_tokens_between_words_nor_at_the_end(
    untidy: ErnieMTokenizer, text: str
) -> None:
    """Bug D30: the peer looks at the piece after the last."""
    assert untidy.tokenize(text) == untidy.tokenize("this is")
    check(iter([text]), untidy)


def test_every_token_has_its_place_where_the_model_keeps_all_spaces(untidy: ErnieMTokenizer) -> None:
    """Bug D30, and case 73."""
    check(wild(300, seed=5), untidy)


@pytest.mark.parametrize("text", ["", " ", "\t\n\r", "\u3000\u00a0", "▁", "\u200b", "\ufeff", "\ufffd"])
def test_a_text_of_nothing_visible_is_framed_and_no_more(tokenizer: ErnieMTokenizer, text: str) -> None:
    """Cases 59, 60, 67."""
    assert tokenizer(text).input_ids == [0, 2]
    assert tokenizer(text, text).input_ids == [0, 2, 2, 2]
    assert tokenizer.encoding(text).offsets == [(0, 0), (0, 0)]


@pytest.mark.parametrize("wrong", [None, 3, b"bytes", ["fine", None], [["a", "b", "c"]]])
def test_what_is_not_text_is_named_by_its_type(tokenizer: ErnieMTokenizer, wrong: object) -> None:
    """Case 61."""
    with pytest.raises(InputTypeError, match=r"NoneType|int|bytes|is_split_into_words"):
        tokenizer(wrong)


def test_half_a_surrogate_pair_is_refused_with_its_index(tokenizer: ErnieMTokenizer) -> None:
    """Case 62."""
    with pytest.raises(InputValueError, match="index 3"):
        tokenizer("abc\udc00")
    with pytest.raises(InputValueError, match=r"ab.*ud800.* index 7"):
        tokenizer(["fine", "[SEP]ab\ud800"])
    with pytest.raises(InputValueError, match="index 3"):
        tokenizer.encoding("abc\udc00")


@pytest.mark.parametrize(
    "text",
    [
        "a\x00b",  # 63
        "👩‍👩‍👧‍👦 family",  # 64
        "a" + "\u0301" * 1000,  # 65
        "abc \u202eשלום\u202c def",  # 66
        "\ufeffa\ufffdb▁c",  # 67
        "a\ufffeb\U0001fffec\ufdd0",  # 68
        "ﬁ ½ ｶﾞ İ Ⅰ ﷺ ㎏",  # 69
        "e\u0301 A\u030a",  # decomposed accents, where PaddleNLP fails
    ],
)
@pytest.mark.parametrize("lower", [False, True])
def test_a_strange_text_has_ids_and_places(text: str, lower: bool) -> None:
    """Cases 63 to 69."""
    check(iter([text]), ErnieMTokenizer.from_pretrained(TOY, do_lower_case=lower))


def test_the_places_of_characters_that_expand_or_compose_are_the_whole_character(tokenizer: ErnieMTokenizer) -> None:
    """Case 69."""
    encoding = tokenizer.encoding("ﬁe\u0301½")
    assert [encoding.surface(i) for i in range(1, len(encoding) - 1)] == ["ﬁ", "ﬁ", "e\u0301", "½", "½", "½"]


@pytest.mark.parametrize("unit", ["a", "word ", "中", "😀"])
def test_a_megabyte_takes_seconds(tokenizer: ErnieMTokenizer, unit: str) -> None:
    """Case 70: the peer takes 0.3 to 0.8 s; the bound is loose, and shows that time grows in proportion."""
    text = unit * (1_000_000 // len(unit.encode()))
    start = time.perf_counter()
    tokenizer(text, verbose=False)
    assert time.perf_counter() - start < 10


def test_special_tokens_in_text_are_text_where_it_is_not_trusted(tokenizer: ErnieMTokenizer) -> None:
    """Case 71."""
    text = "[SEP] [MASK][PAD] [CLS] [UNK]"
    careful = ErnieMTokenizer.from_pretrained(TOY, split_special_tokens=True)
    assert tokenizer(text).input_ids == [0, 2, 581, 1, 0, 3, 2]
    assert not set(careful(text).input_ids[1:-1]) & {0, 1, 2, 581}
    assert not violations(careful.encoding(text), careful)


def test_a_piece_that_reads_like_a_special_token_is_no_special_token() -> None:
    """Case 71, for a vocabulary in which sentencepiece itself could write one."""
    careful = ErnieMTokenizer.from_pretrained(TOY, split_special_tokens=True)
    assert careful._segmenter.token_ids(["[SEP]", "[MASK]"]) == [3, 3]


def test_a_text_over_the_limit_is_cut_when_asked_and_reported_when_not(tokenizer: ErnieMTokenizer) -> None:
    """Case 72."""
    text = "this is " * 500
    assert len(tokenizer(text, truncation=True).input_ids) == len(tokenizer.encoding(text, truncation=True)) == 512
    with pytest.warns(UserWarning, match="1502 tokens, more than the 512"):
        tokenizer(text)
    with pytest.warns(UserWarning, match="1502 tokens, more than the 512"):
        tokenizer.encoding(text)


def test_a_windowed_text_is_whole_and_overlaps_by_the_stride(tokenizer: ErnieMTokenizer) -> None:
    """Case 72: nothing of a long text needs to be lost."""
    words = [f"w{i}" for i in range(300)]
    windows = tokenizer.windows("which", " ".join(words), max_length=64, stride=10)
    seconds = [list(window.offsets[window.special.index(True, 1) + 2 : -1]) for window in windows]
    assert all(len(window) <= 64 for window in windows)
    assert all(before[-10:] == after[:10] for before, after in pairwise(seconds))
    joined = seconds[0] + [span for part in seconds[1:] for span in part[10:]]
    assert joined == [*tokenizer.encoding("which", " ".join(words), max_length=10**6).offsets][-len(joined) - 1 : -1]


@pytest.mark.parametrize("folder", [TOY, MINI])
@pytest.mark.parametrize("mode", ["hf", "paddle"])
def test_ids_and_places_in_a_batch_of_wild_texts_are_those_of_each_alone(
    mode: Literal["hf", "paddle"], folder: Path
) -> None:
    tokenizer = ErnieMTokenizer.from_pretrained(folder, mode=mode, split_special_tokens=True, model_max_length=10**9)
    texts = ["", *wild(1800, seed=3), ""]
    batch = tokenizer(texts, return_offsets_mapping=True)
    alone = tokenizer.encodings(texts)
    assert batch.input_ids == tokenizer(texts).input_ids == [encoding.ids for encoding in alone]
    assert batch.offset_mapping == [encoding.offsets for encoding in alone]


def test_a_renumbered_model_cuts_texts_as_before_and_answers_with_ids() -> None:
    model = ErnieMTokenizer.from_pretrained(TOY).sp_model
    numbers = {piece: 3 * place for place, piece in enumerate(range(400, 20, -1))}
    other = sentencepiece.SentencePieceProcessor(model_proto=renumbered(model.serialized_model_proto(), numbers))
    texts = [*wild(1000, seed=5)]
    assert other.encode(texts, out_type=str) == model.encode(texts, out_type=str)
    assert all(other.id_to_piece(new) == model.id_to_piece(piece) for piece, new in numbers.items())
    assert other.get_piece_size() == max(numbers.values()) + 1 + model.get_piece_size() - len(numbers)


def test_a_space_without_an_id_is_unknown_within_a_text_and_nothing_before_it(tmp_path: Path) -> None:
    lines = (TOY / "vocab.txt").read_text(encoding="utf-8").replace("\n▁\n", "\nnothing\n")
    (tmp_path / "vocab.txt").write_text(lines, encoding="utf-8")
    shutil.copy(TOY / "sentencepiece.bpe.model", tmp_path)
    tokenizer, texts = ErnieMTokenizer.from_pretrained(tmp_path), ["中文 中文 this", "\u2603 is 9 中"]
    assert tokenizer(texts * 50).input_ids[-2:] == [tokenizer.encoding(text).ids for text in texts]
    assert tokenizer.tokenize(texts[0])[0] != "▁"


def test_a_failed_call_leaves_the_search_for_cycles_on(tokenizer: ErnieMTokenizer) -> None:
    with pytest.raises(InputValueError):
        tokenizer(["a", "\ud800"])
    assert gc.isenabled()


@pytest.mark.parametrize("side", ["left", "right"])
def test_a_batch_made_straight_into_a_tensor_is_its_padded_lists(side: Literal["left", "right"]) -> None:
    tokenizer = ErnieMTokenizer.from_pretrained(TOY, padding_side=side, truncation_side=side)
    texts = [*wild(300, seed=4)]
    how = {"truncation": True, "max_length": 12, "padding": True, "return_offsets_mapping": True}
    lists, tensors = tokenizer(texts, texts[::-1], **how), tokenizer(texts, texts[::-1], return_tensors="pt", **how)
    assert tensors.input_ids.tolist() == lists.input_ids
    assert tensors.offset_mapping.tolist() == [[[*span] for span in row] for row in lists.offset_mapping]


def test_threads_may_share_a_tokenizer() -> None:
    texts = [f"this is {i} a test, {chr(0x4E00 + i)} {chr(0x430 + i % 32)}" for i in range(400)]
    shared = ErnieMTokenizer.from_pretrained(TOY)
    with ThreadPoolExecutor(8) as pool:
        found = [*pool.map(lambda text: shared([text], return_offsets_mapping=True), texts)]
    alone = ErnieMTokenizer.from_pretrained(TOY)
    assert [answer.input_ids[0] for answer in found] == alone(texts).input_ids
    assert [answer.offset_mapping[0] for answer in found] == alone(texts, return_offsets_mapping=True).offset_mapping
