"""How a text becomes ERNIE-M's tokens: sentencepiece's pieces, cut again at digits, Han characters and punctuation.

The second cut and the fate of a lone "▁" are those of PaddleNLP's ErnieMTokenizer and of its port in transformers
4.40.2, which differ in the latter. Both depend on a piece and its neighbour only, so they are tables here.
"""

import re
from collections.abc import Callable, Hashable, Iterable, Iterator, Mapping, Sequence
from functools import cached_property
from itertools import chain
from typing import Any, Literal, TypeVar

import numpy as np
import sentencepiece
from jaxtyping import Int

from erniem_lab.errors import FileFaultError
from erniem_lab.tokenizing.id_model import IdModel, encode
from erniem_lab.tokenizing.piece_table import PieceTable
from erniem_lab.tokenizing.places import Parts, located, piece_starts, spans
from erniem_lab.tokenizing.ragged import Ragged, stacked

WORD_START = "▁"  # sentencepiece writes a space so
STANDS_ALONE = frozenset(",;:.?!~，；：。？！《》【】")
HAN = ("\u4e00", "\u9fff")
TABLE_LIMIT = 1 << 20  # unknown strings are endless, memory is not
PIECES_A_TEXT = 16  # a renumbered model takes a moment; it is made when a text was read for every so many pieces

Mode = Literal["hf", "paddle"]
Span = tuple[int, int]
Key = TypeVar("Key", bound=Hashable)
Value = TypeVar("Value")


def cut(piece: str) -> tuple[Span, ...]:
    """Where a piece of sentencepiece's is cut into tokens; a "▁" left alone by a cut is no token.

    >>> [piece[start:end] for piece in ("▁in", "▁9a", "，中a") for start, end in cut(piece)]
    ['▁in', '9', 'a', '，', '中', 'a']
    """
    spans, start = [], 0
    for i, char in enumerate(piece):
        alone = _stands_alone(char)
        if char != WORD_START and (alone or (i and char.isdigit() != piece[i - 1].isdigit())):
            if piece[start:i] not in ("", WORD_START):
                spans.append((start, i))
            start = i
        if alone:
            spans.append((i, i + 1))
            start = i + 1
    if start < len(piece):
        spans.append((start, len(piece)))
    return tuple(spans)


def _stands_alone(char: str) -> bool:
    return HAN[0] <= char <= HAN[1] or char in STANDS_ALONE


