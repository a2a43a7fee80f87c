"""The loop learns as its plan says, stops before it breaks anything, and every part of the plan has a say."""

import dataclasses
import time

import pytest
import torch
from small_models import IDS, build
from torch import nn
from training_samples import PLAN, loss_of, net, trained, weights

from erniem_lab.errors import InputValueError
from erniem_lab.heads import ErnieMForMaskedLM
from erniem_lab.training import Loss, Plan, train
from erniem_lab.training.progress import Bar


def changed(**values) -> Plan:
    return dataclasses.replace(PLAN, **values)


@pytest.mark.parametrize("bad", [float("nan"), float("inf")])
def test_a_loss_that_is_no_number_stops_the_run_before_the_update(bad):
    module = net()
    before = weights(module)

    def spoilt(module: nn.Module, number: int) -> Loss:
        return Loss(loss_of(module, number).value * (bad if number == 1 else 1), "TLM")

    with pytest.raises(InputValueError, match=rf"step 0: the loss of micro-batch 1 \(TLM is {bad}\).*\[0, 1\]"):
        train(module, spoilt, changed(accumulate=2), progress=False)
    assert torch.equal(before, weights(module))


def test_a_gradient_that_is_no_number_stops_the_run_before_the_update():
    module = net()
    before = weights(module)

    def spoilt(module: nn.Module, number: int) -> Loss:
        return Loss(loss_of(module, number).value + (next(module.parameters()).sum() * 0).sqrt())

    with pytest.raises(InputValueError, match=r"step 0: the gradient of micro-batches 0"):
        train(module, spoilt, PLAN, progress=False)
    assert torch.equal(before, weights(module))


def test_the_rate_rises_to_its_peak_and_falls_towards_zero():
    rates = [PLAN.rate(step) for step in range(PLAN.steps)]
    assert max(rates) == PLAN.peak_rate == rates[PLAN.warmup]
    assert rates[0] == PLAN.peak_rate / 2
    assert rates[-1] == pytest.approx(PLAN.peak_rate / 10)


def test_the_curve_tells_the_rate_of_each_step_and_its_tokens():
    _, curve = trained()
    assert [step.rate for step in curve] == [PLAN.rate(step) for step in range(PLAN.steps)]
    assert {step.tokens for step in curve} == {64}
    assert all(step.seconds > 0 for step in curve)


@pytest.mark.parametrize(
    ("name", "value"),
    [("steps", 11), ("peak_rate", 0.01), ("weight_decay", 0.9), ("clip", 1e-3), ("seed", 5), ("warmup", 9),
     ("horizon", 40), ("accumulate", 2), ("precision", "bfloat16")],
)  # fmt: skip
def test_every_part_of_the_plan_makes_a_difference(name, value):
    assert not torch.equal(trained()[0], trained(changed(**{name: value}))[0])


def test_compiling_hands_the_step_function_a_compiled_module():
    found = []

    def eager(module: nn.Module, number: int) -> Loss:
        found.append(module)
        return loss_of(module._orig_mod, number)

    assert torch.equal(trained(changed(compile=True), task=eager)[0], trained()[0])
    assert isinstance(found[0], torch._dynamo.OptimizedModule)


def test_layers_that_are_computed_again_learn_the_same_in_every_bit():
    """With dropout, which must fall alike in the second pass."""
    found = []
    for again in (False, True):
        model, passes = build(ErnieMForMaskedLM), []
        model.ernie_m.encoder.layers[0].register_forward_pre_hook(lambda *_, passes=passes: passes.append(1))
        plan = Plan(steps=2, gradient_checkpointing=again)
        train(model, lambda module, _: Loss(module(IDS, labels=IDS).loss), plan, progress=False)
        found.append((weights(model), len(passes)))
    assert torch.equal(found[0][0], found[1][0])
    assert [passes for _, passes in found] == [2, 4]


def test_a_module_that_cannot_compute_its_layers_again_is_refused():
    with pytest.raises(InputValueError, match="gradient_checkpointing=True: Sequential has no part"):
        trained(changed(gradient_checkpointing=True))


def test_half_precision_computes_in_bfloat16_and_keeps_whole_weights():
    found = []

    def watched(module: nn.Module, number: int) -> Loss:
        found.append(module(torch.ones(1, 4)).dtype)
        return loss_of(module, number)

    assert trained(changed(precision="bfloat16"), task=watched)[0].dtype == torch.float32
    assert set(found) == {torch.bfloat16}


