"""What was extracted stands marked in its text, whatever the script, and the form reads what is typed into it."""

import pytest
from notebook_samples import HOSTILE

from erniem_lab.errors import InputValueError
from erniem_lab.tasks.extraction.found import Extraction, Found
from erniem_lab.visual.extraction import ExtractionForm, found_strips

TEXT = "Anna sings in Rome."
ROME = Found("Rome", (14, 18), 0.625, {})
ANNA = Found("Anna", (0, 4), 0.75, {"city": (ROME,)})


def test_each_find_is_marked_where_it_stands_and_told_with_its_probability_and_relations() -> None:
    html = found_strips({"en": Extraction(TEXT, {"person": (ANNA,), "city": (ROME,)})}).html
    assert html.index(">Anna</span> sings in <span") < html.index(">Rome</span>.")
    assert "75 %" in html
    assert html.index("75 %") < html.index("→ city: ") < html.index("62 %")


def test_names_differ_in_shade_and_in_line_and_look_alike_in_all_texts() -> None:
    both = {"en": Extraction(TEXT, {"person": (ANNA,), "city": (ROME,)}), "xx": Extraction(TEXT, {"city": (ROME,)})}
    html = found_strips(both).html
    looks = {
        name: {part.split('"')[0] for part in html.split(f'title="{name}" style="')[1:]} for name in ("person", "city")
    }
    assert all(len(found) == 1 for found in looks.values())
    (person,), (city,) = looks.values()
    assert all(a != b for a, b in zip(person.split(";")[1:], city.split(";")[1:], strict=True))


def test_a_text_is_whole_even_where_finds_overlap() -> None:
    found = {"a": (Found("Anna sings", (0, 10), 0.9, {}),), "b": (Found("sings in", (5, 13), 0.9, {}),)}
    html = found_strips({"en": Extraction(TEXT, found)}).html
    assert ">Anna sings</span> in Rome." in html


def test_a_text_has_its_own_direction() -> None:
    text = "تعيش آنا في روما."
    html = found_strips({"ar": Extraction(text, {"شخص": (Found("آنا", (5, 8), 0.9, {}),)})}).html
    assert '<bdi dir="auto">تعيش <span' in html
    assert "<bdi>شخص</bdi>" in html


def test_an_option_stands_below_and_nowhere_in_the_text() -> None:
    html = found_strips({"en": Extraction(TEXT, {"mood[good, bad]": (Found("good", None, 0.5, {}),)})}).html
    assert "title=" not in html
    assert "<bdi>good</bdi>" in html


def test_no_text_becomes_markup() -> None:
    below = {HOSTILE: (Found(HOSTILE, (0, 1), 0.5, {}),)}
    extraction = Extraction(HOSTILE, {HOSTILE: (Found(HOSTILE, (0, len(HOSTILE)), 0.5, below),)})
    assert HOSTILE not in found_strips({HOSTILE: extraction}).html


def test_the_form_extracts_what_is_typed_and_tells_faults_in_its_place() -> None:
    def extract(text: str, schema: str) -> Extraction:
        if not schema:
            raise InputValueError("schema: <nothing> to ask for")
        return Extraction(text, {schema: (Found(text[:1], (0, 1), 0.5, {}),)})

    form = ExtractionForm(extract, TEXT, "person")
    assert ">A</span>nna sings" in form.answer.value
    form.text.value, form.schema.value = "Ben", "name"
    form.button.click()
    assert ">B</span>en" in form.answer.value
    form.schema.value = ""
    form.button.click()
    assert "schema: &lt;nothing&gt; to ask for" in form.answer.value


@pytest.mark.parametrize("kind", ["text/html", "application/vnd.jupyter.widget-view+json"])
def test_the_form_has_a_still_picture_beside_the_living_one(kind: str) -> None:
    form = ExtractionForm(lambda text, schema: Extraction(text, {}), TEXT, "person")
    assert kind in form._repr_mimebundle_()