class Segmenter:
    """A sentencepiece model with ERNIE-M's second cut, and the vocabulary's ids.

    Args:
        model: a unigram model without byte pieces.
        vocabulary: the id of every token that text can become; no special tokens.
        unknown: the id of every other token.
        mode: "hf" keeps a "▁" that stands before a piece without one; "paddle" keeps none.
        sampling: `alpha` and `nbest_size`, to draw a segmentation anew on every call; empty for the best one.

    Raises:
        FileFaultError: a model of another kind.
    """

    def __init__(
        self,
        model: sentencepiece.SentencePieceProcessor,
        vocabulary: Mapping[str, int],
        unknown: int,
        mode: Mode = "hf",
        sampling: Mapping[str, float] | None = None,
    ) -> None:
        self.model, self.vocabulary, self.unknown, self.mode = model, vocabulary, unknown, mode
        self._sampling: dict[str, Any] = {"enable_sampling": True, **sampling} if sampling else {}
        self._unk, self._lone = model.unk_id(), model.piece_to_id(WORD_START)
        if self._lone == self._unk or model.piece_to_id("<0x00>") != self._unk:
            raise FileFaultError("the sentencepiece model lacks '▁' or has byte pieces, so it is not of ERNIE-M's kind")
        tidy = model.normalize("a  a ") == model.normalize("a a")  # else "▁" can stand before "▁", and last
        self._by_string = bool(sampling) or not tidy
        self._of_string: _Table[str, tuple[int, ...]] = _Table(self._cut_ids)
        self._table = PieceTable(model.get_piece_size(), self._parts_of_number)
        self._cuts: _Table[str, tuple[Span, ...]] = _Table(cut)
        self._parts_of: _Table[str, Parts] = _Table(self._cut_parts)
        self._id_model: IdModel | None = None
        self._read = 0

    def ids(self, texts: Sequence[str]) -> list[list[int]]:
        """The ids of each text: looked up piece by piece, or, when enough was read, by an `IdModel`."""
        self._read += len(texts)
        if self._by_string or self._read * PIECES_A_TEXT < self.model.get_piece_size():
            return [self._string_ids(pieces) for pieces in self._encode(texts, str)]
        self._id_model = self._id_model or self._new_id_model()
        rows, unclear = self._id_model.ids(texts)
        for i, pieces in zip(unclear, self._encode([texts[i] for i in unclear], str), strict=True):
            rows[i] = self._string_ids(pieces)
        return rows

    def _new_id_model(self) -> IdModel:
        names = self.model.id_to_piece([*range(self.model.get_piece_size())])
        characters = {c for c in "0".join(names) if _stands_alone(c) or c.isdigit()}
        cutting = re.compile(f"[{_ranges(characters)}]")
        ids = [(self.vocabulary.get(name, self.unknown),) for name in names]
        tokens = [self._cut_ids(name) if cutting.search(name) else i for name, i in zip(names, ids, strict=True)]
        if self.mode == "paddle":
            tokens[self._lone] = ()
        tokens[self._unk] = (self.unknown,)
        first = WORD_START if self.mode == "hf" else None
        return IdModel(self.model, tokens, self._of_string.__getitem__, self._stays_whole, first)

    def located(self, texts: Sequence[str]) -> tuple[Ragged, Ragged]:
        """The ids of each text, and the character span in it that each stands for.

        A token before which a space stood does not span it; a lone "▁" spans just that. Texts with several unknown
        pieces whose lengths cannot be told apart, or with one that may be several tokens, are looked at piece by piece.
        """
        if self._by_string:
            return self._located_by_string(texts, self._sources(texts))
        pieces, sources = Ragged.of(self._encode(texts, int)), self._sources(texts)
        source, unknown = Ragged.of(sources), self._unknown(pieces)
        rest = source.lengths - 1 - self._table.lengths(pieces)  # characters that the known pieces leave
        plain = (unknown == 0) | ((rest == unknown) & self._characters_unknown)
        plain[[i for i in np.flatnonzero(unknown == 1).tolist() if plain[i] or self._stays_whole(texts[i])]] = True
        parts = self._located_by_number(pieces, source, np.repeat(rest // np.maximum(unknown, 1), unknown))
        hard = np.flatnonzero(~plain).tolist()
        if not hard:
            return parts
        others = self._located_by_string([texts[i] for i in hard], [sources[i] for i in hard])
        order = np.arange(len(texts))
        order[hard] = len(texts) + np.arange(len(hard))
        ids, spans = (stacked(columns).rows(order) for columns in zip(parts, others, strict=True))
        return ids, spans

    def _unknown(self, pieces: Ragged) -> Int[np.ndarray, " row"]:
        """How many unknown pieces each row has; rows follow one another."""
        rows = np.searchsorted(pieces.ends, np.flatnonzero(pieces.flat == self._unk), side="right")
        return np.bincount(rows, minlength=len(pieces))

    def _without_lone(self, tokens: Ragged, pieces: Ragged) -> Ragged:
        """The tokens of each row without a lone "▁" at its start, where the mode has one there."""
        starts, full = tokens.starts.copy(), pieces.lengths > 0
        starts[full] += (pieces.flat[pieces.starts[full]] == self._lone) & (self.mode == "hf")
        return Ragged(tokens.flat, starts, tokens.ends)

    def _located_by_number(
        self, pieces: Ragged, source: Ragged, widths: Int[np.ndarray, " unknown"]
    ) -> tuple[Ragged, Ragged]:
        """The ids and spans of texts, as if their unknown pieces were one token each, of so many characters."""
        unknown = pieces.flat == self._unk
        tokens, owners, edges, lengths = self._table.parts(pieces)
        lengths[unknown] = widths
        edges[:, 1] += np.where(unknown[owners], lengths[owners], 0)
        at = piece_starts(lengths, pieces.lengths, source.starts)[owners]
        tokens = self._without_lone(tokens, pieces)
        return tokens, Ragged(spans(at[:, None] + edges, source), tokens.starts, tokens.ends)

    def _located_by_string(self, texts: Sequence[str], sources: Sequence[Sequence[int]]) -> tuple[Ragged, Ragged]:
        return located([self._parts(pieces) for pieces in self._encode(texts, str)], sources)

    def _sources(self, texts: Sequence[str]) -> list[Sequence[int]]:
        """For each text, where every character of its normal form, and its end, came from."""
        return [source for _, source in self.model.normalize([*texts], with_offsets=True)]

    def named(self, texts: Sequence[str]) -> Iterator[tuple[list[int], list[str], list[Span]]]:
        """Of each text the ids, the tokens as strings, and the spans."""
        rows = [self._parts(pieces) for pieces in self._encode(texts, str)]
        ids, spans = located(rows, self._sources(texts))
        names = [[name for part in row for name in part.names] for row in rows]
        return zip(ids.lists(), names, spans.lists(), strict=True)

    def _parts(self, pieces: Sequence[str]) -> list[Parts]:
        parts = [*map(self._parts_of.__getitem__, pieces)]
        for i in self._dropped(pieces):
            parts[i] = Parts(1, (), ())
        return parts

    def _cut_parts(self, piece: str) -> Parts:
        spans = self._cuts[piece]
        names = tuple(piece[start:end] for start, end in spans)
        begins = (end - len(name.lstrip(WORD_START) or name) for (_, end), name in zip(spans, names, strict=True))
        ends = (end for _, end in spans)
        return Parts(
            len(piece), names, tuple(chain.from_iterable(zip(self.token_ids(names), begins, ends, strict=True)))
        )

    def token_ids(self, tokens: Sequence[str]) -> list[int]:
        """The id of each of a text's tokens."""
        return [self.vocabulary.get(token, self.unknown) for token in tokens]

    def _encode(self, texts: Sequence[str], form: type) -> list[Any]:
        return encode(self.model, texts, form, **self._sampling)

    def _dropped(self, pieces: Sequence[str]) -> set[int]:
        """Where a lone "▁" stands that the mode drops; in a tidy model's pieces only the first can be one in "hf"."""
        if self.mode == "hf" and not self._by_string:
            return {0} if pieces and pieces[0] == WORD_START else set()
        following = [*pieces[1:], WORD_START]
        return {
            i
            for i, piece in enumerate(pieces)
            if piece == WORD_START and (self.mode == "paddle" or i == 0 or following[i].startswith(WORD_START))
        }

    def _string_ids(self, pieces: Sequence[str]) -> list[int]:
        if dropped := self._dropped(pieces):
            pieces = pieces[1:] if dropped == {0} else [piece for i, piece in enumerate(pieces) if i not in dropped]
        return [*chain.from_iterable(map(self._of_string.__getitem__, pieces))]

    def _cut_ids(self, piece: str) -> tuple[int, ...]:
        return tuple(self.token_ids([piece[start:end] for start, end in self._cuts[piece]]))

    def _parts_of_number(self, piece: int) -> Parts:
        if piece == self._unk:
            return Parts(0, ("",), (self.unknown, 0, 0))  # how long it is hangs on the text
        if piece == self._lone and self.mode == "paddle":
            return Parts(1, (), ())
        return self._parts_of[self.model.id_to_piece(piece)]

    @cached_property
    def _characters_unknown(self) -> bool:
        """Whether an unknown piece of one character is always an unknown token."""
        single = [token for token in self.vocabulary if len(token) == 1]
        return self._unk not in self.model.piece_to_id(single)

    def _stays_whole(self, text: str) -> bool:
        """Whether every unknown piece of the text is one unknown token."""
        return self._splitting.search(text) is None

    @cached_property
    def _splitting(self) -> re.Pattern[str]:
        return re.compile(_hard_characters(self.model, self.vocabulary))


class _Table(dict[Key, Value]):
    """Values worked out when first asked for."""

    def __init__(self, work_out: Callable[[Key], Value]) -> None:
        super().__init__()
        self.work_out = work_out

    def __missing__(self, key: Key) -> Value:
        if len(self) >= TABLE_LIMIT:
            self.clear()
        self[key] = value = self.work_out(key)
        return value


def _hard_characters(model: sentencepiece.SentencePieceProcessor, vocabulary: Mapping[str, int]) -> str:
    """A pattern for each character that, where unknown, can split an unknown piece or be in the vocabulary.

    An unknown piece holds only characters that are no piece themselves. Beyond the scripts looked at here one by one,
    every character counts.
    """
    scripts = [*map(chr, chain(range(0x2E80), range(0x3041, 0x3100), range(0xAC00, 0xD7A4)))]
    forms = model.normalize(scripts)
    unknown = {c for c in set("".join(forms)) if model.piece_to_id(c) == model.unk_id()}
    extra = {c for token in vocabulary if unknown.issuperset(token) for c in token}
    hard = {c for c in unknown if _stands_alone(c) or c.isdigit()} | extra
    easy = "".join(c for c, form in zip(scripts, forms, strict=True) if hard.isdisjoint(form))
    return f"[^{_ranges(easy)}]"


def _ranges(characters: Iterable[str]) -> str:
    """A regular expression's class without its brackets."""
    codes = sorted(map(ord, characters))
    starts = [code for code, before in zip(codes, [-2, *codes], strict=False) if code != before + 1]
    ends = [code for code, after in zip(codes, [*codes[1:], -2], strict=True) if code + 1 != after]
    return "".join(rf"\U{start:08x}-\U{end:08x}" for start, end in zip(starts, ends, strict=True))
