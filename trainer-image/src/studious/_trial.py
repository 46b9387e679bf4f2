"""One trial as its trainer sees it: the trial folder behind typed attributes."""

from __future__ import annotations

import json
import os
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal, SupportsFloat, SupportsIndex

from studious._checkpoints import Checkpoints
from studious._errors import StudiousError
from studious._fields import Fields
from studious._hyperparameters import Hyperparameters
from studious._metrics import MetricLog, checked_step
from studious._pytree import Tree
from studious._runtime import runtime
from studious._schedule import Schedule

TRIAL_DIR = "STUDIOUS_TRIAL_DIR"
"""Environment variable that names the trial folder."""


@dataclass(frozen=True)
class Objective:
    """The metric that judges the trial."""

    metric: str
    direction: Literal["Minimize", "Maximize"]


@dataclass(frozen=True)
class Evaluation:
    """When host 0 evaluates: every this many steps, and at the end."""

    every_steps: int


@dataclass(frozen=True)
class Checkpointing:
    """When host 0 saves, and how many of the best checkpoints stay beside the latest."""

    every_steps: int
    keep_best: int
    restore_at_most: int | None = None
    """No checkpoint beyond this step is restored: evaluations after it were lost with a pod,
    and are made again. None: the latest is restored."""


@dataclass(frozen=True)
class Seeds:
    """Where the trial's randomness comes from; all are in [0, 2**31).

    ``init`` is the same on every host of a trial, ``data`` is different on
    every host, ``split`` divides the data set and is the same for the study.
    """

    init: int
    data: int
    split: int


@dataclass(frozen=True)
class Host:
    """Which process of the trial this is; host 0 evaluates and checkpoints."""

    index: int
    count: int
    coordinator: str | None
    """``host:port`` of host 0, where a multi-host trainer meets; None with one host."""


