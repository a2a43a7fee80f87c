"""What is to be extracted, as a tree of names, and the questions (prompts) that it turns into."""

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from erniem_lab.errors import FileFaultError, InputTypeError, InputValueError

PromptForm = Literal["en", "zh"]
PROMPT_FORMS: tuple[PromptForm, ...] = ("en", "zh")
FULL_WIDTH = {code: code - 0xFEE0 for code in range(0xFF01, 0xFF5F)}  # to ASCII; the wide space stays, as in PaddleNLP
OPTIONS = re.compile(r"(?P<name>.*?)\[(?P<options>[^\[\]]*)\]", re.DOTALL)
CHINESE = re.compile("[\u4e00-\u9fff]")
ACCEPTED = 'a name, a list of schemas, or a mapping of names to schemas, such as {"person": ["job", "city"]}'


@dataclass(frozen=True)
class Node:
    """One thing to ask for, and what to ask then of each that was found.

    A name that ends in brackets asks which of these options holds: "feeling[good, bad]".

    >>> Node("feeling[good, bad]").options
    ('good', 'bad')
    """

    name: str
    children: tuple["Node", ...] = ()

    @property
    def options(self) -> tuple[str, ...]:
        """The options of the name; none if it asks for spans."""
        return tuple(ask(self.name)[start:end] for start, end in option_places(self.name))


def read_schema(schema: Any) -> tuple[Node, ...]:
    """The tree that a schema describes: a name, a list of schemas, or a mapping of names to schemas, to any depth.

    Raises:
        InputTypeError: something that is no schema.
        InputValueError: nothing to ask for, a name that is empty or there twice, or options that are empty.

    >>> read_schema(["city", {"person": "job"}])
    (Node(name='city', children=()), Node(name='person', children=(Node(name='job', children=()),)))
    """
    nodes = tuple(_nodes(schema, "schema"))
    if not nodes:
        raise InputValueError(f"schema={schema!r}: asks for nothing; give {ACCEPTED}")
    return nodes


def schema_of(text: str) -> Any:
    """The schema that a command's argument means: JSON, a file of it, or names with commas between.

    A name with options has commas of its own, and is written as JSON. `read_schema` checks the result.

    Raises:
        FileFaultError: a .json file that is missing or not JSON.
        InputValueError: text that begins as JSON and is none.

    >>> schema_of("person, city"), schema_of('{"person": ["job"]}')
    (['person', 'city'], {'person': ['job']})
    """
    if text.endswith(".json"):
        return _json_file(Path(text))
    if not text.lstrip().startswith(("{", "[", '"')):
        return [part.strip() for part in re.split("[,，]", text)]
    try:
        return json.loads(text)
    except ValueError as fault:
        raise InputValueError(f"schema {text!r:.60}: begins as JSON and is none ({fault}); mend it") from fault


def prompt_form(nodes: Sequence[Node]) -> PromptForm:
    """The form that fits the names: "zh" if one is in Chinese characters, else "en".

    >>> prompt_form(read_schema({"人物": "职业"}))
    'zh'
    """
    return "zh" if any(CHINESE.search(node.name) or prompt_form(node.children) == "zh" for node in nodes) else "en"


def ask(name: str) -> str:
    """The prompt for a name of its own, in half-width letters.

    >>> ask("情感［好，坏］")
    '情感[好,坏]'
    """
    return name.translate(FULL_WIDTH)


def ask_of(name: str, subject: str, form: PromptForm) -> str:
    """The prompt for a name of a subject, as PaddleNLP's Taskflow writes it.

    >>> ask_of("job", "Anna", "en"), ask_of("职业", "安娜", "zh"), ask_of("feeling[good, bad]", "Anna", "en")
    ('job of Anna', '安娜的职业', 'feeling of Anna [good, bad]')
    """
    if form == "zh":
        return ask(f"{subject}的{name}")
    found = OPTIONS.fullmatch(name)
    return ask(f"{found['name'].strip()} of {subject} [{found['options']}]" if found else f"{name} of {subject}")


def option_places(prompt: str) -> list[tuple[int, int]]:
    """Where in a prompt its options stand; nowhere if it has none.

    >>> option_places("feeling[good, bad]")
    [(8, 12), (14, 17)]
    """
    found = OPTIONS.fullmatch(ask(prompt))
    if not found:
        return []
    first = found.start("options")
    return [(first + part.start(), first + part.end()) for part in re.finditer(r"[^,\s][^,]*(?<!\s)", found["options"])]


def _json_file(path: Path) -> Any:
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as fault:
        raise FileFaultError(f"{path}: no schema can be read from it ({fault}); give a JSON file in UTF-8") from fault


def _nodes(schema: Any, place: str) -> Iterator[Node]:
    names: set[str] = set()
    for name, below in _pairs(schema, place):
        _check_name(name, names, place)
        names.add(name)
        yield Node(name, tuple(_nodes(below, f"{place}[{name!r}]")))


def _pairs(schema: Any, place: str) -> Iterator[tuple[Any, Any]]:
    """Each name at the top of a schema, with the schema below it."""
    if isinstance(schema, str):
        yield schema, ()
    elif isinstance(schema, Mapping):
        yield from schema.items()
    elif isinstance(schema, Sequence) and not isinstance(schema, bytes | bytearray):
        for part in schema:
            if not isinstance(part, str | Mapping):
                raise InputTypeError(f"{place} holds {part!r:.60}, a {type(part).__name__}; give {ACCEPTED}")
            yield from _pairs(part, place)
    else:
        raise InputTypeError(f"{place} is {schema!r:.60}, a {type(schema).__name__}; give {ACCEPTED}")


def _check_name(name: Any, before: set[str], place: str) -> None:
    if not isinstance(name, str):
        raise InputTypeError(f"{place} has the name {name!r:.60}, a {type(name).__name__}; names are strings")
    if not name.strip():
        raise InputValueError(f"{place} has an empty name; name what is to be found, such as 'person'")
    if name in before:
        raise InputValueError(f"{place} asks for {name!r} twice; once is enough, with all that is to be asked below it")
    if OPTIONS.fullmatch(ask(name)) and not option_places(name):
        raise InputValueError(f"{place} has {name!r} without options; write them as 'feeling[good, bad]'")
