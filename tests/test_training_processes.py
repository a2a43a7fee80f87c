"""Several processes train as one does: the same micro-batches, the same curve, one writer."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import torch
from conftest import ROOT

pytestmark = pytest.mark.slow

ROUNDING = {"rtol": 1e-4, "atol": 1e-5}  # gradients are summed in another order; AdamW then divides by their size


def run(folder: Path, processes: int, task: str = "plain", restarts: int = 0, **changes: Any) -> tuple[int, str]:
    folder.mkdir(exist_ok=True)
    torchrun = ["-m", "torch.distributed.run", "--standalone", f"--nproc-per-node={processes}",
                f"--max-restarts={restarts}"]  # fmt: skip
    command = [sys.executable, *(torchrun if processes > 1 else []), str(ROOT / "tests" / "training_worker.py"),
               str(folder), task, json.dumps(changes)]  # fmt: skip
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    done = subprocess.run(command, capture_output=True, text=True, env=environment, timeout=240, check=False)
    return done.returncode, done.stdout + done.stderr


def result(folder: Path, processes: int, **options: Any) -> dict[str, Any]:
    code, said = run(folder, processes, **options)
    assert code == 0, said
    return torch.load(folder / "result.pt", weights_only=True)


@pytest.mark.parametrize(
    ("sharding", "task"), [("replicate", "plain"), ("shard", "plain"), ("replicate", "uneven"), ("shard", "uneven")]
)
def test_two_processes_give_the_curve_and_the_weights_of_one(tmp_path, sharding, task):
    one = result(tmp_path / "one", 1, task=task)
    two = result(tmp_path / "two", 2, task=task, sharding=sharding)
    torch.testing.assert_close(torch.tensor(two["losses"]), torch.tensor(one["losses"]), **ROUNDING)
    torch.testing.assert_close(two["weights"], one["weights"], **ROUNDING)


@pytest.mark.parametrize("sharding", ["replicate", "shard"])
def test_a_run_goes_on_with_another_number_of_processes_and_sees_the_same_data(tmp_path, sharding):
    whole = result(tmp_path / "whole", 1)
    run(tmp_path / "moved", 2, steps=5, horizon=10, sharding=sharding)
    moved = result(tmp_path / "moved", 1, horizon=10)
    torch.testing.assert_close(torch.tensor(moved["losses"]), torch.tensor(whole["losses"]), **ROUNDING)
    torch.testing.assert_close(moved["weights"], whole["weights"], **ROUNDING)


@pytest.mark.parametrize("sharding", ["replicate", "shard"])
def test_a_run_goes_on_after_a_process_was_killed(tmp_path, sharding):
    whole = result(tmp_path / "whole", 1)
    killed = result(tmp_path / "killed", 2, task="dying", restarts=1, sharding=sharding)
    about = json.loads((tmp_path / "killed" / "run.json").read_text())
    assert [entry["step"] for entry in about["resumed"]] == [6]
    torch.testing.assert_close(killed["weights"], whole["weights"], **ROUNDING)


def test_every_process_refuses_a_loss_that_is_no_number(tmp_path):
    code, said = run(tmp_path / "run", 2, task="spoilt")
    assert code != 0
    assert said.count("step 1: the loss of micro-batch 5 (loss is nan)") >= 2, said


def test_a_request_to_one_process_stops_all_after_the_same_step(tmp_path):
    code, said = run(tmp_path / "run", 2, task="asked_to_stop")
    assert code != 0
    assert said.count("ended with 143") == 2, said
    assert (tmp_path / "run" / "step-00000004").is_dir()
    whole, stopped = result(tmp_path / "whole", 1), result(tmp_path / "run", 2)
    torch.testing.assert_close(stopped["weights"], whole["weights"], **ROUNDING)


def test_micro_batches_that_cannot_be_shared_evenly_are_refused(tmp_path):
    code, said = run(tmp_path / "run", 2, accumulate=3)
    assert code != 0
    assert "accumulate=3: cannot be divided among 2 processes" in said
