"""A recipe becomes a model that loads, a second one goes on from it, and a wrong one is refused by name."""

import json
from pathlib import Path

import pytest
import torch
from conftest import GOLDEN
from parallel_samples import pairs as drawn
from parallel_samples import sentences
from torch import nn

from erniem_lab import MINI, ErnieMForMaskedLM, ErnieMTokenizer
from erniem_lab.errors import FileFaultError, InputValueError
from erniem_lab.pretraining.begin import UNSEEN
from erniem_lab.pretraining.ranking import OFFSET
from erniem_lab.pretraining.recipe import Recipe
from erniem_lab.pretraining.run import Lessons, corpora_of, pretrain
from erniem_lab.pretraining.store import store_texts
from erniem_lab.pretraining.stream import TextStream
from erniem_lab.training import Loss, read_curve, saved_weights

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
[text]
tokens = 256
longest = 12
[start]
steps = 2
pairs = 16
[vocabulary]
pieces = 60
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
    first = pretrain(read(tmp_path, TINY), [pairs], tmp_path / "one", progress=False)
    second = pretrain(read(tmp_path, TINY.replace("steps = 3", "steps = 2")), [pairs], tmp_path / "two", start=first,
                      progress=False)  # fmt: skip
    before, after = (ErnieMForMaskedLM.from_pretrained(folder) for folder in (first, second))
    one, two = (model.get_input_embeddings().weight for model in (before, after))
    assert one.shape == two.shape and 0 < (one - two).abs().max() < 0.1  # noqa: PT018
    assert len(ErnieMTokenizer.from_pretrained(second)) == before.config.vocab_size


@pytest.mark.parametrize(
    "changed",
    [
        ("objectives", "TLM = 1.0", "TLM = 2.0"),
        ("text", "tokens = 256", "tokens = 128"),
        ("start", "pairs = 16", "pairs = 8"),
        ("model", "[plan]", "hidden_dropout_prob = 0.5\n[plan]"),
        ("learner", "[plan]", "[learner]\nshare = 0.5\n[plan]"),
    ],
    ids=lambda changed: changed[0],
)
def test_a_run_keeps_its_recipe_and_does_not_go_on_with_another(tmp_path, pairs, changed):
    table, before, after = changed
    recipe = read(tmp_path, TINY)
    pretrain(recipe, [pairs], tmp_path / "run", progress=False)
    kept = json.loads((tmp_path / "run" / "run.json").read_text())
    assert kept["identity"]["objectives"] == recipe.objectives
    assert kept["identity"]["text"]["longest"] == recipe.text.longest
    with pytest.raises(FileFaultError, match=f"another run: identity.{table} was"):
        pretrain(read(tmp_path, TINY.replace(before, after)), [pairs], tmp_path / "run", progress=False)


def test_a_run_does_not_go_on_from_another_start(tmp_path, pairs):
    recipe = read(tmp_path, TINY)
    first = pretrain(recipe, [pairs], tmp_path / "one", progress=False)
    pretrain(recipe, [pairs], tmp_path / "two", start=first, progress=False)
    with pytest.raises(FileFaultError, match=r"identity\.weights was"):
        pretrain(recipe, [pairs], tmp_path / "two", start=tmp_path / "one" / "start" / "model", progress=False)


def test_a_run_that_was_cut_off_ends_as_if_it_had_not_been(tmp_path, pairs, monkeypatch):
    """Bit for bit, where most is drawn and kept: pseudo tokens and their languages, the contrast's copy and queue."""
    text = TINY.replace("{ CAMLM = 1.0, TLM = 1.0, MMLM = 1.0 }", "{ BTMLM = 1.0, XLCO = 1.0 }")
    text = text.replace("steps = 3", "steps = 12\nsave_every = 4\naccumulate = 2")
    recipe = read(tmp_path, f"{text}[learner]\nlanguage_vectors = true\nsampling = 1.0\nqueue = 50\n")
    runs, lesson = [tmp_path / name for name in ("whole", "cut")], Lessons.__call__

    def until(lessons: Lessons, module: nn.Module, number: int) -> Loss:
        if number == 13:  # in the middle of the seventh step
            raise RuntimeError("cut off")
        return lesson(lessons, module, number)

    pretrain(recipe, [pairs], runs[0], progress=False)
    monkeypatch.setattr(Lessons, "__call__", until)
    with pytest.raises(RuntimeError, match="cut off"):
        pretrain(recipe, [pairs], runs[1], progress=False)
    monkeypatch.undo()
    pretrain(recipe, [pairs], runs[1], progress=False)
    curves, states = ([of(run) for run in runs] for of in (lambda run: read_curve(run / "curve.csv"), saved_weights))
    assert curves[0] == curves[1]
    assert {"contrast.queue", "languages.weight"} <= states[0].keys() == states[1].keys()
    assert all(torch.equal(states[0][name], states[1][name]) for name in states[0])
    for part in (curves[0][:4], curves[0][4:]):
        assert {name for step in part for name in step.losses} == {"BTMLM", "XLCO"}


