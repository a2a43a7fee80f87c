"""The data sets that `load` knows by name: where their files stand in a folder, what they are on the hub, who reads."""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from erniem_lab.corpora.bible import read_bible
from erniem_lab.corpora.choices import choice_row, read_choices
from erniem_lab.corpora.classification import (
    entailment_row,
    pair_row,
    read_entailment,
    read_labelled,
    read_pairs_labelled,
    text_row,
)
from erniem_lab.corpora.conllu import ParsedSentence, read_conllu
from erniem_lab.corpora.examples import (
    ChoiceExample,
    EntailmentExample,
    ExtractionExample,
    IntentExample,
    LabelledPair,
    LabelledText,
    OpenQuestion,
    QuestionExample,
    Sentence,
    TaggedSentence,
)
from erniem_lab.corpora.intents import read_intents
from erniem_lab.corpora.languages import language_code
from erniem_lab.corpora.line_files import find_line_files, line_file, read_line_pairs
from erniem_lab.corpora.questions import question_row, read_questions
from erniem_lab.corpora.rows import Row
from erniem_lab.corpora.tagging import entity_row, read_byte_spans, read_entities, read_tagged, tagged_row
from erniem_lab.corpora.text import Text, TextPair
from erniem_lab.errors import FileFaultError

Labelled = (
    ChoiceExample | EntailmentExample | ExtractionExample | IntentExample | LabelledPair | LabelledText
    | ParsedSentence | QuestionExample | TaggedSentence
)  # fmt: skip
Example = Labelled | OpenQuestion | Sentence | Text | TextPair
"""What a reader gives; those after the first are what files without labels hold."""

SPLITS = {
    "train": ("train", "translated_train"),
    "validation": ("validation", "valid", "val", "dev", "dev_2k"),
    "test": ("test", "test_2k", "test_2016_flickr"),
}
"""The hub's names of the parts, and what files call them."""
WHOLE = ("all", "test", "validation")  # the parts that a file which names none can stand for: never one to train on


@dataclass(frozen=True)
class Layout:
    """Where the files of a data set stand, with `{language}`, `{question}` and `{split}` for what varies; and a reader.

    A pattern without `{language}` is of files that hold several; a pattern without `{split}`, of sets with one part.
    `beside` is a language whose files are read together with each other one.

    >>> layout = Layout("{split}-{language}.tsv", read_entailment)
    >>> layout.find("dev-swh.tsv", "validation"), layout.find("dev-swh.tsv", "test")
    ('sw', None)
    """

    pattern: str
    read: Callable[[Path, str], Iterator[Example]]
    beside: str = ""

    def find(self, name: str, split: str) -> str | None:
        """The language of a file of this part, or "" where it holds several; None for any other file."""
        if "{split}" not in self.pattern and split not in WHOLE:
            return None
        words = "|".join(map(re.escape, SPLITS.get(split, (split,))))
        form = re.escape(self.pattern).replace(r"\{split\}", f"(?:{words})")
        form = form.replace(r"\{language\}", "(?P<language>[A-Za-z-]+)", 1).replace(r"\{language\}", "(?P=language)")
        found = re.fullmatch(form.replace(r"\{question\}", "(?P<question>[A-Za-z-]+)"), name)
        if not found:
            return None
        key = language_key(*found.groupdict().values())
        return None if key and key == self.beside else key


def language_key(*tags: str) -> str:
    """One code for a language, or for a context and a question in different ones.

    >>> language_key("deu"), language_key("de", "de"), language_key("de", "eng")
    ('de', 'de', 'de.en')
    """
    return ".".join(dict.fromkeys(language_code(tag) for tag in tags))


@dataclass(frozen=True)
class HubForm:
    """A data set of the hub: its id, what its configurations are called after a language, and who reads a row.

    `whole` is the one part of a data set that has no others.

    >>> KNOWN["udpos"].hub.config("de")
    'udpos.German'
    """

    repository: str
    config: Callable[[str], str]
    read: Callable[[Row, str], Example]
    whole: str = ""

    def part(self, split: str) -> str:
        """What the data set calls a part."""
        return self.whole if self.whole and split in WHOLE else split


@dataclass(frozen=True)
class Known:
    """A data set that has a name here.

    >>> [layout.pattern for layout in KNOWN["xcopa"].layouts]
    ['{split}.{language}.jsonl', '{language}/{split}.{language}.jsonl']
    """

    layouts: tuple[Layout, ...]
    hub: HubForm | None = None


def _questions(path: Path, languages: str) -> Iterator[Example]:
    context, _, question = languages.partition(".")
    yield from read_questions(path, context, question)


def _with_english(path: Path, language: str) -> Iterator[Example]:
    """The pairs of a file of lines and the English one of the same name beside it."""
    own = line_file(path)
    english = [file for file in find_line_files(path.parent) if file.language == "en" and own and file.name == own.name]
    if len(english) != 1:
        raise FileFaultError(f"{path}: {len(english)} English files of the same name beside it; put one there")
    yield from read_line_pairs(english[0].path, path, ("en", language))


