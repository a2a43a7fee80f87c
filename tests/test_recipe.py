"""A recipe becomes a model that loads, a second one goes on from it, and a wrong one is refused by name."""

from pathlib import Path

import pytest
import torch
from conftest import ROOT
from parallel_samples import sentences

from erniem_lab import ErnieMForMaskedLM, ErnieMTokenizer
from erniem_lab.errors import FileFaultError, InputValueError
from erniem_lab.pretraining.recipe import Recipe, pretrain

TINY = """
objectives = { CAMLM = 1.0, TLM = 1.0, MMLM = 1.0 }
[model]
hidden_size = 16
num_hidden_layers = 1
num_attention_heads = 2
intermediate_size = 16
max_position_embeddings = 34
[plan]
steps = 3
[run]
pieces = 60
tokens = 256
longest = 12
"""


@pytest.fixture
def pairs(tmp_path: Path) -> Path:
    folder = tmp_path / "pairs"
    folder.mkdir()
    rows = [f"{one}\t{two}" for one, two in zip(sentences(200, 0), sentences(200, 1), strict=True)]
    (folder / "fr.tsv").write_text("\n".join(["en\tfr", *rows]) + "\n")
    return folder


def read(folder: Path, text: str) -> Recipe:
    path = folder / "recipe.toml"
    path.write_text(text)
    return Recipe.read(path)


def test_a_recipe_ends_in_a_checkpoint_and_the_next_goes_on_from_it(tmp_path, pairs):
    first = pretrain(read(tmp_path, TINY), pairs, tmp_path / "one", progress=False)
    second = pretrain(read(tmp_path, TINY.replace("steps = 3", "steps = 2")), pairs, tmp_path / "two", start=first,
                      progress=False)  # fmt: skip
    before, after = (ErnieMForMaskedLM.from_pretrained(folder) for folder in (first, second))
    one, two = (model.get_input_embeddings().weight for model in (before, after))
    assert one.shape == two.shape and 0 < (one - two).abs().max() < 0.1  # noqa: PT018
    assert len(ErnieMTokenizer.from_pretrained(second)) == before.config.vocab_size


def test_the_world_can_be_mixed_in(tmp_path, pairs):
    large = TINY.replace("pieces = 60", "pieces = 900")
    plain = pretrain(read(tmp_path, large), pairs, tmp_path / "one", progress=False)
    mixed = pretrain(read(tmp_path, large + "world = 20\n"), pairs, tmp_path / "two", progress=False)
    assert len(ErnieMTokenizer.from_pretrained(plain)) < len(ErnieMTokenizer.from_pretrained(mixed))


def test_frozen_words_stay_as_they_started(tmp_path, pairs):
    """Of two runs of other length, only the words agree; `aligned_start` is where both began."""
    tables = []
    for name, steps in (("one", 1), ("two", 3)):
        recipe = TINY.replace("steps = 3", f"steps = {steps}") + "frozen_words = true\n"
        model = ErnieMForMaskedLM.from_pretrained(
            pretrain(read(tmp_path, recipe), pairs, tmp_path / name, progress=False)
        )
        tables.append((model.get_input_embeddings().weight, model.lm_head.dense.weight))
    assert torch.equal(tables[0][0], tables[1][0])
    assert not torch.equal(tables[0][1], tables[1][1])


@pytest.mark.parametrize(("change", "named"), [
    (("CAMLM", "CAMEL"), "CAMEL"), (("steps = 3", "steps = 3\nstepps = 3"), "stepps"), (("[run]", "[runn]"), "runn"),
])  # fmt: skip
def test_a_recipe_with_a_wrong_word_is_refused(tmp_path, change, named):
    with pytest.raises(InputValueError, match=named):
        read(tmp_path, TINY.replace(*change))


def test_a_recipe_that_is_no_toml_is_refused(tmp_path):
    with pytest.raises(FileFaultError, match=r"recipe\.toml"):
        read(tmp_path, "steps = = 3")


def test_a_folder_without_pairs_is_refused(tmp_path):
    with pytest.raises(FileFaultError, match=r"fr\.tsv"):
        pretrain(read(tmp_path, TINY), tmp_path / "nothing", tmp_path / "out", progress=False)


def test_the_recipe_of_the_bundled_checkpoint_can_be_read():
    assert [Recipe.read(path).plan.seed for path in sorted((ROOT / "data" / "mini").glob("*.toml"))] == [1]
