"""Writes tensorboard/, the event files of the tests, with the real tensorboardX (2.6.5; torch writes the same).

Six runs with the HParams plugin, of which the fastest diverges, and two with hparams.yaml beside the events.
"""

import math
import shutil
from pathlib import Path

from tensorboardX import SummaryWriter

root = Path(__file__).parent / "tensorboard"
shutil.rmtree(root, ignore_errors=True)
for i in range(6):
    rate = 10 ** (-3 + 0.75 * i)
    writer = SummaryWriter(str(root / "hparams" / f"run-{i:02d}"))
    loss = 1.0
    for step in (0, 10, 20):
        at = 1_700_000_000 + 60 * i + step
        diverged = rate > 2 and step == 20
        loss = round(math.log10(rate / 0.3) ** 2 / 10 + 1 / (step + 10), 4)
        loss = math.nan if diverged else loss
        writer.add_scalar("val/loss", loss, step, walltime=at)
        writer.add_scalar("train_loss", loss + 0.01, step, walltime=at)
    point = {"lr": rate, "optimizer": ["plain", "fancy"][i % 2], "note": "x"}
    best = {"hparam/best": 0.0 if math.isnan(loss) else loss}
    writer.add_hparams(point, best, name="session", global_step=20)
    writer.close()
for i in range(2):
    folder = root / "sidecar" / f"version_{i}"
    writer = SummaryWriter(str(folder))
    for step in (10, 20):
        writer.add_scalar("loss", 0.5 / (step + i), step, walltime=1_700_001_000 + step)
    writer.close()
    rate = 0.01 * (i + 1)
    (folder / "hparams.yaml").write_text(f"optimizer: plain\nmodel:\n  learning_rate: {rate}\n")
for number, path in enumerate(sorted(root.rglob("*tfevents*"))):
    path.rename(path.with_name(f"events.out.tfevents.{1_700_000_000 + number}.host"))
