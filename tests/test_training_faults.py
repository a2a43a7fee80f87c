"""Whatever goes wrong outside of the loop, a run loses nothing: signals, kills in a save, full disks, two runs."""

import dataclasses
import errno
import os
import resource
import signal
import subprocess
import sys
import threading
from pathlib import Path

import pytest
import torch
from conftest import ROOT
from training_samples import PLAN, interrupt, loss_of, net, stop_at, trained

from erniem_lab.errors import FileFaultError
from erniem_lab.training import train
from erniem_lab.training.checkpoints import find_checkpoint, newest_first
from erniem_lab.training.run_folder import locked


def raised(*numbers: int):
    """Signals to this very process, in the middle of a step."""
    return lambda: [signal.raise_signal(number) for number in numbers]


def steps(folder: Path) -> list[int]:
    return sorted(int(path.name[5:]) for path in newest_first(folder))


def test_a_request_to_end_saves_after_the_step_and_exits_with_143(tmp_path):
    with pytest.raises(SystemExit) as end:
        trained(PLAN, tmp_path, stop_at(5, raised(signal.SIGTERM)))
    assert end.value.code == 143
    assert steps(tmp_path) == [4, 7]
    assert torch.equal(trained(PLAN, tmp_path)[0], trained()[0])


def test_one_interrupt_saves_after_the_step(tmp_path):
    with pytest.raises(KeyboardInterrupt):
        trained(PLAN, tmp_path, stop_at(5, raised(signal.SIGINT)))
    assert steps(tmp_path) == [4, 7]
    assert torch.equal(trained(PLAN, tmp_path)[0], trained()[0])


def test_two_interrupts_end_the_run_at_once_and_nothing_is_lost_but_the_last_steps(tmp_path):
    with pytest.raises(KeyboardInterrupt):
        trained(PLAN, tmp_path, stop_at(5, raised(signal.SIGINT, signal.SIGINT)))
    assert steps(tmp_path) == [4]
    assert torch.equal(trained(PLAN, tmp_path)[0], trained()[0])


def test_signals_are_handled_as_before_when_the_run_is_over(tmp_path):
    before = signal.getsignal(signal.SIGINT), signal.getsignal(signal.SIGTERM)
    trained(PLAN, tmp_path)
    assert (signal.getsignal(signal.SIGINT), signal.getsignal(signal.SIGTERM)) == before


def test_a_run_in_another_thread_leaves_signals_alone(tmp_path):
    found = []
    thread = threading.Thread(target=lambda: found.append(trained(PLAN, tmp_path)[0]))
    thread.start()
    thread.join()
    assert torch.equal(found[0], trained()[0])


@pytest.mark.parametrize("call", ["save_file", "fsync", "rename", "rmtree"])
@pytest.mark.parametrize("which", [1, 2, 4])
def test_a_kill_in_any_phase_of_a_save_leaves_a_checkpoint_to_go_on_from(tmp_path, call, which):
    """Writing, flushing, naming and removing: the process dies just before the n-th such call."""
    plan = dataclasses.replace(PLAN, save_every=2)
    process = os.fork()
    if not process:
        die_at(call, which)
        trained(plan, tmp_path)
        os._exit(0)
    assert os.WIFSIGNALED(os.waitpid(process, 0)[1])
    assert find_checkpoint(tmp_path).faults == {}
    assert torch.equal(trained(plan, tmp_path)[0], trained(plan)[0])
    assert not list(tmp_path.glob(".*.part"))
    assert steps(tmp_path) == [10, 12]


def die_at(call: str, which: int) -> None:
    """Let the n-th call of one function end this process; those before the first save are not counted."""
    import shutil

    from erniem_lab.training import checkpoints, run_folder

    owner = {"save_file": checkpoints, "fsync": os, "rename": Path, "rmtree": shutil}[call]
    real, calls, write = getattr(owner, call), [], run_folder.write_checkpoint

    def counted(*arguments, **options):
        calls.append(call)
        if len(calls) == which:
            os.kill(os.getpid(), signal.SIGKILL)
        return real(*arguments, **options)

    def armed(*arguments):
        setattr(owner, call, counted)
        return write(*arguments)

    run_folder.write_checkpoint = armed


