"""What a trained head says of a text, drawn in any script, and a form to type the text into."""

from collections.abc import Iterator, Mapping, Sequence
from html import escape

import ipywidgets  # type: ignore[import-untyped]

from erniem_lab.tasks import AnswerPrediction, ChoicePrediction, Fitted, LabelPrediction, TagPrediction
from erniem_lab.visual.forms import WIDE, Form
from erniem_lab.visual.tokens import CHIP, SHADES, SOFT, Markup

Said = TagPrediction | AnswerPrediction | ChoicePrediction | LabelPrediction
Chip = tuple[str, str, bool]  # what was said, what stands small beside it, and whether it is shaded
OUTSIDE = "O"


def said_strip(said: Said, texts: Sequence[str] = (), labels: Sequence[str] = ()) -> Markup:
    """What was said, each part with its probability in percent; shaded is the answer, or words of entities.

    Args:
        texts: what was asked; the choices of a multiple choice are read from it, behind the premise.
        labels: in the order of the probabilities, where the task has labels.

    >>> "87 %" in said_strip(LabelPrediction("en", None, "no", (0.13, 0.87)), labels=["yes", "no"]).html
    True
    """
    return Markup(f'<div style="line-height:2.1" dir="auto">{" ".join(map(_chip, _chips(said, texts, labels)))}</div>')


class AskForm(Form):
    """Fields for the texts that a head reads, and what it says of them: anew after each Enter, still in a report.

    Args:
        head: as `fit` gives it.
        fields: the texts to begin with, by what each is; see `Fitted.ask` for how many the task has.

    >>> from erniem_lab import MINI
    >>> from erniem_lab.corpora.world import World
    >>> from erniem_lab.tasks import Settings, fit
    >>> head = fit(World.load().tagged("en", 8), model=MINI, settings=Settings(steps=1), progress=False)
    >>> form = AskForm(head, {"sentence": "Anna sings."})
    >>> form.fields[0].value = "Ben sings."
    >>> "Ben" in form.answer.value
    True
    """

    def __init__(self, head: Fitted, fields: Mapping[str, str], language: str = "und") -> None:
        self.head, self.language = head, language
        boxes = [
            ipywidgets.Text(text, description=name, layout=WIDE, continuous_update=False)
            for name, text in fields.items()
        ]
        for box in boxes:
            box.observe(lambda _: self.show(), names="value")
        super().__init__(boxes)

    def answered(self) -> Markup:
        """What the head says of the texts."""
        texts = [field.value for field in self.fields]
        said = self.head.ask(*texts, language=self.language)
        return said_strip(said, texts, getattr(self.head.task, "labels", ()))


def _chips(said: Said, texts: Sequence[str], labels: Sequence[str]) -> Iterator[Chip]:
    if isinstance(said, TagPrediction):
        for word, tag, sure in zip(said.words, said.said, said.probabilities, strict=True):
            yield word, f"{tag} {_percent(sure)}" if tag != OUTSIDE else "", tag != OUTSIDE
    elif isinstance(said, AnswerPrediction):
        for place, answer in enumerate(said.answers):
            yield answer.text or "no answer", _percent(answer.probability), place == 0
    elif isinstance(said, ChoicePrediction):
        for place, (text, sure) in enumerate(zip(texts[1:], said.probabilities, strict=True)):
            yield text, _percent(sure), place == said.said
    elif not said.probabilities:
        yield f"{said.said:.3f}" if isinstance(said.said, float) else str(said.said), "", True
    else:
        held = said.said if isinstance(said.said, tuple) else (said.said,)
        for label, sure in zip(labels, said.probabilities, strict=True):
            yield label, _percent(sure), label in held


def _percent(share: float) -> str:
    return f"{100 * share:.0f} %"


def _chip(part: Chip) -> str:
    text, note, shaded = part
    look = f"{CHIP};{SHADES[1]}" if shaded else CHIP
    return f'<span style="{look}"><bdi>{escape(text)}</bdi> <sub style="{SOFT}">{escape(note)}</sub></span>'
