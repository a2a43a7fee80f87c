"""Fine-tuning: reproducible, resumable, the best weights kept, and every setting has its effect."""

import json
from dataclasses import replace

import pytest
import torch
from task_samples import QUICK, choices, questions, small_checkpoint, tagged, texts

from erniem_lab import MINI, ErnieMForMaskedLM, ErnieMForSequenceClassification, ErnieMTokenizer
from erniem_lab.config import ErnieMConfig
from erniem_lab.errors import FileFaultError, InputTypeError, InputValueError
from erniem_lab.tasks import PRESETS, Reading, Settings, fit, fitting, lessons, open_fitted, preset_settings, task_of
from erniem_lab.tasks.batches import Batches
from erniem_lab.tasks.fitted import TASKS, new_head
from erniem_lab.tasks.frozen import FrozenHead
from erniem_lab.tasks.settings import layer_rates
from erniem_lab.training import read_curve


@pytest.fixture(scope="module")
def start(tmp_path_factory):
    return small_checkpoint(tmp_path_factory.mktemp("start"))


def trained(start, settings=QUICK, examples=None, folder=None, **options):
    examples = examples or texts()
    return fit(examples, examples, model=start, settings=settings, folder=folder, progress=False, **options)


def weights(found) -> torch.Tensor:
    return torch.cat([value.flatten() for value in found.model.state_dict().values()])


def test_the_same_seed_gives_the_same_head_and_another_seed_another(start):
    first, again, other = (trained(start, replace(QUICK, seed=seed)) for seed in (0, 0, 1))
    assert torch.equal(weights(first), weights(again))
    assert not torch.equal(weights(first), weights(other))


def test_training_leaves_the_callers_random_state_alone(start):
    torch.manual_seed(5)
    wanted = torch.rand(1)
    torch.manual_seed(5)
    new_head(task_of(texts()), start, reading=Reading(64), seed=0)
    assert torch.equal(torch.rand(1), wanted)


def test_a_run_folder_has_all_that_belongs_to_a_run(start, tmp_path):
    found = trained(start, folder=tmp_path)
    assert {"recipe.json", "curve.csv", "checks.json", "predictions.jsonl", "run.json", "model"} <= {
        path.name for path in tmp_path.iterdir()
    }
    lines = (tmp_path / "predictions.jsonl").read_text().splitlines()
    assert [json.loads(line)["gold"] for line in lines] == [example.label for example in texts()]
    assert [check["step"] for check in json.loads((tmp_path / "checks.json").read_text())] == [2, 4, 6]
    assert len(read_curve(tmp_path / "curve.csv")) == 6
    assert json.loads((tmp_path / "recipe.json").read_text())["settings"]["peak_rate"] == QUICK.peak_rate
    assert found.to_frame().columns.tolist() == ["step", "loss", "value", "low", "high", "n"]


@pytest.mark.parametrize(
    "examples", [texts(), choices(), tagged(), questions()], ids=["texts", "choice", "tags", "questions"]
)
def test_what_was_trained_is_opened_again_with_its_task_and_says_the_same(start, tmp_path, examples):
    found = trained(start, examples=examples, folder=tmp_path)
    again = open_fitted(tmp_path / "model")
    assert again.task == found.task
    assert again.reading == found.reading
    assert again.predict(examples) == found.predict(examples)


def test_a_checkpoint_of_another_program_with_named_labels_is_opened(tmp_path):
    small_checkpoint(tmp_path)
    config = ErnieMConfig.from_pretrained(tmp_path, id2label={0: "no", 1: "yes", 2: "both"})
    ErnieMForSequenceClassification(config).save_pretrained(tmp_path)
    assert open_fitted(tmp_path).task.labels == ("no", "yes", "both")


def test_a_checkpoint_without_a_head_is_refused(start):
    with pytest.raises(InputValueError, match="a checkpoint of ErnieMForMaskedLM has no head to use"):
        open_fitted(start)


