"""Numbers that notebooks record, from the call to the collected finding."""

import numpy as np
import pytest
import torch
from nbformat.v4 import new_code_cell, new_notebook, new_output

from erniem_lab.errors import InputTypeError, InputValueError, ReportError
from erniem_lab.report.numbers import NUMBER_MIME, Number, collect, record


def test_a_number_reads_with_unit_interval_and_count() -> None:
    assert Number("loss", 2.41711, 1234, 2.4, 2.45, "nats").measure == "2.417 nats [2.4, 2.45], n = 1,234"
    assert Number("best layer", 2).measure == "2"
    assert Number("parameters", 6912345).measure == "6,912,345"
    assert Number("rate", 11203.4, 5, 7554.9, 11531.0).measure == "11,203 [7,555, 11,531], n = 5"


@pytest.mark.parametrize("value", [np.float32(0.5), np.array(0.5), torch.tensor(0.5), 0.5])
def test_a_single_number_of_numpy_or_torch_is_recorded_as_plain(
    value: object, capsys: pytest.CaptureFixture[str]
) -> None:
    record("accuracy", value)
    assert capsys.readouterr().out == "accuracy: 0.5\n"


@pytest.mark.parametrize("value", [None, [1, 2], np.zeros(0), object()])
def test_what_is_not_one_value_is_refused(value: object) -> None:
    with pytest.raises(InputTypeError, match=r"accuracy: .*record one number"):
        record("accuracy", value)


def test_several_values_are_refused() -> None:
    with pytest.raises(InputTypeError, match="accuracy: got ndarray"):
        record("accuracy", np.zeros(3))


def test_an_interval_has_two_finite_ends_in_order() -> None:
    for low, high in [(0.1, None), (0.9, 0.1), (float("nan"), 1.0)]:
        with pytest.raises(InputValueError, match="accuracy"):
            record("accuracy", 0.5, low=low, high=high)
    with pytest.raises(InputValueError, match="accuracy: value=nan"):
        record("accuracy", float("nan"))


def notebook_with(*numbers: Number) -> object:
    outputs = [new_output("display_data", number._repr_mimebundle_()) for number in numbers]
    return new_notebook(cells=[new_code_cell("record(...)", outputs=outputs)])


def test_recorded_numbers_are_collected_in_order() -> None:
    numbers = (Number("b", 0.5, 3, 0.4, 0.6), Number("a", "yes"), Number("c", True))
    assert collect(notebook_with(*numbers)) == numbers


def test_one_name_for_two_numbers_is_refused() -> None:
    with pytest.raises(ReportError, match="'a' is recorded twice"):
        collect(notebook_with(Number("a", 1), Number("a", 2)))


def test_a_number_is_escaped_where_it_is_shown_as_html() -> None:
    bundle = Number("<img src=x onerror=alert(1)>", "</p><b>")._repr_mimebundle_()
    assert "<img" not in bundle["text/html"]
    assert "</p><b>" not in bundle["text/html"]
    assert bundle[NUMBER_MIME]["value"] == "</p><b>"
