"""Arrow and Parquet files become the same corpora as text files; what is missing or of another type is named."""

import sys
from types import SimpleNamespace

import pytest

from erniem_lab.corpora.collect import open_parallel
from erniem_lab.corpora.hub_data import DataSet
from erniem_lab.corpora.text import Text
from erniem_lab.errors import FileFaultError, InputTypeError, InputValueError, MissingExtraError

COLUMNS = {"en": "translation.en", "fr": "translation.fr"}
ROWS = {
    "translation": [{"en": "cat", "fr": "chat"}, {"en": "", "fr": "x"}, {"en": "a\x1cb", "fr": "c"}],
    "n": [1, 2, 3],
}
COMMIT = "0" * 40


@pytest.fixture(params=["parquet", "arrow"])
def file(request, tmp_path):
    pytest.importorskip("datasets", reason="the extra hub-data is not installed")
    pa = pytest.importorskip("pyarrow")
    table, path = pa.table(ROWS), tmp_path / f"rows.{request.param}"
    if request.param == "parquet":
        pytest.importorskip("pyarrow.parquet").write_table(table, path)
    else:
        with pa.OSFile(str(path), "wb") as sink, pa.ipc.new_stream(sink, table.schema) as writer:
            writer.write_table(table)
    return path


def test_pairs_are_read_and_empty_sides_left_out(file):
    pairs = list(DataSet(file).pairs(COLUMNS))
    assert [(pair.first.text, pair.second.text) for pair in pairs] == [("cat", "chat"), ("a\x1cb", "c")]
    assert (pairs[0].first.language, pairs[0].second.language) == ("en", "fr")


def test_parallel_files_open_by_their_name_alone(file, tmp_path):
    assert [*open_parallel(file)] == [*DataSet(file).pairs(COLUMNS)]
    pa, parquet = pytest.importorskip("pyarrow"), pytest.importorskip("pyarrow.parquet")
    for number, columns in enumerate((["eng", "swh"], ["n", "en"], ["en", "fr", "de"])):
        path = tmp_path / f"{number}.parquet"
        parquet.write_table(pa.table({name: [f"in {name}"] for name in columns}), path)
    [pair] = open_parallel(tmp_path / "0.parquet")
    assert (pair.first, pair.second) == (Text("en", "in eng"), Text("sw", "in swh"))
    for number in (1, 2):
        with pytest.raises(InputValueError, match=rf"{number}\.parquet: columns are .*named after languages"):
            open_parallel(tmp_path / f"{number}.parquet")


def test_single_sentences_are_read(file):
    assert [text.text for text in DataSet(file).texts("fr", "translation.fr")] == ["chat", "x", "c"]


def test_a_corpus_is_named_by_its_bytes_and_columns(file):
    prints = {DataSet(file).pairs(COLUMNS).fingerprint, DataSet(file).texts("en", "n").fingerprint}
    file.write_bytes(file.read_bytes() + b" ")
    prints.add(DataSet(file).pairs(COLUMNS).fingerprint)
    assert len(prints) == 3


def test_a_column_that_is_not_there_or_no_text_is_named(file):
    with pytest.raises(InputValueError, match=r"row 0: no column 'english'; there are translation, n"):
        list(DataSet(file).texts("en", "english"))
    with pytest.raises(InputTypeError, match=r"row 0: column 'n' has a value of type int"):
        list(DataSet(file).texts("en", "n"))


def test_a_damaged_file_is_named(file):
    file.write_bytes(b"PAR1" + bytes(50))
    with pytest.raises(FileFaultError, match=r"rows\.\w+: cannot be read"):
        list(DataSet(file).pairs(COLUMNS))


def test_a_data_set_of_the_hub_is_named_by_its_commit():
    sets = [
        DataSet("me/pairs", revision=COMMIT),
        DataSet("me/pairs", revision="1" * 40),
        DataSet("me/pairs", revision=COMMIT, split="test"),
        DataSet("me/pairs", revision=COMMIT, config="en-fr"),
        DataSet("me/others", revision=COMMIT),
    ]
    assert len({one.pairs(COLUMNS).fingerprint for one in sets}) == len(sets)


def test_a_data_set_of_the_hub_is_asked_for_as_it_was_named(monkeypatch):
    calls = []
    fake = SimpleNamespace(load_dataset=lambda *names, **how: calls.append((names, how)) or [{"a": "one", "b": "un"}])
    monkeypatch.setitem(sys.modules, "datasets", fake)
    data = DataSet("me/pairs", config="en-fr", split="test", revision=COMMIT)
    assert [pair.second.text for pair in data.pairs({"en": "a", "fr": "b"})] == ["un"]
    assert calls == [(("me/pairs", "en-fr"), {"split": "test", "revision": COMMIT, "streaming": True})]


@pytest.mark.parametrize(("data", "columns", "error", "named"), [
    (DataSet("me/pairs", revision=COMMIT), {"en": "a"}, InputValueError, "give two"),
    (DataSet("me/pairs", revision="main"), COLUMNS, InputValueError, "revision='main'"),
    (DataSet("none.parquet"), COLUMNS, FileFaultError, r"none\.parquet: no such file"),
])  # fmt: skip
def test_what_does_not_name_a_text_is_refused(data, columns, error, named):
    with pytest.raises(error, match=named):
        data.pairs(columns)


def test_without_the_extra_the_remedy_is_named(monkeypatch):
    monkeypatch.setitem(sys.modules, "datasets", None)
    with pytest.raises(MissingExtraError, match="hub-data"):
        list(DataSet("me/pairs", revision=COMMIT).pairs(COLUMNS))
