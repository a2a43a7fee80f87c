"""A data set's name leads to the same examples in a folder of its files and in a data set of the hub's form."""

import sys
from types import MappingProxyType, SimpleNamespace

import pytest

from erniem_lab import corpora
from erniem_lab.corpora.examples import EntailmentExample, LabelledPair, QuestionExample, Span, TaggedSentence
from erniem_lab.corpora.known import KNOWN
from erniem_lab.corpora.loading import language_of
from erniem_lab.corpora.text import TextPair
from erniem_lab.errors import FileFaultError, InputValueError, MissingExtraError

LABELS = ["entailment", "neutral", "contradiction"]
TAGS = ["O", "B-PER", "I-PER", "B-ORG", "I-ORG", "B-LOC", "I-LOC"]
SQUAD = '{"data": [{"paragraphs": [{"context": "Anna.", "qas": [{"id": "%s", "question": "Who?", "answers": []}]}]}]}'


@pytest.fixture
def folder(tmp_path):
    def fill(files: dict[str, str]):
        for name, text in files.items():
            path = tmp_path / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8")
        return tmp_path

    return fill


def languages(examples) -> list[str]:
    return [language_of(example) for example in examples]


def test_languages_come_in_the_order_that_is_asked_for_in_any_code(folder):
    files = folder({"dev-en.tsv": "a\tb\tneutral\n", "dev-sw.tsv": "c\td\tneutral\n", "dev-de.tsv": "e\tf\tneutral\n"})
    assert languages(corpora.load("xnli", languages=["swh", "en"], split="validation", folder=files)) == ["sw", "en"]
    assert languages(corpora.load("xnli", split="dev", folder=files)) == ["de", "en", "sw"]


def test_only_the_files_of_the_split_are_read(folder):
    files = folder({"dev-en.tsv": "a\tb\tneutral\n", "test-en.tsv": "c\td\tneutral\n"})
    assert [example.premise for example in corpora.load("xnli", folder=files)] == ["c"]


def test_a_file_of_several_languages_is_cut_to_those_asked_for(folder):
    head = "language\tgold_label\tsentence1\tsentence2\n"
    files = folder({"xnli.dev.tsv": f"{head}ar\tneutral\ta\tb\nsw\tneutral\tc\td\nen\tneutral\te\tf\n"})
    assert languages(corpora.load("xnli", languages=["en", "sw"], split="dev", folder=files)) == ["sw", "en"]
    with pytest.raises(InputValueError, match=r"xnli\.dev\.tsv: no example of de, zh"):
        list(corpora.load("xnli", languages=["en", "zh", "de"], split="dev", folder=files))


def test_parallel_text_is_read_with_its_english_side(folder):
    texts = {"src.eng": "cat\n", "ref.deu": "Katze\n", "ref.zho-CN": "猫\n"}
    files = folder({f"newstest2019-{name}.txt": text for name, text in texts.items()})
    assert list(corpora.load("ntrex", languages=["zh"], folder=files)) == [TextPair.of(("en", "zh"), "cat", "猫")]
    assert languages(corpora.load("ntrex", folder=files)) == ["de", "zh"]


def test_questions_may_be_in_another_language_than_the_context(folder):
    files = folder({"dev-context-de-question-en.json": SQUAD % "1", "dev-context-de-question-de.json": SQUAD % "2"})
    found = [list(corpora.load("mlqa", languages=[key], split="dev", folder=files)) for key in ("de.en", "de", "de.de")]
    assert [(one.language, one.question_language, one.id) for (one,) in found] == [
        ("de", "en", "1"), ("de", "", "2"), ("de", "", "2"),
    ]  # fmt: skip


def test_a_set_with_one_part_is_none_to_train_on(folder):
    files = folder({"xquad.en.json": SQUAD % "1"})
    assert len(list(corpora.load("xquad", folder=files))) == 1
    with pytest.raises(FileFaultError, match=r"no file such as xquad\.\{language\}\.json for split='train'"):
        corpora.load("xquad", split="train", folder=files)