def test_the_world_can_be_mixed_in(tmp_path, pairs):
    large = TINY.replace("pieces = 60", "pieces = 900")
    plain = pretrain(read(tmp_path, large), [pairs], tmp_path / "one", progress=False)
    mixed = pretrain(
        read(tmp_path, large.replace("tokens", "world = 20\ntokens")), [pairs], tmp_path / "two", progress=False
    )
    assert len(ErnieMTokenizer.from_pretrained(plain)) < len(ErnieMTokenizer.from_pretrained(mixed))


def test_the_world_can_be_all_there_is(tmp_path, pairs):
    alone = TINY.replace("tokens", "pairs = false\nworld = 20\ntokens").replace("pieces = 60", "pieces = 900")
    found = [
        pretrain(read(tmp_path, alone), given, tmp_path / str(len(given)), progress=False) for given in ([pairs], [])
    ]
    weights = [saved_weights(folder.parent) for folder in found]
    assert all(torch.equal(weight, weights[1][name]) for name, weight in weights[0].items())
    with pytest.raises(InputValueError, match=r"text\.world=0"):
        read(tmp_path, TINY.replace("tokens", "pairs = false\ntokens"))


@pytest.mark.parametrize("words", ["random", "aligned", "ranked"])
def test_words_start_as_the_recipe_says(tmp_path, pairs, words):
    """With no step of training, only ranking has added to the positions, and only random words are small."""
    recipe = read(tmp_path, TINY.replace("steps = 3", "steps = 0").replace("[start]", f'[start]\nwords = "{words}"'))
    model = ErnieMForMaskedLM.from_pretrained(pretrain(recipe, [pairs], tmp_path / "run", progress=False))
    table = model.get_input_embeddings().weight
    moved = model.ernie_m.embeddings.position_embeddings.weight.mean().item() > OFFSET / 2
    assert moved == (words == "ranked")
    assert (table.std().item() > 0.03) == (words != "random")


def test_positions_start_as_the_recipe_says(tmp_path, pairs):
    text = TINY.replace("steps = 3", "steps = 0").replace("[start]", '[start]\nwords = "aligned"')
    likeness = {}
    for name in ("random", "sinusoids"):
        recipe = read(tmp_path, text.replace("[start]", f'[start]\npositions = "{name}"'))
        folder = pretrain(recipe, [pairs], tmp_path / name, progress=False)
        table = ErnieMForMaskedLM.from_pretrained(folder).ernie_m.embeddings.position_embeddings.weight.detach()
        likeness[name] = torch.cosine_similarity(table[:-1], table[1:]).min().item()
    assert likeness["sinusoids"] > 0.8
    assert likeness["random"] < 0.6


def test_a_model_that_has_learnt_nothing_guesses_by_frequency(tmp_path, pairs):
    recipe = read(tmp_path, TINY.replace("steps = 3", "steps = 0"))
    folder = pretrain(recipe, [pairs], tmp_path / "run", progress=False)
    chances = ErnieMForMaskedLM.from_pretrained(folder).lm_head.bias.softmax(dim=0)
    tokenizer = ErnieMTokenizer.from_pretrained(folder)
    ids = [
        i
        for row in tokenizer(sentences(200, 0) + sentences(200, 1), add_special_tokens=False)["input_ids"]
        for i in row
    ]
    expected = torch.bincount(torch.tensor(ids), minlength=len(chances)) + UNSEEN
    assert torch.allclose(chances, expected / expected.sum(), atol=1e-4)


def test_an_objective_waits_for_its_step(tmp_path, pairs):
    recipe = read(tmp_path, TINY + "[begins]\nTLM = 2\n")
    tokenizer = ErnieMTokenizer.from_pretrained(GOLDEN / "tokenizer")
    lessons = Lessons(recipe, store_texts(tokenizer, drawn("fr", 20, 0)), tokenizer)
    names = [lessons.objective(number) for number in range(300)]
    assert set(names[:2]) <= {"CAMLM", "MMLM"}
    assert set(names[2:]) == {"CAMLM", "MMLM", "TLM"}