@pytest.mark.parametrize("settings", [QUICK, replace(QUICK, encoder="frozen")], ids=["tuned", "frozen"])
def test_a_run_that_was_stopped_ends_as_if_it_had_not_been(start, tmp_path, monkeypatch, settings):
    whole = trained(start, settings)
    real = lessons.Lessons.__call__

    def cut(self, module, number):
        if number == 5:
            raise KeyboardInterrupt
        return real(self, module, number)

    monkeypatch.setattr(lessons.Lessons, "__call__", cut)
    with pytest.raises(KeyboardInterrupt):
        trained(start, settings, folder=tmp_path)
    open_fitted(tmp_path / "model")  # the best so far
    assert (tmp_path / "step-00000004").is_dir()  # the last
    monkeypatch.undo()
    resumed = trained(start, settings, folder=tmp_path)
    assert torch.equal(weights(resumed), weights(whole))
    assert [check.step for check in resumed.checks] == [2, 4, 6]
    assert resumed.checks[-1].score == whole.checks[-1].score


def test_a_folder_of_other_examples_or_settings_is_refused(start, tmp_path):
    trained(start, folder=tmp_path)
    with pytest.raises(FileFaultError, match=r"identity.text was"):
        trained(start, examples=texts(10), folder=tmp_path)
    assert json.loads((tmp_path / "predictions.jsonl").read_text().splitlines()[-1])["gold"] == texts()[-1].label
    recipe = (tmp_path / "recipe.json").read_text()
    with pytest.raises(FileFaultError, match=r"another run"):
        trained(start, replace(QUICK, peak_rate=0.5), folder=tmp_path)
    assert (tmp_path / "recipe.json").read_text() == recipe  # nothing of the run was touched


def test_the_best_weights_are_the_result_not_the_last(start, monkeypatch):
    scores = iter([0.2, 0.9, 0.1])
    seen = []

    def evaluated(self, examples, features):
        class Scored:
            def estimate(self):
                return fitting.Estimate(next(scores), 0.0, 1.0, 1)

            def lines(self):
                return ""

        seen.append(torch.cat([value.flatten() for value in self.net.state_dict().values()]).clone())
        return Scored()

    monkeypatch.setattr(fitting._Run, "_evaluated", evaluated)
    found = trained(start)
    assert [check.score.value for check in found.checks] == [0.2, 0.9, 0.1]
    assert torch.equal(weights(found), seen[1])


def test_training_ends_early_when_the_score_no_longer_rises(start, tmp_path):
    settings = replace(QUICK, steps=40, peak_rate=1e-9, patience=2)
    found = trained(start, settings, folder=tmp_path)
    assert [check.step for check in found.checks] == [2, 4, 6]
    again = trained(start, settings, folder=tmp_path)  # and stays ended
    assert torch.equal(weights(found), weights(again))


def test_without_a_development_set_the_last_weights_are_the_result(start, tmp_path):
    found = fit(texts(), model=start, settings=QUICK, folder=tmp_path, progress=False)
    assert found.checks == ()
    assert torch.equal(weights(found), weights(open_fitted(tmp_path / "model")))


@pytest.mark.parametrize(
    "examples", [texts(), choices(), tagged(), questions()], ids=["texts", "choice", "tags", "questions"]
)
def test_a_frozen_encoder_does_not_change_and_reads_each_text_once(start, monkeypatch, examples):
    calls = []
    real = FrozenHead._encoded
    monkeypatch.setattr(
        FrozenHead, "_encoded", lambda self, rows, mask: calls.append(len(rows)) or real(self, rows, mask)
    )
    found = trained(start, replace(QUICK, encoder="frozen"), examples)
    before = ErnieMForMaskedLM.from_pretrained(start).ernie_m.encoder.state_dict()
    assert all(torch.equal(value, before[name]) for name, value in found.model.ernie_m.encoder.state_dict().items())
    distinct = {
        tuple(one.ids) for f in found.task.features(examples, found.tokenizer, found.reading) for one in f.encodings
    }
    assert sum(calls) == len(distinct)