def test_each_layout_of_a_data_set_is_found(folder):
    files = folder({"de/test_2k.tsv": "id\tsentence1\tsentence2\tlabel\n1\ta\tb\t0\n"})
    assert list(corpora.load("pawsx", folder=files)) == [LabelledPair("de", "a", "b", "0")]


@pytest.mark.parametrize(("how", "error", "named"), [
    ({"name": "glue"}, InputValueError, "name='glue'; known are afrisenti, "),
    ({"languages": ["sw", "zh"]}, InputValueError, "languages: folder=.* has none of sw, zh, but en"),
    ({"languages": []}, InputValueError, "languages: none; name some"),
    ({"split": "train"}, FileFaultError, "for split='train'; there are test-en.tsv"),
    ({"folder": "nowhere"}, FileFaultError, "folder='nowhere': no such folder; give the one that holds the files"),
    ({"name": "pud", "folder": None}, InputValueError, "name='pud': not on the hub"),
    ({"folder": None}, InputValueError, "languages: none given; name those to fetch"),
])  # fmt: skip
def test_what_is_not_there_is_named_before_anything_is_read(folder, how, error, named):
    files = folder({"test-en.tsv": "a\tb\tneutral\n"})
    with pytest.raises(error, match=named):
        corpora.load(**{"name": "xnli", "folder": files, **how})


def test_a_file_that_is_only_a_header_is_named(folder):
    files = folder({"tir/train.tsv": "tweet\tlabel\n"})
    with pytest.raises(InputValueError, match=r"tir/train\.tsv: no example in it"):
        list(corpora.load("afrisenti", split="train", folder=files))


class NoRows(list):
    """A data set without rows."""

    features = MappingProxyType({})


@pytest.fixture
def hub(tmp_path, monkeypatch):
    """Writes a folder of the form of a data set on the hub: a card with configurations, and Parquet files."""
    datasets = pytest.importorskip("datasets", reason="the extra hub-data is not installed")
    monkeypatch.setattr(datasets.config, "HF_DATASETS_CACHE", tmp_path / "cache")

    def fill(**parts):
        card = ["---", "configs:"]
        for config, (split, features, rows) in parts.items():
            path = tmp_path / "hub" / config / f"{split}.parquet"
            path.parent.mkdir(parents=True)
            datasets.Dataset.from_dict(rows, datasets.Features(features)).to_parquet(path)
            card += [
                f"- config_name: {config}",
                "  data_files:",
                f"  - split: {split}",
                f"    path: {config}/{split}.parquet",
            ]
        (tmp_path / "hub" / "README.md").write_text("\n".join([*card, "---\n"]))
        return str(tmp_path / "hub")

    return fill


def test_the_hub_and_a_folder_give_the_same_entailment(folder, hub):
    datasets = pytest.importorskip("datasets")
    features = {"premise": datasets.Value("string"), "hypothesis": datasets.Value("string"),
                "label": datasets.ClassLabel(names=LABELS)}  # fmt: skip
    rows = {"premise": ["a", "c"], "hypothesis": ["b", "d"], "label": [2, 0]}
    place = hub(en=("validation", features, rows), sw=("validation", features, rows))
    text = "a\tb\tcontradiction\nc\td\tentailment\n"
    files = folder({"dev-en.tsv": text, "dev-sw.tsv": text})
    wanted = list(corpora.load("xnli", languages=["en", "sw"], split="validation", folder=files))
    assert list(corpora.load("xnli", languages=["en", "sw"], split="dev", repository=place)) == wanted
    assert [type(example) for example in wanted] == [EntailmentExample] * 4


def test_labels_that_the_hub_keeps_back_are_left_out(hub):
    datasets = pytest.importorskip("datasets")
    features = {"sentence1": datasets.Value("string"), "sentence2": datasets.Value("string"),
                "label": datasets.ClassLabel(names=["0", "1"])}  # fmt: skip
    place = hub(en=("test", features, {"sentence1": ["a", "c"], "sentence2": ["b", "d"], "label": [1, -1]}))
    assert list(corpora.load("pawsx", languages=["en"], repository=place)) == [
        LabelledPair("en", "a", "b", "1"), TextPair.of(("en", "en"), "c", "d"),
    ]  # fmt: skip