def test_the_micro_batches_of_a_step_have_one_objective(tmp_path):
    tokenizer = ErnieMTokenizer.from_pretrained(GOLDEN / "tokenizer")
    recipe = read(tmp_path, TINY.replace("steps = 3", "steps = 3\naccumulate = 4"))
    lessons = Lessons(recipe, store_texts(tokenizer, drawn("fr", 20, 0)), tokenizer)
    names = [[lessons.objective(4 * step + part) for part in range(4)] for step in range(20)]
    assert all(len(set(step)) == 1 for step in names)
    assert len({step[0] for step in names}) == 3


def test_text_is_mixed_and_cut_into_batches_as_the_recipe_says(tmp_path):
    tokenizer = ErnieMTokenizer.from_pretrained(GOLDEN / "tokenizer")
    store = store_texts(tokenizer, drawn("fr", 90, 0) + drawn("sw", 10, 2))
    text = TINY.replace("tokens = 256", "tokens = 128\ntemperature = 0.0").replace("steps = 3", "steps = 3\nseed = 5")
    stream = Lessons(read(tmp_path, text), store, tokenizer).streams[2]
    asked = {"tokens": 128, "temperature": 0.0, "seed": 5}
    for changed in ({}, {"tokens": 256}, {"temperature": 0.7}, {"seed": 0}):
        other = TextStream(store, tokenizer, **{**asked, **changed})
        alike = [stream[i].batch.input_ids.tolist() == other[i].batch.input_ids.tolist() for i in range(20)]
        assert all(alike) != bool(changed)


def test_what_is_held_out_is_not_stored(tmp_path, pairs):
    whole, part = TINY, TINY.replace("longest = 12", "longest = 12\nheld_out = 4")
    sizes = [sum(len(list(corpus)) for corpus in corpora_of(read(tmp_path, text), [pairs])) for text in (whole, part)]
    assert 0 < sizes[1] < sizes[0]


def test_pairs_longer_than_the_model_are_refused(tmp_path):
    with pytest.raises(InputValueError, match=r"text.longest=15 .* at most 14"):
        read(tmp_path, TINY.replace("longest = 12", "longest = 15"))


def test_values_of_a_recipe_can_be_changed(tmp_path):
    path = tmp_path / "recipe.toml"
    path.write_text(TINY)
    changed = Recipe.read(path, ["plan.steps=7", "start.words=random", "learner.share=0.5", "objectives.TLM=0.0"])
    assert (changed.plan.steps, changed.start.words, changed.learner.share) == (7, "random", 0.5)
    assert changed.objectives == {"CAMLM": 1.0, "TLM": 0.0, "MMLM": 1.0}


@pytest.mark.parametrize("change", ["plan.steps", "share=0.5", "plan.steps=many", "plan.stepps=3", "=3"])
def test_a_change_that_fits_nothing_is_refused(tmp_path, change):
    path = tmp_path / "recipe.toml"
    path.write_text(TINY)
    with pytest.raises(InputValueError, match=change.split("=")[0] or "=3"):
        Recipe.read(path, [change])


@pytest.mark.parametrize(
    "left", ["objectives = { CAMLM = 0.0 }", "objectives = { CAMLM = 1.0 }\nbegins = { CAMLM = 5 }"]
)
def test_a_run_needs_an_objective_from_the_first_step_on(tmp_path, left):
    with pytest.raises(InputValueError, match="none has a share"):
        read(tmp_path, TINY.replace(TINY.strip().splitlines()[0], left))


@pytest.mark.parametrize(("change", "named"), [
    (("CAMLM", "CAMEL"), "CAMEL"), (("steps = 3", "steps = 3\nstepps = 3"), "stepps"), (("[text]", "[texts]"), "texts"),
    (("steps = 3", "steps = 'many'"), "plan.steps"), (("[start]", "[start]\nwords = 'best'"), "start.words"),
])  # fmt: skip
def test_a_recipe_with_a_wrong_word_is_refused(tmp_path, change, named):
    with pytest.raises(InputValueError, match=named):
        read(tmp_path, TINY.replace(*change))


def test_a_recipe_that_is_no_toml_is_refused(tmp_path):
    with pytest.raises(FileFaultError, match=r"recipe\.toml"):
        read(tmp_path, "steps = = 3")


def test_a_folder_without_pairs_is_refused(tmp_path):
    with pytest.raises(FileFaultError, match="nothing: no such file"):
        pretrain(read(tmp_path, TINY), [tmp_path / "nothing"], tmp_path / "out", progress=False)


def test_the_recipes_of_the_bundled_checkpoint_can_be_read():
    start, attention, last = (Recipe.read(MINI / f"{name}.toml") for name in ("start", "attention", "recipe"))
    assert start.model == attention.model == last.model
    assert (start.plan.steps, start.start.words, attention.text.pairs) == (0, "ranked", False)
    assert last.objectives.keys() == {"MMLM", "TLM", "CAMLM", "BTMLM"}
