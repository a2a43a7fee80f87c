"""A sentencepiece model whose numbers are ERNIE-M's ids, so that most of what it answers need not be looked up."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import chain
from typing import Any

import sentencepiece

PIECE = b"\n"  # the key of ModelProto's field 1, one SentencePiece; the other fields stay as they are
FEW = 16
CONTROL = b"\x18\x03"  # SentencePiece's field 3, its type: no text becomes one


class IdModel:
    """Pieces, scores and normalisation of a model, and so every segmentation, under other numbers.

    A piece that is one token has that token's id as its number, unless another piece has it; all others, and the
    unknown piece, have numbers behind the highest id.

    Args:
        model: the model.
        tokens: the ids that each of its pieces, by its number there, is cut into; the unknown one as if it were whole.
        tokens_of: the ids that an unknown piece is cut into.
        whole: whether every unknown piece of a text stays whole.
        dropped: the piece that is left out at the start of a text, if there is one.
    """

    def __init__(
        self,
        model: sentencepiece.SentencePieceProcessor,
        tokens: Sequence[Sequence[int]],
        tokens_of: Callable[[str], Sequence[int]],
        whole: Callable[[str], bool],
        dropped: str | None,
    ) -> None:
        ids: dict[int, int] = {}
        unknown = model.unk_id()
        for piece, cut in enumerate(tokens):
            if len(cut) == 1 and piece != unknown:
                ids.setdefault(cut[0], piece)
        numbers = {piece: new for new, piece in ids.items()}
        proto = renumbered(model.serialized_model_proto(), numbers)
        self.model = sentencepiece.SentencePieceProcessor(model_proto=proto)
        self._size, self._unknown = max(ids, default=-1) + 1, self.model.unk_id()
        self._dropped = -1 if dropped is None else self.model.piece_to_id(dropped)
        others = (cut for piece, cut in enumerate(tokens) if piece not in numbers)
        self._tokens = [*((i,) for i in range(self._size)), *others]
        self._tokens_at = self._tokens.__getitem__
        self._lengths = [*map(len, self.model.id_to_piece([*range(self.model.get_piece_size())]))]
        self._tokens_of, self._whole = tokens_of, whole

    def ids(self, texts: Sequence[str]) -> tuple[list[list[int]], list[int]]:
        """The ids of each text, and which texts have several unknown pieces whose lengths cannot be told apart."""
        rows, looked_up, unclear = encode(self.model, texts, int), [], []
        for i, row in enumerate(rows):
            if row:
                if max(row) >= self._size:
                    looked_up.append(i)
                elif row[0] == self._dropped:
                    del row[0]
        unknown = [i for i in looked_up if self._unknown in rows[i] and not self._whole(texts[i])]
        forms = dict(zip(unknown, self.model.normalize([texts[i] for i in unknown]), strict=True))
        for i in looked_up:
            row = rows[i]
            found = self._in_form(row, forms[i]) if i in forms else [*chain.from_iterable(map(self._tokens_at, row))]
            if found is None:
                unclear.append(i)
            else:
                rows[i] = found[1:] if row[0] == self._dropped else found
        return rows, unclear

    def _in_form(self, row: Sequence[int], form: str) -> list[int] | None:
        """The ids of a row of numbers; what the known pieces leave of the text's normal form is the unknown ones'."""
        count = row.count(self._unknown)
        rest = len(form) - sum(self._lengths[number] for number in row if number != self._unknown)
        if count > 1 and rest != count:
            return None
        at, ids = 0, list[int]()
        for number in row:
            end = at + (rest // count if number == self._unknown else self._lengths[number])
            ids += self._tokens_of(form[at:end]) if number == self._unknown else self._tokens[number]
            at = end
        return ids


def encode(model: sentencepiece.SentencePieceProcessor, texts: Sequence[str], form: type, **sampling: Any) -> list[Any]:
    """What the model makes of each text; for a list it starts threads, which takes longer than a few texts."""
    if len(texts) < FEW:
        return [model.encode(text, out_type=form, **sampling) for text in texts]
    return model.encode([*texts], out_type=form, **sampling)


def renumbered(proto: bytes, numbers: Mapping[int, int]) -> bytes:
    """A serialized model with some pieces at new numbers, by their old ones, the others behind the highest of these.

    Numbers before it that no piece is given get one that no text becomes.
    """
    pieces: list[bytes] = []
    rest: list[bytes] = []
    start = 0
    for end in _ends(proto):
        (pieces if proto.startswith(PIECE, start) else rest).append(proto[start:end])
        start = end
    placed = {new: pieces[old] for old, new in numbers.items()}
    order = (placed.get(number) or _unused(number) for number in range(max(placed, default=-1) + 1))
    return b"".join([*order, *(piece for old, piece in enumerate(pieces) if old not in numbers), *rest])


def _unused(number: int) -> bytes:
    name = f"<unused {number}>".encode()
    piece = bytes([*PIECE, len(name), *name, *CONTROL])
    return bytes([*PIECE, len(piece), *piece])


def _ends(proto: bytes) -> Iterator[int]:
    """Where each field of a message ends."""
    at = 0
    while at < len(proto):
        if proto[at] == PIECE[0] and proto[at + 1] < 0x80:  # nearly all of them
            at += 2 + proto[at + 1]
        else:
            key, at = _varint(proto, at)
            number, at = _varint(proto, at) if key & 7 in (0, 2) else ({1: 8, 5: 4}[key & 7], at)
            at += number if key & 7 else 0
        yield at


def _varint(proto: bytes, at: int) -> tuple[int, int]:
    """The number that stands there in groups of seven bits, and where the next begins."""
    value = shift = 0
    while True:
        value, shift, at = value | (proto[at] & 0x7F) << shift, shift + 7, at + 1
        if proto[at - 1] < 0x80:
            return value, at
