"""A form to type into: fields, and below them an answer, or what is wrong with what was typed."""

from abc import abstractmethod
from collections.abc import Mapping, Sequence
from html import escape
from typing import Any

import ipywidgets  # type: ignore[import-untyped]

from erniem_lab.errors import ErnieMLabError
from erniem_lab.visual.tokens import Markup

WIDE = {"width": "98%"}


class Form(ipywidgets.VBox):  # type: ignore[misc]
    """Fields by what each is, and `answer`; still where no Python runs."""

    def __init__(self, fields: Sequence[Any], *controls: Any) -> None:
        self.fields, self.answer = list(fields), ipywidgets.HTML()
        super().__init__([*self.fields, *controls, self.answer])
        self.show()

    @abstractmethod
    def answered(self) -> Markup:
        """What is said of the fields' present values."""

    def show(self) -> None:
        """Answer anew; a fault of what was typed stands where the answer would."""
        try:
            self.answer.value = self.answered().html
        except ErnieMLabError as fault:
            self.answer.value = f'<p style="color:#b3261e">{escape(str(fault))}</p>'

    def _repr_mimebundle_(self, **kwargs: Any) -> Mapping[str, Any]:
        data: Mapping[str, Any] = super()._repr_mimebundle_(**kwargs)
        asked = "<br>".join(f"{escape(one.description)}: <bdi>{escape(one.value)}</bdi>" for one in self.fields)
        return {**data, "text/html": f"<p>{asked}</p>{self.answer.value}"}
