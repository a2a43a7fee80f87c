"""The numbers are the peer's: every recorded output, loss and gradient, in single and in double precision."""

import json
from functools import cache
from pathlib import Path

import numpy as np
import pytest
import torch
from conftest import GOLDEN
from safetensors.torch import load_file

from erniem_lab import heads, model
from erniem_lab.config import ErnieMConfig

CASES = sorted(path.parent.name for path in (GOLDEN / "parity").glob("*/config.json"))
WRITTEN_OUT = dict(output_attentions=True)  # the peer's own order of operations; the fused kernel has another
LABELS = ("labels", "start_positions", "end_positions")
SINGLE = 1e-6  # a few roundings of float32
DOUBLE = 1e-12
FLOOR = 0.1  # a bias that moves all scores alike has a gradient of zero but for rounding: there, an absolute bound


@cache
def golden(case: str, file: str) -> dict[str, torch.Tensor]:
    return {name: torch.from_numpy(array) for name, array in np.load(GOLDEN / "parity" / case / file).items()}


def build(folder: Path) -> model.ErnieMPreTrainedModel:
    config = ErnieMConfig.from_dict(json.loads((folder / "config.json").read_text()))
    name = config.architectures[0]
    built = getattr(heads, name, None) or getattr(model, name)
    built = built(config).eval()
    built.load_state_dict(load_file(folder / "model.safetensors"))
    return built


def flat(output):
    for name, value in output.items():
        if isinstance(value, tuple):
            yield from ((f"{name}.{i}", part) for i, part in enumerate(value))
        else:
            yield name, value


def calls(io):
    mask = io["in_attention_mask"]
    yield "full", dict(attention_mask=mask, output_hidden_states=True, output_attentions=True)
    yield "nomask", {}
    yield "pos", dict(attention_mask=mask, position_ids=io["in_position_ids"])
    yield "headmask", dict(attention_mask=mask, head_mask=io["in_head_mask"], output_attentions=True)


def assert_close(found: torch.Tensor, expected: torch.Tensor, relative: float, what: str) -> None:
    """The error, as a vector, against the length of what was expected."""
    error, size = (found - expected).norm().item(), max(expected.norm().item(), FLOOR)
    assert error <= relative * size, (what, error, size)


def labelled(io, dtype):
    labels = {name: io["label_" + name] for name in LABELS if "label_" + name in io}
    return {name: value.to(dtype) if value.is_floating_point() else value for name, value in labels.items()}


@pytest.mark.parametrize("case", CASES)
@pytest.mark.parametrize(
    ("file", "dtype", "bound"), [("io.npz", torch.float32, SINGLE), ("float64.npz", torch.float64, DOUBLE)]
)
def test_outputs_equal_the_peers(case, file, dtype, bound):
    io, expected = golden(case, "io.npz"), golden(case, file)
    built = build(GOLDEN / "parity" / case).to(dtype)
    checked = 0
    for tag, call in calls(io):
        with torch.no_grad():
            output = built(input_ids=io["in_input_ids"], return_dict=True, **{**call, **WRITTEN_OUT})
        for name, value in flat(output):
            if f"{tag}.{name}" in expected:
                assert_close(value, expected[f"{tag}.{name}"], bound, f"{tag}.{name}")
                checked += 1
    assert checked == sum(name.split(".")[0] in ("full", "nomask", "pos", "headmask") for name in expected)


@pytest.mark.parametrize("case", CASES)
@pytest.mark.parametrize(
    ("file", "dtype", "bound"), [("io.npz", torch.float32, SINGLE), ("float64.npz", torch.float64, DOUBLE)]
)
def test_losses_and_gradients_equal_the_peers(case, file, dtype, bound):
    io, expected = golden(case, "io.npz"), golden(case, file)
    built, labels = build(GOLDEN / "parity" / case).to(dtype), labelled(io, dtype)
    given = dict(input_ids=io["in_input_ids"], attention_mask=io["in_attention_mask"], **labels, **WRITTEN_OUT)
    output = built(return_dict=True, **given)
    for name, value in ((name, value) for name, value in flat(output) if f"plain.{name}" in expected):
        assert_close(value, expected[f"plain.{name}"], bound, name)
    if not labels:
        return
    output.loss.backward()
    weights = dict(built.named_parameters())
    for name in (name for name in expected if name.startswith("grad.")):
        assert_close(weights[name[5:]].grad, expected[name], bound, name)


@pytest.mark.parametrize("case", [case for case in CASES if "choice" not in case])
def test_word_vectors_in_place_of_ids_equal_the_peers(case):
    io = golden(case, "io.npz")
    built = build(GOLDEN / "parity" / case)
    with torch.no_grad():
        given = dict(inputs_embeds=io["in_inputs_embeds"], attention_mask=io["in_attention_mask"])
        output = built(return_dict=True, **given, **WRITTEN_OUT)
    for name in (name for name in io if name.startswith("embeds.")):
        assert_close(output[name[7:]], io[name], SINGLE, name)


@pytest.mark.parametrize("case", CASES)
def test_the_fused_kernel_is_as_near_to_the_truth_as_the_peer(case):
    io, exact = golden(case, "io.npz"), golden(case, "float64.npz")
    given = dict(input_ids=io["in_input_ids"], attention_mask=io["in_attention_mask"], **labelled(io, torch.float32))
    with torch.no_grad():
        output = build(GOLDEN / "parity" / case)(return_dict=True, **given)
    for name, value in flat(output):
        ours, theirs = ((part - exact[f"plain.{name}"]).norm() for part in (value, io[f"plain.{name}"]))
        assert ours <= 4 * theirs + 1e-6 * exact[f"plain.{name}"].norm(), (name, ours, theirs)
