"""Writes double-precision outputs, losses and gradients of transformers 4.40.2's ErnieM (the peer).

Run in an environment that holds transformers==4.40.2, torch and safetensors:
    python make_float64_goldens.py parity/
For each case folder (config.json, model.safetensors, io.npz with inputs) it adds float64.npz: the peer with its
weights cast to float64, on the same inputs.
"""

import sys
from pathlib import Path

import numpy as np
import torch
import transformers
from safetensors.torch import load_file

LABELS = ("labels", "start_positions", "end_positions")


def flat(output):
    for name, value in output.items():
        if isinstance(value, tuple):
            yield from ((f"{name}.{i}", part) for i, part in enumerate(value))
        elif value is not None:
            yield name, value


def run(folder):
    config = transformers.ErnieMConfig.from_pretrained(folder)
    model = getattr(transformers, config.architectures[0])(config).double().eval()
    model.load_state_dict(load_file(folder / "model.safetensors"))
    io = {name: torch.from_numpy(array) for name, array in np.load(folder / "io.npz").items()}
    ids, mask, head_mask = io["in_input_ids"], io["in_attention_mask"], io["in_head_mask"]
    labels = {name: io["label_" + name] for name in LABELS if "label_" + name in io}
    labels = {name: value.double() if value.is_floating_point() else value for name, value in labels.items()}
    calls = {
        "full": dict(attention_mask=mask, output_hidden_states=True, output_attentions=True),
        "nomask": {},
        "pos": dict(attention_mask=mask, position_ids=io["in_position_ids"].clone()),
        "headmask": dict(attention_mask=mask, head_mask=head_mask, output_attentions=True),
        "plain": dict(attention_mask=mask, **labels),
    }
    found = {}
    for tag, call in calls.items():
        output = model(input_ids=ids, return_dict=True, **call)
        found.update({f"{tag}.{name}": value.detach().numpy() for name, value in flat(output)})
    if labels:
        output.loss.backward()
        grads = {f"grad.{name}": weight.grad.numpy() for name, weight in model.named_parameters() if weight.grad is not None}
        found.update(grads)
    np.savez_compressed(folder / "float64.npz", **found)


if __name__ == "__main__":
    for config in sorted(Path(sys.argv[1]).glob("*/config.json")):
        run(config.parent)
