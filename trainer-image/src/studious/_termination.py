"""End promptly on SIGTERM.

In a container the trainer is process 1, for which the kernel ignores unhandled signals:
Python installs no handler for SIGTERM, so a trial that is ended (diverged, stopped, preempted)
would hold its accelerator for the whole grace period.
"""

from __future__ import annotations

import os
import signal
import threading
from types import FrameType
from typing import NoReturn

EXIT_CODE = 128 + signal.SIGTERM
"""What a shell reports of a process that SIGTERM ended."""


def end_on_sigterm() -> None:
    """Exit with 143 on SIGTERM, unless the program handles or ignores it already.

    Nothing is lost: every line of metrics.jsonl and every checkpoint is whole on disk when the call
    that writes it returns, and one that is being saved is not yet the latest. A program that wants
    to do something at its end installs a handler of its own, before or after.
    """
    if threading.current_thread() is not threading.main_thread():
        return  # only the main thread may install one
    if signal.getsignal(signal.SIGTERM) is not signal.SIG_DFL:
        return
    signal.signal(signal.SIGTERM, _end)
    _watch()


def _end(_signal: int, _frame: FrameType | None) -> NoReturn:
    # Not SystemExit: the program may catch it, and JAX would wait at exit for the other hosts.
    os._exit(EXIT_CODE)


def _watch() -> None:
    """End from a thread of its own as well.

    Python runs a handler only when the main thread comes back to Python, which one that waits for
    another host in a collective never does. The number of the signal is written to the wakeup file
    descriptor at once.
    """
    reading, writing = os.pipe()
    os.set_blocking(writing, False)
    before = signal.set_wakeup_fd(writing, warn_on_full_buffer=False)
    if before != -1:
        # The program has a use for it, such as an event loop.
        signal.set_wakeup_fd(before)
        os.close(reading)
        os.close(writing)
        return

    def watch() -> None:
        while received := os.read(reading, 16):
            if signal.SIGTERM in received and signal.getsignal(signal.SIGTERM) is _end:
                os._exit(EXIT_CODE)

    threading.Thread(target=watch, name="studious-sigterm", daemon=True).start()
