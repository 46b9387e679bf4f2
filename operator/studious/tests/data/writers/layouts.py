"""Writes layouts/, event files in every layout of hyperparameters and curves, with tensorboardX 2.6.5; torch's writer lays
its files out in the same way.

    pip install tensorboardX==2.6.5 && python layouts.py
"""

import shutil
import time
from pathlib import Path

from tensorboardX import SummaryWriter
from tensorboardX.summary import hparams

ROOT = Path(__file__).parent.parent / "layouts"
BEGUN = 1_700_000_000


def curve(writer: SummaryWriter, tag: str, offset: float, at: int = BEGUN, first: int = 0) -> None:
    """0.5, 0.3, 0.2 and 0.25 above an offset."""
    for i, value in enumerate((0.5, 0.3, 0.2, 0.25)):
        writer.add_scalar(tag, offset + value, first + 10 * i, walltime=at + 10 + i)


def point(r: int) -> dict:
    return {"lr": 0.01 * (r + 1), "width": 16}


def curves_then_hparams() -> None:
    """add_hparams with the tag of the curve, after it (F-066)."""
    for r in range(3):
        with SummaryWriter(str(ROOT / "same-tag-after" / f"run{r}")) as w:
            curve(w, "loss", r)
            w.add_hparams(point(r), {"loss": r + 0.1}, name="hparams")

def hparams_then_curves() -> None:
    """add_hparams with a placeholder first, and the curve after it (F-066, F-071)."""
    for r in range(3):
        with SummaryWriter(str(ROOT / "same-tag-before" / f"run{r}")) as w:
            w.add_hparams(point(r), {"loss": 0}, name="hparams")
            now = int(time.time())
            curve(w, "loss", r, at=now, first=10)
    with SummaryWriter(str(ROOT / "same-tag-before" / "crashed")) as w:
        w.add_hparams(point(3), {"loss": 0}, name="hparams")
        w.add_scalar("train_loss", 1.0, 10, walltime=int(time.time()) + 10)


def one_writer() -> None:
    """A session for each trial of one writer (F-067)."""
    with SummaryWriter(str(ROOT / "one-writer")) as w:
        for i in range(5):
            w.add_hparams(point(i), {"loss": 1.0 * (5 - i)}, name=f"t{i}")


def stray_file() -> None:
    """An event file beside the folders of the runs."""
    with SummaryWriter(str(ROOT / "stray")) as w:
        w.add_scalar("loss", 9.0, 1, walltime=BEGUN)
    for r in range(2):
        with SummaryWriter(str(ROOT / "stray" / f"run{r}")) as w:
            curve(w, "loss", r)
            w.add_hparams(point(r), {"best": r + 0.2}, name="hparams")

def keras() -> None:
    """The experiment's description in the root, a session and its scalars in a folder for each run, as Keras' callback and
    tutorials of TensorBoard's HParams plugin lay them out."""
    for i in range(3):
        experiment, start, end = hparams({"lr": 0.1 * (i + 1), "width": 16}, {"loss": 0})
        if i == 0:
            with SummaryWriter(str(ROOT / "keras")) as w:
                w.file_writer.add_summary(experiment)
        with SummaryWriter(str(ROOT / "keras" / f"run-{i}")) as w:
            w.file_writer.add_summary(start)
            w.add_scalar("loss", 1.2 - 0.5 * i, 1)
            w.file_writer.add_summary(end)


def lightning() -> None:
    """One file: metrics and hyperparameters first, then the curve, as Lightning's logger writes them (F-071)."""
    for version in range(3):
        with SummaryWriter(str(ROOT / "lightning" / f"version_{version}")) as w:
            w.add_scalar("loss", 0, 0, walltime=None)
            for summary in hparams(point(version), {"loss": 0}):
                w.file_writer.add_summary(summary)

            curve(w, "loss", version, at=int(time.time()), first=49)


def without_steps() -> None:
    """A curve without global_step, and two runs in one folder (F-076)."""
    with SummaryWriter(str(ROOT / "without-steps" / "run0")) as w:
        for value in (0.5, 0.3, 0.2):
            w.add_scalar("loss", value, walltime=BEGUN)
        w.add_hparams(point(0), {"best": 0.2}, name="hparams")

def two_sessions() -> None:
    """Two sessions in one folder: what they say of lr differs (F-067)."""
    with SummaryWriter(str(ROOT / "two-sessions" / "run0")) as w:
        for r in range(2):
            for summary in hparams(point(r), {"loss": 0}):
                w.file_writer.add_summary(summary)
        curve(w, "loss", 0)


def user_placeholder() -> None:
    """A zero that the trainer logs itself at step 0, and no hyperparameters beside one run (F-068, F-071)."""
    for r in range(2):
        with SummaryWriter(str(ROOT / "zero-first" / f"run{r}")) as w:
            w.add_scalar("loss", 0, 0, walltime=BEGUN)
            curve(w, "loss", r, first=10)
            w.add_hparams(point(r), {"best": r + 0.2}, name="hparams")
    with SummaryWriter(str(ROOT / "zero-first" / "empty")) as w:
        curve(w, "loss", 5)
    (ROOT / "zero-first" / "empty" / "hparams.yaml").write_text("{}\n")


shutil.rmtree(ROOT, ignore_errors=True)
for write in (
    curves_then_hparams,
    hparams_then_curves,
    one_writer,
    stray_file,
    keras,
    lightning,
    without_steps,
    two_sessions,
    user_placeholder,
):
    write()
for number, path in enumerate(sorted(ROOT.rglob("*tfevents*"))):
    path.rename(path.with_name(f"events.out.tfevents.{BEGUN + number}.host"))
