from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

import studious

from folders import EXAMPLE, events, lay, lines


def test_every_input_has_a_typed_attribute(tmp_path: Path) -> None:
    host = {"index": 1, "count": 2, "coordinator": "digits-explore-0007-a1-0.digits:8476"}
    trial = studious.Trial.load(lay(tmp_path, host=host))

    assert (trial.study, trial.name, trial.round) == ("digits", "digits-explore-0007", "explore")
    assert trial.attempt == 1
    assert dict(trial.hyperparameters) == EXAMPLE["hyperparameters"]
    assert trial.max_train_steps == 500
    assert trial.objective == studious.Objective("validation_error", "Minimize")
    assert trial.evaluation.every_steps == 50
    assert trial.checkpoint == studious.Checkpointing(every_steps=100, keep_best=1)
    assert trial.seeds == studious.Seeds(init=7241, data=99, split=5)
    assert trial.host == studious.Host(1, 2, "digits-explore-0007-a1-0.digits:8476")
    assert trial.schedule is not None
    assert trial.schedule.as_json() == EXAMPLE["schedule"]


def test_the_folder_is_named_by_the_environment(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("STUDIOUS_TRIAL_DIR", str(lay(tmp_path)))
    assert studious.Trial.load().directory == tmp_path


def test_without_a_folder_the_error_says_how_to_get_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("STUDIOUS_TRIAL_DIR", raising=False)
    with pytest.raises(studious.StudiousError, match=r"STUDIOUS_TRIAL_DIR is not set.*trial\.json"):
        studious.Trial.load()


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(studious.StudiousError, match=r"trial\.json: cannot be read"):
        studious.Trial.load(tmp_path)


def test_a_file_that_is_not_json_is_named(tmp_path: Path) -> None:
    (tmp_path / "trial.json").write_text("{")
    with pytest.raises(studious.StudiousError, match=r"trial\.json: is not JSON"):
        studious.Trial.load(tmp_path)
    (tmp_path / "trial.json").write_text("[]")
    with pytest.raises(studious.StudiousError, match="expected one JSON object"):
        studious.Trial.load(tmp_path)


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"maxTrainSteps": 0}, "`maxTrainSteps` must be an integer of at least 1; found 0"),
        ({"maxTrainSteps": "many"}, "`maxTrainSteps` must be an integer of at least 1"),
        ({"attempt": True}, "`attempt` must be an integer"),
        ({"name": ""}, "`name` must be a string that is not empty"),
        ({"hyperparameters": {"layers": [1, 2]}}, r"`hyperparameters\.layers` must be a number"),
        ({"seeds": {"init": 1, "data": 2}}, r"`seeds\.split` .*; it is missing"),
        ({"schedule": {"family": "Sawtooth", "base": 1}}, r"`schedule\.family` must be one of"),
        ({"schedule": {"family": "Linear", "base": "x"}}, r"`schedule\.base` must be a finite"),
        ({"objective": {"metric": "m", "direction": "Up"}}, r"`objective\.direction` must be one"),
        ({"host": {"index": 2, "count": 2, "coordinator": "h:1"}}, r"`host\.index` must be below"),
        ({"host": {"index": 0, "count": 2, "coordinator": None}}, r"`host\.coordinator` must be"),
        ({"evaluation": None}, "`evaluation` must be a JSON object; found None"),
    ],
)
def test_a_wrong_field_is_named_with_its_value(
    tmp_path: Path, changes: dict[str, object], said: str
) -> None:
    with pytest.raises(studious.StudiousError, match=said) as error:
        studious.Trial.load(lay(tmp_path, **changes))
    assert str(tmp_path / "trial.json") in str(error.value)


def test_fields_of_a_later_version_are_no_error(tmp_path: Path) -> None:
    assert studious.Trial.load(lay(tmp_path, profile={"steps": [1, 2]})).attempt == 1


def test_a_study_may_leave_out_schedule_and_checkpoints(tmp_path: Path) -> None:
    trial = studious.Trial.load(lay(tmp_path, schedule=None, checkpoint=None))
    assert trial.schedule is None
    assert trial.checkpoint is None
    assert not any(trial.should_checkpoint(step) for step in range(501))


def test_evaluated_steps_depend_on_the_step_alone(tmp_path: Path) -> None:
    trial = studious.Trial.load(lay(tmp_path, maxTrainSteps=120))
    assert [step for step in range(121) if trial.should_evaluate(step)] == [50, 100, 120]
    assert [step for step in range(121) if trial.should_checkpoint(step)] == [100, 120]


def test_other_hosts_never_checkpoint(tmp_path: Path) -> None:
    host = {"index": 1, "count": 2, "coordinator": "h:1"}
    trial = studious.Trial.load(lay(tmp_path, host=host))
    assert not any(trial.should_checkpoint(step) for step in range(501))
    assert trial.checkpoints.save(100, {"w": np.ones(2)}) is None
    assert not (tmp_path / "checkpoints").exists()