@pytest.fixture
def small_disk():
    """No file may grow beyond a size; a real fault of writing, as a full disk gives.

    A test takes the limit away itself: pytest writes its verdict before a fixture ends, maybe into a file.
    """
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    yield lambda size: resource.setrlimit(resource.RLIMIT_FSIZE, (size, before[1]))
    resource.setrlimit(resource.RLIMIT_FSIZE, before)


def trained_and_freed(folder, task, small_disk):
    try:
        return trained(PLAN, folder, task)
    finally:
        small_disk(resource.RLIM_INFINITY)


def test_a_disk_that_is_full_for_a_while_costs_a_checkpoint_and_not_the_run(tmp_path, small_disk):
    def task(module, number):
        small_disk({4: 100, 9: resource.RLIM_INFINITY}.get(number, resource.getrlimit(resource.RLIMIT_FSIZE)[0]))
        return loss_of(module, number)

    with pytest.warns(UserWarning, match="step 8 could not be saved.*the checkpoint before it is kept"):
        found, _ = trained_and_freed(tmp_path, task, small_disk)
    assert steps(tmp_path) == [4, 12]
    assert torch.equal(found, trained()[0])


def test_a_disk_that_stays_full_ends_the_run_with_its_reason_and_keeps_what_was_saved(tmp_path, small_disk):
    with (
        pytest.warns(UserWarning, match="step 8 could not be saved"),
        pytest.raises(FileFaultError, match=r"step 12 could not be saved.*make room") as fault,
    ):
        trained_and_freed(tmp_path, stop_at(4, lambda: small_disk(100)), small_disk)
    assert isinstance(fault.value.__cause__, Exception)
    assert steps(tmp_path) == [4]
    assert not list(tmp_path.glob(".*.part"))


def test_no_room_left_is_told_in_its_own_words(tmp_path, monkeypatch):
    def full(*_):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr("erniem_lab.training.checkpoints.save_file", full)
    with pytest.warns(UserWarning, match="No space"), pytest.raises(FileFaultError, match="No space left on device"):
        trained(PLAN, tmp_path)


@pytest.mark.parametrize("kind", ["a file", "no permission"])
def test_a_folder_that_cannot_be_written_to_is_refused_before_the_first_step(tmp_path, kind, monkeypatch):
    folder = tmp_path / "run"
    if kind == "a file":
        folder.write_text("in the way")
    else:
        monkeypatch.setattr(Path, "open", refuse)  # permissions do not hold back the root user of a test machine
    with pytest.raises(FileFaultError, match="run: nothing can be written there"):
        trained(PLAN, folder, stop_at(-1, interrupt))


def refuse(path: Path, *_, **__):
    raise PermissionError(errno.EACCES, "Permission denied", str(path))


def test_a_second_run_in_a_folder_is_refused_while_the_first_one_lives(tmp_path):
    train(net(), loss_of, dataclasses.replace(PLAN, steps=4, horizon=12), tmp_path, progress=False)
    with locked(tmp_path), pytest.raises(FileFaultError, match=r"another run is training in this folder \(process"):
        trained(dataclasses.replace(PLAN, horizon=12), tmp_path)
    trained(dataclasses.replace(PLAN, horizon=12), tmp_path)


def test_the_lock_of_a_dead_process_is_no_lock(tmp_path):
    code = (
        "import os, sys; from pathlib import Path; from erniem_lab.training.run_folder import locked\n"
        "with locked(Path(sys.argv[1])): os.kill(os.getpid(), 9)"
    )
    dead = subprocess.run([sys.executable, "-c", code, str(tmp_path)], check=False)
    assert dead.returncode == -signal.SIGKILL
    assert (tmp_path / ".lock").exists()
    trained(PLAN, tmp_path)


def test_a_fault_of_the_step_function_reaches_the_caller_and_frees_the_folder(tmp_path):
    for _ in range(2):
        with pytest.raises(RuntimeError, match="cut off"):
            trained(PLAN, tmp_path, stop_at(5, interrupt))


@pytest.mark.slow
def test_kills_at_random_moments_lose_nothing(tmp_path):
    sys.path.insert(0, str(ROOT / "tests"))
    from kill_training import PLAN as KILLED
    from kill_training import kill_many

    figures = kill_many(8, seed=1, folder=tmp_path)
    assert figures.checkpoints > 0
    assert (figures.torn, figures.unloadable) == (0, 0)
    assert figures.steps_lost <= KILLED.save_every
