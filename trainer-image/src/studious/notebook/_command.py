"""Studies that the ``studious`` command reads: folders, clusters, files of trials.

The ledger of a run is the command's own, and may change with any version; what it prints is a
contract. So nothing here opens ``ledger.sqlite``.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path

from studious._errors import StudiousError
from studious.notebook._source import ImageFormat, Json, Theme

SECONDS = 600
"""How long a call of the command may take."""

_VERSION = 1
_MOST_STDERR = 64 * 1024


def find_command(given: str | os.PathLike[str] | None = None) -> str | None:
    """Find the ``studious`` command: the one given, ``$STUDIOUS_BINARY``, or the path's."""
    wanted = os.fspath(given) if given is not None else os.environ.get("STUDIOUS_BINARY")
    if wanted:
        found = shutil.which(wanted)
        if found is None:
            raise StudiousError(
                f"{wanted}: there is no such command. Give the studious command's file as "
                "binary=, or in STUDIOUS_BINARY"
            )
        return found
    return shutil.which("studious")


class CommandSource:
    """A study that the ``studious`` command reads."""

    def __init__(self, target: Sequence[str], binary: str | os.PathLike[str] | None) -> None:
        found = find_command(binary)
        if found is None:
            raise StudiousError(
                "the studious command is not on the path, and it is what reads studies. Install "
                "it, or give its file as binary= or in STUDIOUS_BINARY; a study that an operator "
                "or `studious ui` serves is read without it: Study(name, url=...)"
            )
        self._binary = found
        self._target = list(target)
        self._report: Json | None = None

    @property
    def where(self) -> str:
        """The folder, study or files."""
        return " ".join(self._target)

    def study(self) -> Json:
        """From the report."""
        report = self._read()
        study = report["study"]
        return {
            "name": study["metadata"]["name"],
            "status": report["status"],
            "spec": study["spec"],
        }

    def conclusions(self) -> Json:
        """From the report."""
        return self._read()

    def specification(self, plot: str) -> Json:
        """From the report."""
        found: Json = next(p["specification"] for p in self._read()["plots"] if p["id"] == plot)
        return found

    def records(self) -> Iterator[Json]:
        """``studious export``, line by line."""
        command = [self._binary, "export", *self._target, "--format", "jsonl"]
        with (
            tempfile.TemporaryFile() as errors,
            subprocess.Popen(command, stdout=subprocess.PIPE, stderr=errors) as process,
        ):
            assert process.stdout is not None
            try:
                for line in process.stdout:
                    yield json.loads(line)
            finally:
                process.stdout.close()
                if process.poll() is None:
                    # The reader may stop early.
                    try:
                        process.wait(timeout=5)
                    except subprocess.TimeoutExpired:
                        process.kill()
            if process.wait() != 0:
                errors.seek(0)
                raise _failed(command, process.returncode, errors.read(_MOST_STDERR))

    def image(self, plot: str, kind: ImageFormat, theme: Theme, width: int) -> bytes | None:
        """``studious plot``."""
        return self._run(
            "plot",
            *self._target,
            *("--plot", plot, "--format", kind, "--theme", theme),
            *("--width", str(width), "--out", "-"),
        )

    def refresh(self) -> None:
        """Forget the report."""
        self._report = None

    def _read(self) -> Json:
        if self._report is None:
            output = self._run("report", *self._target, "--format", "json", "--out", "-")
            report: Json = json.loads(output)
            if report.get("reportVersion") != _VERSION:
                raise StudiousError(
                    f"{self._binary} writes reports of version {report.get('reportVersion')}, and "
                    f"this package reads {_VERSION}. Install the same version of both"
                )
            self._report = report
        return self._report

    def _run(self, *arguments: str) -> bytes:
        command = [self._binary, *arguments]
        try:
            done = subprocess.run(command, capture_output=True, timeout=SECONDS, check=False)
        except subprocess.TimeoutExpired as error:
            raise StudiousError(f"`{_said(command)}` took more than {SECONDS} s") from error
        except OSError as error:
            raise StudiousError(f"`{_said(command)}` can't be started: {error}") from error
        if done.returncode != 0:
            raise _failed(command, done.returncode, done.stderr[:_MOST_STDERR])
        return done.stdout


def folder(target: str | os.PathLike[str]) -> Path:
    """Find the folder of a run by its path, or by its study's name in ``studious-runs``."""
    path = Path(target)
    for candidate in (path, Path("studious-runs") / path):
        if (candidate / "study.yaml").is_file():
            return candidate
    raise StudiousError(
        f"{path}: is not the folder of a run (it has no study.yaml), and studious-runs/{path} "
        "isn't either. Give the folder that `studious run` made, study/NAME for a study of the "
        "current Kubernetes context, or url= for one that an operator or `studious ui` serves"
    )


def _said(command: Sequence[str]) -> str:
    return " ".join(command)


def _failed(command: Sequence[str], code: int, stderr: bytes) -> StudiousError:
    said = stderr.decode(errors="replace").strip() or "it said nothing"
    return StudiousError(f"`{_said(command)}` failed with exit code {code}: {said}")
