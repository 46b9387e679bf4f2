"""Read an Optuna study from its storage."""

from __future__ import annotations

import sys

from studious._errors import StudiousError
from studious.bridges._table import ForeignTrial, missing, refuse_missing_database


def trials(
    storage: str, name: str | None, metric: str, direction: str | None = None
) -> list[ForeignTrial]:
    """Read a study's trials; their intermediate values become the curve of the metric.

    Args:
      storage: as Optuna takes it: a URL, such as ``sqlite:///optuna.db``.
      name: the study's; may be left out where the storage has one.
      metric: what the objective is called in Studious.
      direction: of the objective there, ``Minimize`` or ``Maximize``; one that contradicts Optuna's
        is an error.

    """
    try:
        import optuna
    except ImportError as error:
        raise missing("optuna", "optuna", error) from error
    refuse_missing_database(storage)
    names = optuna.get_all_study_names(storage)
    if name is None and len(names) == 1:
        name = names[0]
    if name is None or name not in names:
        raise StudiousError(
            f"{storage}: has no study {name!r}; it has {', '.join(names) or 'none'}"
            if name is not None
            else f"{storage}: has {len(names)} studies ({', '.join(names)}). Name one with --name"
        )
    study = optuna.load_study(study_name=name, storage=storage)
    if len(study.directions) > 1:
        raise StudiousError(
            f"{name}: has {len(study.directions)} objectives, and a study of Studious has one. "
            "Export study.trials_dataframe() as CSV and choose a column with studious import"
        )
    theirs = study.direction.name.capitalize()
    if direction is not None and theirs != direction:
        raise StudiousError(
            f"{name}: its direction is {theirs}, and the study file says {direction}. "
            "Change direction in the study file"
        )
    every = study.get_trials(deepcopy=False)
    # Optuna chooses a point while its trial runs, so that one that runs or waits has none yet.
    ended = [trial for trial in every if trial.state.is_finished() and trial.params]
    if len(ended) < len(every):
        print(
            f"{name}: {len(every) - len(ended)} trials that have not ended, or have no "
            "parameters, were left out",
            file=sys.stderr,
        )
    return [
        ForeignTrial(
            name=f"{name}-{trial.number:04d}",
            state=trial.state.name,
            parameters=trial.params,
            objective=trial.value if trial.state.name == "COMPLETE" else None,
            curves={metric: sorted(trial.intermediate_values.items())},
        )
        for trial in ended
    ]
