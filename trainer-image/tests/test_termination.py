"""SIGTERM: how a fleet ends a trainer, which as process 1 of a container would ignore it."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from folders import lay, lines, start

REPORT = "import signal, time, studious; trial = studious.Trial.load(); trial.log(1, loss=1.0); "


def ended(folder: Path, code: str) -> int:
    """Send SIGTERM when the trainer has reported; the exit status, which must come promptly."""
    process = start(lay(folder), sys.executable, "-c", code)
    try:
        until = time.monotonic() + 30
        while not (folder / "metrics.jsonl").exists() or "ready" not in "".join(
            str(line) for line in lines(folder)
        ):
            assert process.poll() is None, process.communicate()[0]
            assert time.monotonic() < until
            time.sleep(0.02)
        before = time.monotonic()
        process.send_signal(signal.SIGTERM)
        process.communicate(timeout=10)
        assert time.monotonic() - before < 2
    finally:
        process.kill()
    return process.returncode


def test_a_trainer_that_reports_ends_with_143(tmp_path: Path) -> None:
    assert ended(tmp_path, REPORT + "trial.log(2, ready=1); time.sleep(60)") == 143


def test_it_ends_while_the_main_thread_never_comes_back_to_python(tmp_path: Path) -> None:
    # A lock taken twice waits for ever and no signal interrupts it, as in a collective that waits
    # for a lost host.
    stuck = (
        "import ctypes; libc = ctypes.CDLL(None); lock = ctypes.create_string_buffer(64); "
        "libc.pthread_mutex_lock(lock); trial.log(2, ready=1); libc.pthread_mutex_lock(lock)"
    )
    assert ended(tmp_path, REPORT + stuck) == 143


def test_a_program_that_handles_it_is_left_alone(tmp_path: Path) -> None:
    handler = "signal.signal(signal.SIGTERM, lambda *_: exit(7)); "
    after = REPORT + handler + "trial.log(2, ready=1); time.sleep(60)"
    assert ended(tmp_path / "after", after) == 7
    before = "import signal; " + handler + REPORT + "trial.log(2, ready=1); time.sleep(60)"
    assert ended(tmp_path / "before", before) == 7


def test_an_event_loop_keeps_its_descriptor(tmp_path: Path) -> None:
    loop = """
import asyncio, signal, studious
async def main():
    done = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGUSR1, done.set)
    trial = studious.Trial.load()
    trial.log(1, ready=1)
    signal.raise_signal(signal.SIGUSR1)
    await asyncio.wait_for(done.wait(), 10)
    trial.log(2, woken=1)
    await asyncio.sleep(60)
asyncio.run(main())
"""
    assert ended(tmp_path, loop) == 143
    assert lines(tmp_path)[-1] == {"step": 2, "woken": 1.0}


@pytest.mark.skipif(os.geteuid() != 0, reason="a process namespace of one's own needs root")
def test_process_1_of_a_container_ends_too(tmp_path: Path) -> None:
    code = "import os, time, studious; trial = studious.Trial.load(); {}; time.sleep(60)"
    statuses: list[int | None] = []
    for says in ("trial.log(1, pid=os.getpid())", "open('quiet', 'w').close()"):
        folder = lay(tmp_path / str(len(statuses)))
        process = subprocess.Popen(
            ["unshare", "--pid", "--fork", "--kill-child", sys.executable, "-c", code.format(says)],
            env={**os.environ, "STUDIOUS_TRIAL_DIR": str(folder)},
            cwd=folder,
            start_new_session=True,
        )
        try:
            until = time.monotonic() + 30
            while not {"metrics.jsonl", "quiet"} & {file.name for file in folder.iterdir()}:
                if process.poll() is not None:
                    pytest.skip("no process namespace to be had")
                assert time.monotonic() < until
                time.sleep(0.02)
            time.sleep(0.2)
            child = Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text().split()[0]
            os.kill(int(child), signal.SIGTERM)
            try:
                statuses.append(process.wait(timeout=2))
            except subprocess.TimeoutExpired:
                statuses.append(None)
        finally:
            process.kill()
            process.wait()
    assert lines(tmp_path / "0")[0]["pid"] == 1
    # The second never reported: what the handler is for.
    assert statuses == [143, None]