def _verses(path: Path, language: str) -> Iterator[Example]:
    yield from read_bible(path.with_name("eng.tsv.gz"), path)


def _hub_question(row: Row, languages: str) -> Example:
    context, _, question = languages.partition(".")
    return question_row(row, row.text("context"), context, question)


def _hub_pair(row: Row, language: str) -> Example:
    return TextPair.of(("en", language), row.text("target_sentence"), row.text("source_sentence"))


# What configurations are called on the hub
_TREEBANKS = """af Afrikaans ar Arabic eu Basque bg Bulgarian nl Dutch en English et Estonian fi Finnish fr French
de German el Greek he Hebrew hi Hindi hu Hungarian id Indonesian it Italian ja Japanese kk Kazakh ko Korean zh Chinese
mr Marathi fa Persian pt Portuguese ru Russian es Spanish tl Tagalog ta Tamil te Telugu th Thai tr Turkish ur Urdu
vi Vietnamese yo Yoruba"""
TREEBANKS = dict(zip(_TREEBANKS.split()[::2], _TREEBANKS.split()[1::2], strict=True))
_TATOEBA = """afr ara ben bul cmn deu ell est eus fin fra heb hin hun ind ita jav jpn kat kaz kor mal mar nld pes por
rus spa swh tam tel tgl tha tur urd vie"""
TATOEBA = {language_code(tag): tag for tag in _TATOEBA.split()}
_AFRISENTI = "amh arq ary hau ibo kin orm pcm por swa tir tso twi yor"
AFRISENTI = {language_code(tag): tag for tag in _AFRISENTI.split()}
XTREME = "google/xtreme"
KNOWN = {
    "xnli": Known(
        (
            Layout("{split}-{language}.tsv", read_entailment),
            Layout("xnli.{split}.tsv", read_entailment),
            Layout("multinli.{split}.{language}.tsv", read_entailment),
        ),
        HubForm("facebook/xnli", str, entailment_row),
    ),
    "americasnli": Known(
        (Layout("{split}/{language}.tsv", read_entailment),),
        HubForm("nala-cub/americas_nli", str, entailment_row),
    ),
    "pawsx": Known(
        (Layout("{split}-{language}.tsv", read_pairs_labelled), Layout("{language}/{split}.tsv", read_pairs_labelled)),
        HubForm("google-research-datasets/paws-x", str, pair_row),
    ),
    "afrisenti": Known(
        (Layout("{language}/{split}.tsv", read_labelled),),
        HubForm("shmuhammad/AfriSenti-twitter-sentiment", lambda language: AFRISENTI.get(language, language), text_row),
    ),
    "panx": Known(
        (Layout("{split}-{language}.tsv", read_entities), Layout("{language}.tsv", read_entities)),
        HubForm(XTREME, "PAN-X.{}".format, partial(entity_row, words="tokens", tags="ner_tags")),
    ),
    "masakhaner": Known((Layout("{language}/{split}.txt", read_entities),)),
    "masakhaner-x": Known((Layout("{split}/{language}.jsonl", read_byte_spans),)),
    "udpos": Known(
        (Layout("{split}-{language}.tsv", read_tagged),),
        HubForm(
            XTREME,
            lambda language: f"udpos.{TREEBANKS.get(language, language)}",
            partial(tagged_row, words="tokens", tags="pos_tags"),
        ),
    ),
    "pud": Known((Layout("{language}_pud-ud-{split}.conllu", read_conllu),)),
    "xsid": Known((Layout("{language}.{split}.conll", read_intents),)),
    "xcopa": Known(
        (
            Layout("{split}.{language}.jsonl", read_choices),
            Layout("{language}/{split}.{language}.jsonl", read_choices),
        ),
        HubForm("cambridgeltl/xcopa", str, choice_row),
    ),
    "xquad": Known(
        (Layout("xquad.{language}.json", read_questions),),
        HubForm("google/xquad", "xquad.{}".format, _hub_question, "validation"),
    ),
    "mlqa": Known(
        (Layout("{split}-context-{language}-question-{question}.json", _questions),),
        HubForm("facebook/mlqa", lambda code: f"mlqa.{code if '.' in code else f'{code}.{code}'}", _hub_question),
    ),
    "tydiqa": Known((Layout("tydiqa.goldp.{language}.{split}.json", read_questions),)),
    "tatoeba": Known(
        (Layout("tatoeba.{language}-eng.{language}", _with_english, beside="en"),),
        HubForm(XTREME, lambda language: f"tatoeba.{TATOEBA.get(language, language)}", _hub_pair, "validation"),
    ),
    "ntrex": Known((Layout("newstest2019-ref.{language}.txt", _with_english, beside="en"),)),
    "bible": Known((Layout("{language}.tsv.gz", _verses, beside="en"),)),
    "multi30k": Known((Layout("{split}.{language}.gz", _with_english, beside="en"),)),
}
"""By the names that papers use, in small letters."""
