"""A report's page: nothing in it runs, loads or leaves, and our own outputs survive."""

from html.parser import HTMLParser

import pytest
from hypothesis import given
from hypothesis import strategies as st
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output

from erniem_lab.files.html import policy
from erniem_lab.report.clean import clean_html
from erniem_lab.report.page import page
from erniem_lab.report.report import Report

HOSTILE = "</script><img src=x onerror=alert(1)><!--'\"\u2028"
PIXEL = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="


class Elements(HTMLParser):
    """Every element of a page with its attributes."""

    def __init__(self, markup: str) -> None:
        super().__init__()
        self.found: list[tuple[str, dict[str, str | None]]] = []
        self.feed(markup)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, dict(attrs)))


def assert_inert(markup: str) -> None:
    for tag, attributes in Elements(markup).found:
        assert tag not in {"script", "iframe", "object", "embed", "form", "link", "meta", "base", "style", "svg"}, tag
        assert not [name for name in attributes if name.startswith("on")], attributes
        assert (attributes.get("src") or "data:image/").startswith("data:image/"), attributes
        assert (attributes.get("href") or "#").startswith(("#", "http", "mailto")), attributes


def report(**changes: object) -> Report:
    plain = {
        "name": "01_it", "question": "What?", "answer": "It.", "fault": "", "seconds": 1.0, "finished": "today",
        "parameters": {}, "versions": {}, "numbers": (),
    }  # fmt: skip
    return Report(**{**plain, **changes})  # type: ignore[arg-type]


def shown(*outputs: dict[str, str], **changes: object) -> str:
    cell = new_code_cell("show()", outputs=[new_output("display_data", data) for data in outputs])
    return page(report(**changes), new_notebook(cells=[new_markdown_cell("# What?"), cell]))


PAYLOADS = [
    "<script>alert(1)</script>", "<img src=x onerror=alert(1)>", "<svg onload=alert(1)>",
    "<a href='javascript:x()'>x</a>",
    "<iframe srcdoc='<script>alert(1)</script>'></iframe>", "<object data='data:text/html,x'></object>",
    "<form action='http://a'><button formaction='javascript:x'>", "<meta http-equiv=refresh content='0;url=http://a'>",
    "<base href='http://a/'>", "<link rel=stylesheet href=http://a>", "<style>@import 'http://a'</style>",
    "<p style=\"background:url('http://a')\">", "<img src='http://a/b.png'>", "<math><mi xlink:href='javascript:x'>",
    "<scr<script>ipt>alert(1)</scr</script>ipt>", "<a href='data:text/html,<script>x</script>'>x</a>",
    "<input autofocus onfocus=x>",
]  # fmt: skip


@pytest.mark.parametrize("payload", PAYLOADS)
def test_markup_that_could_run_or_load_is_taken_out(payload: str) -> None:
    assert_inert(clean_html(payload))
    main = shown({"text/html": payload}).split("<main>")[1].split("</main>")[0]
    assert_inert(main)


@given(st.text() | st.lists(st.sampled_from([*PAYLOADS, *"<>\"'/= \n", "<!--", "-->", "on"])).map("".join))
def test_cleaned_markup_is_inert_whatever_it_was(markup: str) -> None:
    assert_inert(clean_html(markup))


def test_a_hostile_string_is_only_text_wherever_it_comes_from() -> None:
    markup = shown(
        {"text/plain": HOSTILE}, {"text/markdown": HOSTILE},
        name=HOSTILE, question=HOSTILE, answer=HOSTILE, fault=HOSTILE, parameters={HOSTILE: HOSTILE},
    )  # fmt: skip
    found = Elements(markup).found
    assert not [tag for tag, attributes in found if "onerror" in attributes]
    assert [tag for tag, _ in found].count("script") == 1


def test_tables_pictures_and_folded_text_survive() -> None:
    table = '<div><style scoped>td { color: red }</style><table class="dataframe"><tr><td>हिन्दी</td></tr></table></div>'
    markup = shown(
        {"text/html": table}, {"image/png": PIXEL}, {"text/html": "<details><summary>s</summary>d</details>"}
    )
    assert '<table class="dataframe">' in markup
    assert "<td>हिन्दी</td>" in markup
    assert "color: red" not in markup
    assert f'src="data:image/png;base64,{PIXEL}"' in markup
    assert "<details><summary>s</summary>d</details>" in markup


def test_a_picture_is_told_in_the_words_that_came_with_it() -> None:
    assert 'alt="figure: cosine; layer"' in shown({"image/png": PIXEL, "text/plain": "figure: cosine; layer"})


def test_an_svg_is_a_picture_and_not_a_part_of_the_page() -> None:
    markup = shown({"image/svg+xml": "<svg onload='alert(1)'></svg>"})
    assert "data:image/svg+xml;base64," in markup
    assert "onload" not in markup


def test_a_page_names_no_address_to_load() -> None:
    markup = shown({"text/html": "<img src='https://a.org/b.png'>"}, {"text/plain": "https://a.org"})
    loads = [attributes.get(name) for _, attributes in Elements(markup).found for name in ("src", "href", "data")]
    assert not [address for address in loads if address and not address.startswith(("data:", "./"))]


def test_the_policy_allows_the_pages_own_scripts_alone() -> None:
    assert "script-src 'none'" in policy([])
    assert policy(["x"]).count("'sha256-") == 1
    assert "default-src 'none'" in policy(["x"])


def test_an_error_is_shown_and_linked() -> None:
    error = new_output("error", ename="E", evalue="v", traceback=["\x1b[31mE\x1b[0m: <b>v</b>"])
    cell = new_code_cell("fail()", outputs=[error])
    markup = page(report(fault="cell 1: E: v"), new_notebook(cells=[cell]))
    assert "<title>FAILED: What?</title>" in markup
    assert 'id="fault"' in markup
    assert "&lt;b&gt;v" in markup
