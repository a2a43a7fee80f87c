"""The loop learns, stops before it breaks anything, and goes on as if it had never been stopped."""

import pytest
import torch
from torch import nn

from erniem_lab.errors import FileFaultError, InputValueError
from erniem_lab.training import STATE, Plan, train

PLAN = Plan(steps=12, peak_rate=0.05, warmup=2, save_every=4)


def task(seed: int = 0):
    """A small net with dropout, so that a run which loses its random state is found out."""
    torch.manual_seed(seed)
    net = nn.Sequential(nn.Linear(4, 8), nn.Dropout(0.3), nn.Linear(8, 1))

    def loss_of(step: int) -> torch.Tensor:
        inputs = torch.randn(16, 4, generator=torch.Generator().manual_seed(step))
        return (net(inputs) - inputs.sum(dim=1, keepdim=True)).pow(2).mean()

    return net, loss_of


def weights(net: nn.Module) -> list[torch.Tensor]:
    return [weight.detach().clone() for weight in net.parameters()]


def stop_at(loss_of, last: int):
    def until(step: int) -> torch.Tensor:
        if step > last:
            raise KeyboardInterrupt
        return loss_of(step)

    return until


@pytest.mark.parametrize("last", [3, 5, 10])
def test_a_run_that_was_cut_off_ends_in_the_same_weights_bit_for_bit(tmp_path, last):
    net, loss_of = task()
    curve = train(net, loss_of, PLAN, progress=False)
    cut, loss_of = task()
    with pytest.raises(KeyboardInterrupt):
        train(cut, stop_at(loss_of, last), PLAN, tmp_path, progress=False)
    again, loss_of = task(seed=99)
    assert train(again, loss_of, PLAN, tmp_path, progress=False) == curve
    assert all(torch.equal(one, two) for one, two in zip(weights(net), weights(again), strict=True))


def test_a_finished_run_is_not_trained_again(tmp_path):
    net, loss_of = task()
    train(net, loss_of, PLAN, tmp_path, progress=False)
    before = weights(net)
    train(net, stop_at(loss_of, -1), PLAN, tmp_path, progress=False)
    assert all(torch.equal(one, two) for one, two in zip(before, weights(net), strict=True))


@pytest.mark.parametrize("bad", [float("nan"), float("inf")])
def test_a_loss_that_is_no_number_stops_the_run_before_the_update(bad):
    net, _ = task()
    before = weights(net)
    with pytest.raises(InputValueError, match="step 0"):
        train(net, lambda step: sum(weight.sum() for weight in net.parameters()) * bad, PLAN, progress=False)
    assert all(torch.equal(one, two) for one, two in zip(before, weights(net), strict=True))


def test_a_state_of_another_plan_is_refused_by_name(tmp_path):
    net, loss_of = task()
    train(net, loss_of, PLAN, tmp_path, progress=False)
    with pytest.raises(FileFaultError, match="peak_rate"):
        train(net, loss_of, Plan(steps=12, peak_rate=0.01, warmup=2, save_every=4), tmp_path, progress=False)


def test_a_damaged_state_is_refused_by_name(tmp_path):
    (tmp_path / STATE).write_bytes(b"PK\x03\x04 and then nothing")
    net, loss_of = task()
    with pytest.raises(FileFaultError, match=STATE):
        train(net, loss_of, PLAN, tmp_path, progress=False)


def test_the_rate_rises_to_its_peak_and_falls_towards_zero():
    rates = [PLAN.rate(step) for step in range(PLAN.steps)]
    assert max(rates) == PLAN.peak_rate == rates[PLAN.warmup]
    assert rates[0] == PLAN.peak_rate / 2
    assert rates[-1] == pytest.approx(PLAN.peak_rate / 10)


@pytest.mark.parametrize(
    ("name", "value"), [("weight_decay", 0.9), ("clip", 1e-3), ("seed", 5), ("warmup", 9), ("horizon", 40)]
)
def test_every_part_of_the_plan_makes_a_difference(name, value):
    results = []
    for plan in (PLAN, Plan(**{**vars(PLAN), name: value})):
        net, loss_of = task()
        train(net, loss_of, plan, progress=False)
        results.append(torch.cat([weight.flatten() for weight in weights(net)]))
    assert not torch.equal(*results)


def test_biases_do_not_decay():
    net = nn.Linear(2, 1)
    before = net.bias.item()
    train(net, lambda step: net.weight.sum() * 0, Plan(steps=3, weight_decay=0.5), progress=False)
    assert net.bias.item() == before
