"""What was extracted, drawn in the text itself, and a form to type a text and a schema into."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from html import escape

import ipywidgets  # type: ignore[import-untyped]

from erniem_lab.tasks.extraction.found import Extraction, Found
from erniem_lab.visual.forms import WIDE, Form
from erniem_lab.visual.tokens import CELL, CHIP, SOFT, Markup

PALE = ("#a9cbe8", "#f6c9a5", "#cfe3b4", "#e3c3de", "#f3e2a0", "#c9ccd3")  # by the place of a name in what is shown
LINES = ("solid", "dashed", "dotted", "double")  # which grey keeps apart
Extract = Callable[[str, str], Extraction]


def found_strips(extractions: Mapping[str, Extraction]) -> Markup:
    """Each text with what was found in it shaded and underlined by name, and below it every find with its relations.

    A name looks alike in all texts. Where finds of two names overlap, the look is that of the one that begins first.
    The names of the mapping stand at the left; the number of a find is its probability in percent.

    >>> anna = Found("Anna", (0, 4), 0.9, {})
    >>> "person" in found_strips({"en": Extraction("Anna sings.", {"person": (anna,)})}).html
    True
    """
    looks = _looks(name for extraction in extractions.values() for name in extraction.found)
    rows = "".join(_row(name, extraction, looks) for name, extraction in extractions.items())
    return Markup(f'<table style="border-collapse:collapse">{rows}</table>')


class ExtractionForm(Form):
    """A text, a schema, and what is found: typed into a notebook that runs, a still picture elsewhere.

    Args:
        extract: what is found in a text by a schema, which is written as for the command: names with commas, or JSON.

    >>> form = ExtractionForm(lambda text, schema: Extraction(text, {}), "Anna sings.", "person")
    >>> form.text.value = "Ben sings."
    >>> form.button.click()
    >>> "Ben" in form.answer.value
    True
    """

    def __init__(self, extract: Extract, text: str, schema: str) -> None:
        self.extract = extract
        self.text = ipywidgets.Textarea(text, description="text", layout=WIDE)
        self.schema = ipywidgets.Text(schema, description="schema", layout=WIDE)
        self.button = ipywidgets.Button(description="extract", button_style="primary")
        self.button.on_click(lambda _: self.show())
        super().__init__([self.text, self.schema], self.button)

    def answered(self) -> Markup:
        """What is found in the text by the schema."""
        return found_strips({self.schema.value: self.extract(self.text.value, self.schema.value)})


def _looks(names: Iterable[str]) -> dict[str, str]:
    """How each name is marked; no padding, so that letters stay joined over the border of a find."""
    return {
        name: f"color:#14181f;background-color:{PALE[number % len(PALE)]};"
        f"border-bottom:2px {LINES[number % len(LINES)]} #4b5563"
        for number, name in enumerate(dict.fromkeys(names))
    }


def _row(name: str, extraction: Extraction, looks: Mapping[str, str]) -> str:
    finds = "<br>".join(
        f'<span style="{looks[top]}"><bdi>{escape(top)}</bdi></span> {" ".join(_find(one) for one in several)}'
        for top, several in extraction.found.items()
    )
    text = f'<div style="font-size:115%;margin-bottom:4px"><bdi dir="auto">{_marked(extraction, looks)}</bdi></div>'
    below = f'<div style="font-size:85%">{finds or "nothing found"}</div>'
    return f'<tr><td style="{CELL}"><b>{escape(name)}</b></td><td style="{CELL}">{text}{below}</td></tr>'


def _marked(extraction: Extraction, looks: Mapping[str, str]) -> str:
    text, cursor, parts = extraction.text, 0, []
    for start, end, name in sorted(_places(extraction)):
        if start >= cursor:
            found = f'<span title="{escape(name, quote=True)}" style="{looks[name]}">{escape(text[start:end])}</span>'
            parts += [escape(text[cursor:start]), found]
            cursor = end
    return "".join(parts) + escape(text[cursor:])


def _places(extraction: Extraction) -> Iterator[tuple[int, int, str]]:
    for name, several in extraction.found.items():
        yield from ((*one.span, name) for one in several if one.span is not None)


def _find(one: Found) -> str:
    sure = f'<sub style="{SOFT}">{100 * one.probability:.0f} %</sub>'
    below = "; ".join(
        f"{escape(name)}: {' '.join(_find(each) for each in several)}" for name, several in one.relations.items()
    )
    return f'<span style="{CHIP}"><bdi>{escape(one.text)}</bdi> {sure}{f" → {below}" if below else ""}</span>'
