"""The trainer side of Studious: everything a trainer needs in one import.

A trainer reads one file, ``trial.json``, and appends JSON lines to another,
``metrics.jsonl``; both are in the folder named by ``STUDIOUS_TRIAL_DIR``::

    import studious

    trial = studious.Trial.load()
    restored = trial.checkpoints.restore()
    step, state = restored if restored else (0, initialize(trial.seeds.init))
    trial.init(state)
    if trial.should_evaluate(step) and trial.host.index == 0:
        # The attempt before may have been lost between this checkpoint and its evaluation.
        trial.log(step, validation_error=evaluate(state))
    while step < trial.max_train_steps:
        state = update(state, trial.schedule(step))
        step += 1
        if trial.should_evaluate(step) and trial.host.index == 0:
            trial.log(step, validation_error=evaluate(state))
        if trial.should_checkpoint(step):
            trial.checkpoints.save(step, state)
    trial.done(step)

Only the standard library and numpy are needed; any framework will do.

:class:`Study` is the other side: it looks at a study, in a notebook for instance. Nothing of it is
imported before it is asked for.
"""

from typing import TYPE_CHECKING

from studious._checkpoints import Checkpoints
from studious._errors import StudiousError
from studious._hyperparameters import Hyperparameters
from studious._pytree import fingerprint
from studious._schedule import Schedule
from studious._trial import (
    Checkpointing,
    Evaluation,
    Host,
    Objective,
    Seeds,
    Trial,
)

if TYPE_CHECKING:
    from studious.notebook import Study

__all__ = [
    "Checkpointing",
    "Checkpoints",
    "Evaluation",
    "Host",
    "Hyperparameters",
    "Objective",
    "Schedule",
    "Seeds",
    "StudiousError",
    "Study",
    "Trial",
    "fingerprint",
]


def __getattr__(name: str) -> object:
    # Trainers need none of it, and start sooner without.
    if name == "Study":
        from studious.notebook import Study

        return Study
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