def test_events_are_written_as_the_contract_says(tmp_path: Path) -> None:
    trial = studious.Trial.load(lay(tmp_path))
    reported = trial.init({"w": np.zeros(3)})
    trial.infeasible("the batch does not fit")
    trial.done(500)
    written = [line for line in lines(tmp_path) if line.get("event") != "runtime"]
    assert written == [
        {"event": "init", "parameters_sha256": reported, "init_seed": 7241, "data_seed": 99},
        {"event": "infeasible", "reason": "the batch does not fit"},
        {"event": "done", "step": 500},
    ]


def test_a_resumed_run_reports_the_whole_checkpoint(tmp_path: Path) -> None:
    state = {"parameters": {"w": np.arange(3.0)}, "momentum": (np.ones(3),)}
    studious.Trial.load(lay(tmp_path)).checkpoints.save(100, state)
    (saved,) = events(tmp_path, "checkpoint")

    for whole in (True, False):
        trial = studious.Trial.load(tmp_path)
        restored = trial.checkpoints.restore()
        assert restored is not None
        step, tree = restored
        trial.init(tree if whole else tree["parameters"])
        init = events(tmp_path, "init")[-1]
        assert step == init["restored_step"] == 100
        assert init["parameters_sha256"] == saved["parameters_sha256"]


def test_parameters_that_are_not_those_restored_are_refused(tmp_path: Path) -> None:
    studious.Trial.load(lay(tmp_path)).checkpoints.save(100, {"w": np.arange(3.0)})
    trial = studious.Trial.load(tmp_path)
    trial.checkpoints.restore()
    with pytest.raises(studious.StudiousError, match="not those restored from step 100"):
        trial.init({"w": np.arange(3.0) + 1e-9})


def test_hyperparameters_are_read_by_name_or_alias(tmp_path: Path) -> None:
    """F-120: the program's own names have dots and dashes."""
    given = {"optim_lr": 0.1, "optimizer": "adam", "weight_decay": 0}
    aliases = {"optim_lr": "optim.lr", "weight_decay": "weight-decay"}
    folder = lay(tmp_path, hyperparameters=given, aliases=aliases)
    values = studious.Trial.load(folder).hyperparameters
    assert values["optim.lr"] == values["optim_lr"] == values.number("optim.lr") == 0.1
    assert "weight-decay" in values
    assert "optim.eps" not in values
    assert dict(values) == given
    assert values.arguments == {"optim.lr": 0.1, "optimizer": "adam", "weight-decay": 0}
    values.only(["optim.lr", "optimizer", "weight_decay"])
    with pytest.raises(studious.StudiousError, match=r"does not know .* weight_decay"):
        values.only(["optim.lr", "optimizer"])
    with pytest.raises(KeyError, match=r"hyperparameters\.optim\.eps is missing"):
        values["optim.eps"]
    with pytest.raises(studious.StudiousError, match=r"`aliases\.optim_lr` must be a string"):
        studious.Trial.load(lay(tmp_path, hyperparameters=given, aliases={"optim_lr": 3}))


def test_typed_hyperparameters(tmp_path: Path) -> None:
    given = {"rate": 1, "width": 64.0, "kind": "sgd", "flag": True}
    values = studious.Trial.load(lay(tmp_path, hyperparameters=given)).hyperparameters
    assert values.number("rate") == 1.0
    assert values.integer("width") == 64
    assert values.choice("kind", ("sgd", "adam")) == "sgd"
    assert values["flag"] is True
    assert values.number("dropout", 0.5) == 0.5
    with pytest.raises(studious.StudiousError, match=r"hyperparameters\.dropout is missing"):
        values.number("dropout")
    with pytest.raises(KeyError, match=r"hyperparameters\.dropout is missing"):
        values["dropout"]
    with pytest.raises(studious.StudiousError, match=r"kind must be one of adam; found 'sgd'"):
        values.choice("kind", ("adam",))
    with pytest.raises(studious.StudiousError, match=r"flag must be a number; found True"):
        values.number("flag")
    with pytest.raises(studious.StudiousError, match=r"integer: true"):
        values.integer("kind")
    with pytest.raises(studious.StudiousError, match=r"does not know .* flag, kind; it knows"):
        values.only({"rate", "width"})


def test_the_quick_start_of_the_docstring_runs(tmp_path: Path) -> None:
    """What people copy first: the example of the package's docstring, with a model put in."""
    assert studious.__doc__
    code = studious.__doc__.split("::\n", 1)[1].split("\nOnly the standard", 1)[0]
    code = "\n".join(line.removeprefix("    ") for line in code.splitlines())
    lay(tmp_path, evaluation={"everySteps": 250})
    names = {
        "initialize": lambda seed: {"w": np.full(2, float(seed))},
        "update": lambda state, rate: {"w": state["w"] * (1 - rate)},
        "evaluate": lambda state: np.abs(state["w"]).sum(),
    }
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("STUDIOUS_TRIAL_DIR", str(tmp_path))
        exec(code, names)
    kinds = [json.dumps(line.get("event", "measurement")) for line in lines(tmp_path)]
    assert kinds.count('"measurement"') == 2
    assert (kinds[0], kinds[-1]) == ('"init"', '"done"')
    assert len(events(tmp_path, "checkpoint")) == 5
