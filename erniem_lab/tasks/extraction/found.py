"""What an extraction gives: a tree for each text, as dictionaries like Taskflow's, or as one tidy table."""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import pandas as pd

COLUMNS = ("number", "name", "subject", "text", "start", "end", "probability")
PATH = " / "  # between the names of a schema, from the top down


@dataclass(frozen=True)
class Found:
    """Something that a schema asked for, and under each name below it what was found of it.

    `span` has the characters of the text, end exclusive, and is None for an option; `probability` is that of the start
    times that of the end.
    """

    text: str
    span: tuple[int, int] | None
    probability: float
    relations: Mapping[str, tuple["Found", ...]]

    def to_dict(self) -> dict[str, Any]:
        """With the keys of PaddleNLP's Taskflow.

        >>> Found("good", None, 0.75, {}).to_dict()
        {'text': 'good', 'probability': 0.75}
        """
        place = {} if self.span is None else {"start": self.span[0], "end": self.span[1]}
        below = {"relations": as_dicts(self.relations)} if self.relations else {}
        return {"text": self.text, **place, "probability": self.probability, **below}


@dataclass(frozen=True)
class Extraction:
    """What was found in one text, by the names at the top of the schema; spans are in the order of the text.

    >>> anna = Found("Anna", (0, 4), 0.9, {})
    >>> Extraction("Anna sings.", {"person": (anna,)}).to_dict()
    {'person': [{'text': 'Anna', 'start': 0, 'end': 4, 'probability': 0.9}]}
    """

    text: str
    found: Mapping[str, tuple[Found, ...]]

    def __getitem__(self, name: str) -> tuple[Found, ...]:
        """What was found under a name; nothing, for a name that has none."""
        return self.found.get(name, ())

    def to_dict(self) -> dict[str, Any]:
        """As PaddleNLP's Taskflow gives it; a name under which nothing was found is absent."""
        return as_dicts(self.found)


@dataclass(frozen=True)
class Extractions(Sequence[Extraction]):
    """The extractions of several texts, in their order.

    >>> anna = Found("Anna", (0, 4), 0.9, {"job": (Found("singer", (10, 16), 0.8, {}),)})
    >>> Extractions((Extraction("Anna is a singer.", {"person": (anna,)}),)).to_frame()["name"].tolist()
    ['person', 'person / job']
    """

    items: tuple[Extraction, ...]

    def __getitem__(self, place: Any) -> Any:
        """One of them, or those of a slice."""
        return Extractions(self.items[place]) if isinstance(place, slice) else self.items[place]

    def __len__(self) -> int:
        return len(self.items)

    def to_json_lines(self) -> str:
        """A JSON object a text, with `text` and `found`, in the text's own letters."""
        items = ({"text": one.text, "found": one.to_dict()} for one in self.items)
        return "".join(json.dumps(item, ensure_ascii=False) + "\n" for item in items)

    def to_frame(self) -> "pd.DataFrame":
        """A row for each thing found: number of the text, names down to it, what it is of, text, place, probability.

        `start` and `end` are missing (NA) for options; `subject` is empty at the top.
        """
        import pandas as pd

        rows = (row for number, one in enumerate(self.items) for row in _rows(number, one.found, "", ""))
        table = pd.DataFrame(rows, columns=list(COLUMNS))
        return table.astype({"start": "Int64", "end": "Int64"})


def as_dicts(found: Mapping[str, Sequence[Found]]) -> dict[str, Any]:
    """Names with what was found under them, as lists of dictionaries.

    >>> as_dicts({"feeling[good, bad]": [Found("good", None, 0.75, {})]})
    {'feeling[good, bad]': [{'text': 'good', 'probability': 0.75}]}
    """
    return {name: [one.to_dict() for one in several] for name, several in found.items()}


def _rows(number: int, found: Mapping[str, Sequence[Found]], path: str, subject: str) -> Iterator[tuple[Any, ...]]:
    for name, several in found.items():
        here = f"{path}{PATH}{name}" if path else name
        for one in several:
            start, end = one.span or (None, None)
            yield number, here, subject, one.text, start, end, one.probability
            yield from _rows(number, one.relations, here, one.text)