def test_tags_of_the_hub_get_their_names(hub):
    datasets = pytest.importorskip("datasets")
    features = {"tokens": datasets.Sequence(datasets.Value("string")),
                "ner_tags": datasets.Sequence(datasets.ClassLabel(names=TAGS))}  # fmt: skip
    place = hub(**{"PAN-X.de": ("test", features, {"tokens": [["Anna", "Wolf"]], "ner_tags": [[2, 2]]})})
    (example,) = corpora.load("panx", languages=["de"], repository=place)
    assert isinstance(example, TaggedSentence)
    assert (example.sentence.text, example.tags) == ("Anna Wolf", ("B-PER", "I-PER"))


def test_questions_of_the_hub_get_their_spans(hub):
    datasets = pytest.importorskip("datasets")
    text = datasets.Value("string")
    answers = {"text": datasets.Sequence(text), "answer_start": datasets.Sequence(datasets.Value("int32"))}
    rows = {"id": ["1"], "context": ["Anna singt."], "question": ["Who?"],
            "answers": [{"text": ["Anna"], "answer_start": [0]}]}  # fmt: skip
    features = {"id": text, "context": text, "question": text, "answers": answers}
    place = hub(**{"mlqa.de.en": ("test", features, rows)})
    assert list(corpora.load("mlqa", languages=["de.en"], repository=place)) == [
        QuestionExample("de", "Who?", "Anna singt.", (Span(0, 4, "Anna"),), "1", "en")
    ]


@pytest.mark.parametrize(("name", "language", "config"), [
    ("xnli", "sw", "sw"), ("panx", "de", "PAN-X.de"), ("udpos", "de", "udpos.German"), ("tatoeba", "de", "tatoeba.deu"),
    ("xquad", "el", "xquad.el"), ("mlqa", "de", "mlqa.de.de"), ("mlqa", "de.en", "mlqa.de.en"), ("xcopa", "qu", "qu"),
    ("afrisenti", "sw", "swa"),
])  # fmt: skip
def test_configurations_are_called_as_on_the_hub(monkeypatch, name, language, config):
    calls = []
    fake = SimpleNamespace(load_dataset=lambda *names, **how: calls.append((names, how)) or NoRows())
    monkeypatch.setitem(sys.modules, "datasets", fake)
    monkeypatch.setitem(sys.modules, "datasets.exceptions", SimpleNamespace(DatasetsError=KeyError))
    assert not list(corpora.load(name, languages=[language], split="val", revision="1c2d"))
    assert calls == [((KNOWN[name].hub.repository, config), {"split": "validation", "revision": "1c2d"})]


@pytest.mark.parametrize(("name", "split", "asked"), [
    ("xquad", "test", "validation"), ("xquad", "all", "validation"), ("xquad", "train", "train"),
    ("xnli", "test", "test"),
])  # fmt: skip
def test_parts_are_called_as_on_the_hub(name, split, asked):
    assert KNOWN[name].hub.part(split) == asked


def test_a_data_set_that_is_not_there_is_named(hub):
    datasets = pytest.importorskip("datasets")
    place = hub(en=("test", {"label": datasets.Value("string")}, {"label": ["a"]}))
    for how in ({"languages": ["sw"]}, {"languages": ["en"], "split": "train"}):
        with pytest.raises(FileFaultError, match="hub: no data set with configuration"):
            list(corpora.load("xnli", repository=place, **how))


def test_without_the_extra_the_remedy_is_named(monkeypatch):
    monkeypatch.setitem(sys.modules, "datasets", None)
    with pytest.raises(MissingExtraError, match="hub-data"):
        list(corpora.load("xnli", languages=["en"]))