def test_a_frozen_head_says_what_the_whole_model_says(start):
    kept = trained(start, replace(QUICK, encoder="frozen"), tagged())
    inputs = kept.task.inputs(kept.task.features(tagged(), kept.tokenizer, kept.reading), 1)
    frozen = FrozenHead(kept.model).eval()
    assert torch.allclose(frozen(**inputs).logits, kept.model(**inputs).logits, atol=1e-6)
    assert torch.allclose(frozen(**inputs).loss, kept.model(**inputs).loss, atol=1e-6)


def test_class_weights_change_the_loss_as_they_say():
    task = task_of(texts())
    features = task.features(texts(9), ErnieMTokenizer.from_pretrained(MINI), fitting.Settings().reading(64))
    balanced = lessons.label_weights(task, features, "balanced")
    assert balanced.tolist() == pytest.approx([9 / (2 * 5), 9 / (2 * 4)])  # bad 5 times, good 4 times
    assert lessons.label_weights(task, features, {"good": 3.0}).tolist() == [1.0, 3.0]
    logits, labels = torch.tensor([[2.0, 0.0], [0.0, 1.0]]), torch.tensor([0, 1])
    wanted = torch.nn.functional.cross_entropy(logits, labels, weight=torch.tensor([1.0, 3.0]))
    assert lessons._weighted(logits, labels, torch.tensor([1.0, 3.0])) == pytest.approx(wanted.item())


@pytest.mark.parametrize(
    "change",
    [
        {"class_weights": {"good": 9.0}},
        {"layer_decay": 0.5},
        {"warmup": 0.9},
        {"batch": 3},
        {"accumulate": 2, "batch": 8},
        {"weight_decay": 0.9},
        {"clip": 0.01},
    ],
)
def test_every_setting_has_a_say(start, change):
    assert not torch.equal(weights(trained(start)), weights(trained(start, replace(QUICK, **change))))


def test_marks_are_learnt_beside_the_answer_and_leave_nothing_behind(start, tmp_path):
    taught = trained(start, replace(QUICK, marking=1.0), questions(), folder=tmp_path)
    plain = trained(start, QUICK, questions())
    assert not torch.equal(weights(taught), weights(plain))
    assert taught.checks[0].loss > plain.checks[0].loss + 0.3  # the marks' share, at first ln 2
    assert taught.model.state_dict().keys() == plain.model.state_dict().keys()
    again = trained(start, replace(QUICK, marking=1.0), questions(), folder=tmp_path)
    assert torch.equal(weights(taught), weights(again))


@pytest.mark.parametrize(
    ("change", "fault"),
    [
        ({"batch": 0}, "batch=0: at least 1"),
        ({"layer_decay": 0.0}, "layer_decay=0.0"),
        ({"encoder": "half"}, "encoder='half': accepted are"),
        ({"overlong": "drop"}, "overlong='drop'"),
        ({"class_weights": "fair"}, "class_weights='fair'"),
        ({"class_weights": {"fine": 2.0}}, "class_weights: no label fine; there are bad, good"),
        ({"longest": 999}, "longest=999: the model takes 64 tokens"),
        ({"marking": -1.0}, "marking=-1.0: at least 0"),
        ({"marking": 1.0}, "marking=1.0: that is for questions, and the examples are for classification"),
        ({"marking": 1.0, "encoder": "frozen"}, "marking=1.0: a frozen encoder cannot learn it"),
    ],
)
def test_settings_that_no_run_can_follow_are_refused(start, change, fault):
    with pytest.raises(InputValueError, match=fault):
        trained(start, replace(QUICK, **change))


def test_class_weights_of_a_task_without_labels_are_refused(start):
    with pytest.raises(InputValueError, match="choice here does not choose one label"):
        trained(start, replace(QUICK, class_weights="balanced"), choices())