def test_sixteen_bit_floats_that_need_scaling_are_refused_with_the_way_out():
    with pytest.raises(InputValueError, match="float16 would need its gradients scaled, bfloat16 needs no scaling"):
        changed(precision="float16")


@pytest.mark.parametrize(
    ("name", "value"),
    [("steps", -1), ("warmup", -1), ("save_every", 0), ("accumulate", 0), ("keep", 1), ("clip", 0.0),
     ("rates", {"a": 0.0}),
     ("peak_rate", 0.0), ("horizon", 5), ("sharding", "split"), ("weight_decay", float("nan")), ("seed", -1)],
)  # fmt: skip
def test_a_value_that_no_run_can_follow_is_refused_by_name(name, value):
    with pytest.raises(InputValueError, match=f"{name}="):
        changed(**{name: value})


def test_many_small_batches_give_the_step_of_one_large_one():
    """Without dropout the mean of two losses has the mean of their gradients; equal up to the order of summation."""
    batches = torch.randn(2, 8, 4, generator=torch.Generator().manual_seed(3))

    def small(module: nn.Module, number: int) -> Loss:
        return Loss(module(batches[number % 2]).pow(2).mean())

    def large(module: nn.Module, number: int) -> Loss:
        return Loss(module(batches.flatten(0, 1)).pow(2).mean())

    torch.manual_seed(0)
    one, two = nn.Linear(4, 1), nn.Linear(4, 1)
    two.load_state_dict(one.state_dict())
    plan = Plan(steps=5, peak_rate=0.05)
    curves = [train(one, large, plan, progress=False),
              train(two, small, dataclasses.replace(plan, accumulate=2), progress=False)]  # fmt: skip
    torch.testing.assert_close(weights(one), weights(two))
    assert [step.loss for step in curves[0]] == pytest.approx([step.loss for step in curves[1]])


def test_a_step_s_losses_are_told_apart_by_name():
    def two(module: nn.Module, number: int) -> Loss:
        return Loss(loss_of(module, number).value * 0 + number, "TLM" if number % 2 else "MMLM")

    _, curve = trained(changed(accumulate=4), task=two)
    assert curve[1].losses == {"MMLM": 5.0, "TLM": 6.0}
    assert curve[1].loss == 5.5


def test_biases_do_not_decay():
    module = nn.Linear(2, 1)
    before = module.bias.item()
    train(module, lambda module, number: Loss(module.weight.sum() * 0), Plan(steps=3, weight_decay=0.5), progress=False)
    assert module.bias.item() == before


def test_frozen_weights_stay_as_they_are():
    module = net()
    module[0].requires_grad_(False)
    before = module[0].weight.clone()
    train(module, loss_of, PLAN, progress=False)
    assert torch.equal(module[0].weight, before)


def test_a_module_learns_with_dropout_and_is_left_without():
    seen = []

    def watched(module: nn.Module, number: int) -> Loss:
        seen.append(module.training)
        return loss_of(module, number)

    module = net().eval()
    train(module, watched, PLAN, progress=False)
    assert all(seen) and not module.training  # noqa: PT018


def test_the_progress_bar_tells_losses_speed_and_time_left(capsys):
    train(net(), loss_of, PLAN)
    shown = capsys.readouterr().err
    assert "12/12" in shown and "loss=" in shown and "tokens/s=" in shown  # noqa: PT018
    train(net(), loss_of, PLAN, progress=False)
    assert capsys.readouterr().err == ""


def test_the_loop_costs_little_beside_the_work():
    """A tenth of a millisecond would do; the bound allows for a busy machine."""
    start = time.perf_counter()
    trained(Plan(steps=200))
    assert time.perf_counter() - start < 5
    with Bar(done=0, total=1, shown=False) as bar:
        assert bar.figures() == {}


def test_weights_learn_at_the_rates_of_their_names():
    modules = {factor: net() for factor in (1.0, 0.1)}
    name = next(iter(modules[1.0].state_dict()))
    before = weights(net())[: net().state_dict()[name].numel()]
    for factor, module in modules.items():
        train(module, loss_of, Plan(steps=1, peak_rate=0.01, weight_decay=0.0, rates={name: factor}), progress=False)
    fast, slow = (module.state_dict()[name].flatten() - before for module in modules.values())
    assert torch.allclose(slow, fast * 0.1, rtol=1e-3)
    assert torch.equal(*(weights(module)[len(before) :] for module in modules.values()))