@dataclass(frozen=True)
class Trial:
    """A trial's inputs, and the only way its results leave the trainer."""

    directory: Path
    study: str
    name: str
    round: str
    attempt: int
    hyperparameters: Hyperparameters
    max_train_steps: int
    schedule: Schedule | None
    """Learning-rate schedule, called with the step; None when the study has none."""
    objective: Objective
    evaluation: Evaluation
    checkpoint: Checkpointing | None
    """None when the study asks for no checkpoints."""
    seeds: Seeds
    host: Host
    checkpoints: Checkpoints
    _metrics: MetricLog = field(repr=False)

    @classmethod
    def load(cls, directory: str | os.PathLike[str] | None = None) -> Trial:
        """Read ``trial.json`` of the trial folder.

        Args:
          directory: the trial folder; by default what ``STUDIOUS_TRIAL_DIR`` names.

        Raises:
          StudiousError: no folder is named, the file cannot be read, or a
            field is missing or wrong; the message names file, field and fix.

        """
        named = directory if directory is not None else os.environ.get(TRIAL_DIR)
        if not named:
            raise StudiousError(
                f"the environment variable {TRIAL_DIR} is not set. Studious sets it for every "
                "trial; to run a trainer by hand, set it to a folder that holds a trial.json"
            )
        folder = Path(named)
        file = folder / "trial.json"
        try:
            top = Fields.of(file, json.loads(file.read_text(encoding="utf-8")))
        except OSError as error:
            raise StudiousError(
                f"{file}: cannot be read ({error.strerror}). {TRIAL_DIR} must name the folder "
                "that Studious made for this trial"
            ) from error
        except ValueError as error:
            raise StudiousError(
                f"{file}: is not JSON ({error}). Studious writes this file; do not edit it"
            ) from error
        return cls._parse(folder, top)

    @classmethod
    def _parse(cls, folder: Path, top: Fields) -> Trial:
        objective = _objective(top.object("objective"))
        host = _host(top.object("host"))
        checkpoint = _checkpointing(top.object("checkpoint")) if top.has("checkpoint") else None
        seeds = top.object("seeds")
        metrics = MetricLog(folder / "metrics.jsonl")
        return cls(
            directory=folder,
            study=top.text("study"),
            name=top.text("name"),
            round=top.text("round"),
            attempt=top.integer("attempt", least=1),
            hyperparameters=_hyperparameters(top),
            max_train_steps=top.integer("maxTrainSteps", least=1),
            schedule=Schedule.parse(top.object("schedule")) if top.has("schedule") else None,
            objective=objective,
            evaluation=Evaluation(top.object("evaluation").integer("everySteps", least=1)),
            checkpoint=checkpoint,
            seeds=Seeds(*(seeds.integer(name) for name in ("init", "data", "split"))),
            host=host,
            checkpoints=Checkpoints(
                folder,
                metrics,
                writer=host.index == 0,
                attempt=top.integer("attempt", least=1),
                keep_best=checkpoint.keep_best if checkpoint else 0,
                minimize=objective.direction == "Minimize",
                restore_at_most=checkpoint.restore_at_most if checkpoint else None,
            ),
            _metrics=metrics,
        )

    def init(self, parameters: Tree) -> str:
        """Report the fingerprint of this host's parameters, before the first update.

        Call it once, on every host: Studious compares the hosts and counts no
        result before they agree. After ``checkpoints.restore()`` pass the
        restored tree, or the part of it that holds the parameters; the event
        then also says which step was restored, with the fingerprint of the
        whole checkpoint, to be compared with the one reported when it was
        saved. A second event, ``runtime``, says what the process trains with: the
        versions of Python and of the packages imported, and the kind of device.

        From the first thing that a trial reports, SIGTERM ends the process at
        once with exit code 143, unless the program handles it.

        Returns:
          The fingerprint reported.

        """
        print_, step = self.checkpoints.identify(parameters)
        self._metrics.event(
            "init",
            {
                "parameters_sha256": print_,
                "init_seed": self.seeds.init,
                "data_seed": self.seeds.data,
                "restored_step": step,
            },
        )
        self._metrics.event("runtime", runtime(parameters))
        return print_

    def checkpoint_saved(self, step: SupportsIndex, path: str | os.PathLike[str]) -> None:
        """Report a checkpoint of a format of one's own, such as what ``torch.save`` writes.

        Instead of ``checkpoints.save``: write a file or a folder in
        ``checkpoints.folder``, then call this. What is there is hashed, so that
        :meth:`checkpoint_to_restore` of a later attempt finds it, and finds out
        whether it is still the same. On hosts other than 0 it does nothing.

        Raises:
          StudiousError: the path is elsewhere or not there, cannot be read, or a
            newer attempt of the trial has begun.

        """
        self.checkpoints.report(step, path)

    def checkpoint_to_restore(self) -> tuple[int, Path] | None:
        """Return step and path of the latest checkpoint reported by :meth:`checkpoint_saved`.

        None when there is none. One that is damaged is named on standard error,
        and the one before it is returned; ``checkpoint.restoreAtMost`` holds.
        Load it, and then call :meth:`init`, which reports that it was restored.

        Raises:
          StudiousError: when the folder or a file cannot be read.

        """
        return self.checkpoints.reported()

    def log(self, step: SupportsIndex, **metrics: SupportsFloat | SupportsIndex) -> None:
        """Append one measurement: numbers by metric name after ``step`` updates.

        A line of host 0 that carries the objective metric is an evaluation.
        NaN and infinities may be logged: they are how divergence is seen.
        Converting a device array waits for it, so do not log at every step.
        """
        self._metrics.measure(step, metrics)

    def done(self, step: SupportsIndex) -> None:
        """Report, on every host, that training ended as planned after ``step`` updates."""
        self._metrics.event("done", {"step": checked_step(step, "done")})

    def infeasible(self, reason: str) -> None:
        """Report that this point cannot be trained; a result, not an error. Then exit with 0."""
        if not reason.strip():
            raise StudiousError("infeasible: say the reason; it is shown on the trial")
        self._metrics.event("infeasible", {"reason": reason})

    def should_evaluate(self, step: int) -> bool:
        """Whether to evaluate after ``step`` updates.

        Depends on nothing but the step, so that after a resume the evaluated
        steps are the same as in an unbroken run.
        """
        return step > 0 and (
            step % self.evaluation.every_steps == 0 or step == self.max_train_steps
        )

    def should_checkpoint(self, step: int) -> bool:
        """Whether to save a checkpoint after ``step`` updates; on host 0 only."""
        if self.checkpoint is None or self.host.index != 0:
            return False
        return step > 0 and (
            step % self.checkpoint.every_steps == 0 or step == self.max_train_steps
        )


def _hyperparameters(top: Fields) -> Hyperparameters:
    fields = top.object("hyperparameters")
    for name, value in fields.values.items():
        if not isinstance(value, bool | int | float | str):
            raise fields.error(name, "a number, a string, true or false")
    aliases = top.object("aliases") if top.has("aliases") else None
    if aliases is not None:
        for name in aliases.values:
            aliases.text(name)
    return Hyperparameters(fields.values, fields.file, aliases.values if aliases else None)


def _objective(fields: Fields) -> Objective:
    minimize = fields.choice("direction", ("Minimize", "Maximize")) == "Minimize"
    return Objective(fields.text("metric"), "Minimize" if minimize else "Maximize")


def _checkpointing(fields: Fields) -> Checkpointing:
    keep = fields.integer("keepBest") if fields.has("keepBest") else 1
    limit = fields.integer("restoreAtMost") if fields.has("restoreAtMost") else None
    return Checkpointing(fields.integer("everySteps", least=1), keep, limit)


def _host(fields: Fields) -> Host:
    count = fields.integer("count", least=1)
    index = fields.integer("index")
    if index >= count:
        raise fields.error("index", f"below host.count, which is {count}")
    coordinator = fields.text("coordinator") if fields.has("coordinator") else None
    if count > 1 and coordinator is None:
        raise fields.error("coordinator", "host:port of host 0 when host.count is above 1")
    return Host(index, count, coordinator)