def test_no_examples_and_examples_of_no_task_are_refused(start):
    with pytest.raises(InputValueError, match="examples: none"):
        fit([], model=start, progress=False)
    with pytest.raises(InputTypeError, match="a str has no label to learn from"):
        fit(["text"], model=start, progress=False)


def test_a_fault_says_in_which_of_the_two_sets_it_is(start):
    with pytest.raises(InputValueError, match="check_on: 1 of 1 examples are not sound; example 0: label 'fine'"):
        fit(texts(), [replace(texts()[0], label="fine")], model=start, settings=QUICK, progress=False)
    long = replace(texts()[0], text="word " * 90)
    with pytest.raises(InputValueError, match="check_on: 1 of 1 texts have more than 64 tokens"):
        fit(texts(), [long], model=start, settings=QUICK, progress=False)
    with pytest.raises(InputTypeError, match=r"train_on: .*labels of several kinds"):
        fit([*texts(2), replace(texts()[0], label=1.0)], model=start, progress=False)


def test_a_step_counts_what_the_settings_say():
    assert Settings(epochs=2, batch=16).steps_of(100) == 14
    assert Settings(steps=3).steps_of(100) == 3
    assert Settings(epochs=0.5, batch=10).steps_of(100) == 5
    plan = Settings(epochs=2, batch=16, warmup=0.1).plan(100, ErnieMConfig(num_hidden_layers=1))
    assert (plan.steps, plan.warmup, plan.save_every) == (14, 2, 7)


def test_lower_layers_learn_more_slowly_as_in_paddlenlp():
    config = ErnieMConfig(num_hidden_layers=12)
    plan = Settings(layer_decay=0.8).plan(100, config)
    assert plan.factor("ernie_m.encoder.layers.11.linear1.weight") == pytest.approx(0.8)
    assert plan.factor("ernie_m.encoder.layers.1.linear1.weight") == pytest.approx(0.8**11)
    assert plan.factor("ernie_m.embeddings.word_embeddings.weight") == pytest.approx(0.8**13)
    assert plan.factor("classifier.weight") == 1
    assert layer_rates(config, 1.0) == {}


def test_the_papers_settings_are_presets_and_can_be_changed():
    assert (PRESETS["xnli-transfer-base"].peak_rate, PRESETS["xnli-transfer-base"].epochs) == (5e-5, 5)
    assert (PRESETS["mlqa-large"].peak_rate, PRESETS["mlqa-large"].layer_decay) == (8e-5, 0.9)
    assert PRESETS["conll-transfer-large"].weight_decay == 0.01
    changed = preset_settings("mlqa-base", ["epochs=1", "encoder=frozen", "class_weights={a = 2.0}"])
    assert (changed.epochs, changed.encoder, changed.class_weights) == (1, "frozen", {"a": 2.0})


@pytest.mark.parametrize("change", ["epochs", "speed=3", "epochs=soon", "batch=1.5", "batch=true"])
def test_changes_of_no_setting_or_of_another_kind_are_refused(change):
    with pytest.raises(InputValueError, match=change.split("=")[0]):
        preset_settings("small", [change])


def test_every_example_is_read_once_an_epoch_in_an_order_of_its_own():
    batches = Batches(list(range(1, 24)), size=4, seed=0)
    epochs = [[row for n in range(6 * e, 6 * e + 6) for row in batches[n]] for e in range(2)]
    assert sorted(epochs[0]) == sorted(epochs[1]) == list(range(23))
    assert epochs[0] != epochs[1]
    assert epochs[0] == [row for n in range(6) for row in Batches(list(range(1, 24)), size=4, seed=0)[n]]


def test_every_head_has_a_task_of_its_own_name():
    assert [task.name for task in TASKS] == ["classification", "choice", "tagging", "questions", "extraction"]
