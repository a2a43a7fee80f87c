"""A run that was stopped goes on as if it had never been, from the newest checkpoint that is good."""

import dataclasses
import json
import random

import numpy as np
import pytest
import torch
from training_samples import PLAN, interrupt, loss_of, net, stop_at, trained, weights

from erniem_lab import training
from erniem_lab.errors import FileFaultError
from erniem_lab.training import Plan, read_curve, saved_weights, train
from erniem_lab.training.checkpoints import STATE

DAMAGES = {
    "cut short": lambda data: data[: len(data) // 2],
    "one bit turned": lambda data: data[:-3] + bytes([data[-3] ^ 16]) + data[-2:],
    "empty": lambda data: b"",
}


def cut(folder, last: int, plan: Plan = PLAN, **options) -> None:
    """A run that is cut off at micro-batch `last`."""
    with pytest.raises(RuntimeError, match="cut off"):
        trained(plan, folder, stop_at(last, interrupt), **options)


def damage(path, kind: str) -> None:
    path.write_bytes(DAMAGES[kind](path.read_bytes()))


def steps(folder) -> list[int]:
    return sorted(int(path.name[5:]) for path in folder.glob("step-????????"))


@pytest.mark.parametrize("last", [3, 5, 10])
@pytest.mark.parametrize("accumulate", [1, 3])
@pytest.mark.parametrize("precision", ["float32", "bfloat16"])
def test_a_run_that_was_cut_off_ends_in_the_same_weights_bit_for_bit(tmp_path, last, accumulate, precision):
    plan = dataclasses.replace(PLAN, accumulate=accumulate, precision=precision)
    whole, curve = trained(plan)
    cut(tmp_path, (last + 1) * accumulate + accumulate // 2 - 1, plan)
    again, resumed = trained(plan, tmp_path, seed=99)
    assert resumed == curve
    assert torch.equal(again, whole)


def test_random_state_outside_of_the_run_does_not_reach_into_it():
    whole, _ = trained()
    module = net()
    torch.manual_seed(5), random.seed(5), np.random.seed(5)
    train(module, loss_of, PLAN, progress=False)
    assert torch.equal(weights(module), whole)


class Tied(torch.nn.Module):
    """Weights of every kind: tied, frozen, never used, and a single number."""

    def __init__(self) -> None:
        super().__init__()
        self.first, self.last = torch.nn.Linear(4, 4), torch.nn.Linear(4, 4)
        self.last.weight = self.first.weight
        self.scale, self.unused = torch.nn.Parameter(torch.tensor(1.0)), torch.nn.Linear(4, 1)
        self.first.bias.requires_grad_(False)

    def forward(self, inputs: torch.Tensor) -> torch.Tensor:
        return self.last(torch.tanh(self.first(inputs))).sum(1, keepdim=True) * self.scale


def test_tied_frozen_unused_and_single_weights_go_on_where_they_were(tmp_path):
    def run(folder, task=loss_of) -> dict[str, torch.Tensor]:
        torch.manual_seed(0)
        module = Tied()
        train(module, task, PLAN, folder, progress=False)
        return module.state_dict()

    with pytest.raises(RuntimeError, match="cut off"):
        run(tmp_path, stop_at(6, interrupt))
    again, whole = run(tmp_path), run(None)
    assert all(torch.equal(again[name], whole[name]) for name in whole)


def test_data_come_in_the_same_order_after_a_stop(tmp_path):
    seen = []

    def watched(module, number):
        seen.append(number)
        return loss_of(module, number)

    cut(tmp_path, 5)
    trained(PLAN, tmp_path, watched)
    assert seen == list(range(4, 12))


def test_a_finished_run_is_not_trained_again(tmp_path):
    whole, curve = trained(PLAN, tmp_path)
    again, same = trained(PLAN, tmp_path, stop_at(-1, interrupt), seed=7)
    assert torch.equal(again, whole)
    assert same == curve


def test_a_run_with_a_horizon_can_be_made_longer(tmp_path):
    short, long = Plan(steps=6, horizon=12), Plan(steps=12, horizon=12, save_every=5, keep=3)
    trained(short, tmp_path)
    assert torch.equal(trained(long, tmp_path)[0], trained(long)[0])


@pytest.mark.parametrize("kind", DAMAGES)
def test_a_damaged_newest_checkpoint_is_passed_over_by_name(tmp_path, kind):
    whole, _ = trained()
    cut(tmp_path, 9)
    damage(tmp_path / "step-00000008" / STATE, kind)
    with pytest.warns(UserWarning, match=r"step-00000008\.bad: passed over.*state\.safetensors"):
        again, _ = trained(PLAN, tmp_path)
    assert torch.equal(again, whole)
    assert (tmp_path / "step-00000008.bad").is_dir()
    assert json.loads((tmp_path / "run.json").read_text())["resumed"][0]["step"] == 4


@pytest.mark.parametrize("name", ["about.json", "curve.csv", "manifest.json", STATE])
def test_a_checkpoint_without_one_of_its_files_is_no_checkpoint(tmp_path, name):
    cut(tmp_path, 9)
    (tmp_path / "step-00000008" / name).unlink()
    with pytest.warns(UserWarning, match=name):
        trained(PLAN, tmp_path)


def test_a_run_whose_checkpoints_are_all_damaged_never_starts_over(tmp_path):
    cut(tmp_path, 9)
    for step in (4, 8):
        damage(tmp_path / f"step-0000000{step}" / STATE, "one bit turned")
    reasons = r"all 2 checkpoints are damaged; step-00000008: .*sha256.*; step-00000004: .*sha256"
    for _ in range(2):
        with pytest.raises(FileFaultError, match=reasons):
            trained(PLAN, tmp_path)
    assert steps(tmp_path) == [4, 8]


@pytest.mark.parametrize(
    ("name", "value"),
    [("peak_rate", 0.01), ("seed", 3), ("accumulate", 2), ("precision", "bfloat16"), ("horizon", 20), ("clip", 2.0),
     ("weight_decay", 0.1), ("warmup", 1)],
)  # fmt: skip
def test_a_run_of_another_plan_is_refused_naming_the_difference(tmp_path, name, value):
    cut(tmp_path, 5)
    with pytest.raises(FileFaultError, match=rf"plan\.{name} was .*, is {value!r}"):
        trained(dataclasses.replace(PLAN, **{name: value}), tmp_path)


def test_a_run_on_other_data_is_refused_naming_the_difference(tmp_path):
    cut(tmp_path, 5, identity={"data": "sha256 of one", "recipe": "a"})
    with pytest.raises(FileFaultError, match=r"identity\.data was 'sha256 of one', is 'of two'"):
        trained(PLAN, tmp_path, identity={"data": "of two", "recipe": "a"})


def test_a_run_that_is_to_be_shorter_than_it_is_is_refused(tmp_path):
    trained(Plan(steps=8, horizon=12), tmp_path)
    with pytest.raises(FileFaultError, match=r"plan\.steps was 'at least 8', is 6"):
        trained(Plan(steps=6, horizon=12), tmp_path)


def test_another_module_is_refused_naming_its_weights(tmp_path):
    cut(tmp_path, 5)
    with pytest.raises(FileFaultError, match=r"another module.*0\.bias, 0\.weight"):
        train(torch.nn.Sequential(torch.nn.Linear(4, 2)), loss_of, PLAN, tmp_path, progress=False)


@pytest.mark.parametrize("keep", [2, 3])
def test_as_many_checkpoints_stay_as_the_plan_says(tmp_path, keep):
    trained(dataclasses.replace(PLAN, save_every=2, keep=keep), tmp_path)
    assert steps(tmp_path) == [8, 10, 12][-keep:]


def test_a_run_leaves_its_curve_and_what_it_was_made_with(tmp_path):
    cut(tmp_path, 5)
    _, curve = trained(PLAN, tmp_path)
    assert read_curve(tmp_path / "curve.csv") == curve
    about = json.loads((tmp_path / "run.json").read_text())
    assert about["versions"]["torch"] == torch.__version__
    assert about["plan"]["peak_rate"] == PLAN.peak_rate
    assert [entry["step"] for entry in about["resumed"]] == [4]
    assert (about["seed"], about["device"], about["identity"]) == (0, "cpu", {})


@pytest.mark.parametrize("content", [None, b"step,loss\n0,1\n", b"step,loss\n\xff"])
def test_a_file_that_is_no_curve_is_named(tmp_path, content):
    if content is not None:
        (tmp_path / "curve.csv").write_bytes(content)
    with pytest.raises(FileFaultError, match=r"curve\.csv: no curve of a run from line 2 on"):
        read_curve(tmp_path / "curve.csv")


def test_saved_weights_are_those_of_the_trained_module(tmp_path):
    module = net()
    train(module, loss_of, PLAN, tmp_path, progress=False)
    saved = saved_weights(tmp_path)
    assert saved.keys() == module.state_dict().keys()
    assert all(torch.equal(saved[name], value) for name, value in module.state_dict().items())


def test_the_public_names_are_there():
    assert all(hasattr(training, name) for name in training.__all__)
