"""The digits trainer in PyTorch: ``python -m studious_trainer.digits_torch``.

The same network, data, initial parameters, update rules and hyperparameters as
``studious_trainer.digits`` (see ``studious_trainer._point``), on CPUs: with several hosts
DistributedDataParallel over gloo.
"""

from __future__ import annotations

import math
import os
import sys
from typing import Any

# Networks this small gain nothing from threads, and trials that share a machine lose by them.
os.environ.setdefault("OMP_NUM_THREADS", "1")

import numpy as np
import torch
import torch.distributed as dist
import torch.nn.functional as F  # noqa: N812 (as all of PyTorch's pages call it)

import studious
from studious_trainer import _data, _initial
from studious_trainer._point import EVALUATION_BATCH, LOG_EVERY, Point, Throughput, goes_on, shard


class Network(torch.nn.Module):  # type: ignore[misc]  # torch is not there when this is checked
    """A multi-layer perceptron; the same seed gives the JAX trainer's initial parameters."""

    def __init__(self, point: Point, seed: int) -> None:
        super().__init__()
        initial = _initial.initialise(seed, point.width, point.hidden_layers, point.init_scale)
        self.dropout_rate = point.dropout_rate
        self.layers = torch.nn.ModuleDict()
        for name in _initial.layers(point.hidden_layers):
            kernel, bias = initial[name]["kernel"], initial[name]["bias"]
            layer = torch.nn.Linear(*kernel.shape)
            with torch.no_grad():
                layer.weight.copy_(torch.from_numpy(kernel).T)
                layer.bias.copy_(torch.from_numpy(bias))
            self.layers[name] = layer

    def forward(self, images: Any) -> Any:
        """Scores of the classes, ``[n, 10]``, of images ``[n, 64]``."""
        *hidden, output = self.layers.values()
        for layer in hidden:
            images = F.leaky_relu(layer(images), _initial.SLOPE)
            images = F.dropout(images, self.dropout_rate, self.training)
        return output(images)

    def squared_kernels(self) -> Any:
        """Half the sum of squares of all kernels: what weight decay multiplies."""
        return 0.5 * sum(layer.weight.square().sum() for layer in self.layers.values())


class Hosts:
    """The processes of a trial; with one of them nothing is set up and nothing is sent."""

    def __init__(self, host: studious.Host) -> None:
        self.count = host.count
        if self.count > 1:
            dist.init_process_group(
                "gloo",
                init_method=f"tcp://{host.coordinator}",
                rank=host.index,
                world_size=host.count,
            )

    def parallel(self, network: Network) -> Any:
        """Wrap the network so that backward() gives every host the mean gradient."""
        if self.count == 1:
            return network
        return torch.nn.parallel.DistributedDataParallel(network)

    def mean(self, values: Any) -> Any:
        """Average a tensor over the hosts."""
        if self.count > 1:
            dist.all_reduce(values)
            values /= self.count
        return values

    def agree(self, what: str, value: int) -> None:
        """Fail on every host unless all pass the same value."""
        if self.count == 1:
            return
        values = [torch.zeros(1, dtype=torch.int64) for _ in range(self.count)]
        dist.all_gather(values, torch.tensor([value]))
        numbers = [int(one) for one in values]
        if len(set(numbers)) > 1:
            raise studious.StudiousError(
                f"the hosts do not agree on the {what}: {numbers} by host. "
                "They must all read the same restore/ folder; check its volume's mounts"
            )

    def leave(self) -> None:
        """End the group, so that no host waits for another at exit."""
        if self.count > 1:
            dist.destroy_process_group()


def optimizer_of(point: Point, network: Network) -> Any:
    """Make the playbook's update rule, which is torch's SGD without dampening."""
    return torch.optim.SGD(
        network.parameters(),
        lr=point.learning_rate,
        momentum=point.momentum,
        nesterov=point.optimizer == "nesterov" and point.momentum > 0,
    )


def seed_dropout(trial: studious.Trial, step: int) -> None:
    """Seed what an update draws by its step, so that a resumed run draws the same."""
    words = np.random.SeedSequence([trial.seeds.init, trial.host.index, step]).generate_state(1)
    torch.manual_seed(int(words[0]))


def evaluate(network: Network, examples: _data.Examples, batch: int) -> tuple[float, float]:
    """Error rate and mean cross-entropy over all examples, for any batch size."""
    network.eval()
    wrong, loss = 0.0, 0.0
    with torch.no_grad():
        for first in range(0, len(examples), batch):
            rows = np.arange(first, min(first + batch, len(examples)))
            images, labels = tensors(examples.take(rows))
            scores = network(images)
            wrong += float((scores.argmax(1) != labels).sum())
            loss += float(F.cross_entropy(scores, labels, reduction="sum"))
    network.train()
    if not math.isfinite(loss):
        # argmax over NaN picks a class: an error rate of a diverged model would look like a result.
        wrong = math.nan
    return wrong / len(examples), loss / len(examples)


def tensors(examples: _data.Examples) -> tuple[Any, Any]:
    """Images and labels as tensors."""
    return torch.from_numpy(examples.images), torch.from_numpy(examples.labels).long()


class Update:
    """One update of the network, and what is known of those since the last measurement."""

    def __init__(self, point: Point, network: Network, parallel: Any, optimizer: Any) -> None:
        self.point = point
        self.network = network
        self.parallel = parallel
        self.optimizer = optimizer
        self.restart()

    def restart(self) -> None:
        """Forget the updates so far; what follows counts from now."""
        self.losses: list[Any] = []
        self.clipped = 0

    def __call__(self, batch: _data.Examples, rate: float) -> Any:
        """Update with a batch of this host; the norm of the mean gradient before clipping."""
        images, labels = tensors(batch)
        for group in self.optimizer.param_groups:
            group["lr"] = rate
        self.optimizer.zero_grad()
        smoothing = self.point.label_smoothing
        loss = F.cross_entropy(self.parallel(images), labels, label_smoothing=smoothing)
        loss = loss + self.point.weight_decay * self.network.squared_kernels()
        loss.backward()
        gradients = [parameter.grad for parameter in self.network.parameters()]
        norm = torch.stack([gradient.norm() for gradient in gradients]).norm()
        threshold = self.point.gradient_clip
        if threshold and norm > threshold:
            self.clipped += 1
            for gradient in gradients:
                gradient *= threshold / norm
        self.optimizer.step()
        self.losses.append(loss.detach())
        return norm


def train(trial: studious.Trial) -> None:
    """Run one trial from its first or its restored step to the end, or to divergence."""
    point = Point.of(trial)
    torch.set_num_threads(1)
    torch.use_deterministic_algorithms(True)
    data = _data.Digits.load(trial.seeds.split)
    if point.batch_size % trial.host.count:
        raise studious.StudiousError(
            f"hyperparameters.batch_size is {point.batch_size}, which {trial.host.count} hosts "
            "cannot share equally; make it a multiple of that"
        )
    mine, per_host = shard(trial, point, data)
    hosts = Hosts(trial.host)
    network = Network(point, trial.seeds.init)
    optimizer = optimizer_of(point, network)

    step = 0
    if restored := trial.checkpoints.restore():
        step, state = restored
        network.load_state_dict(state["network"])
        optimizer.load_state_dict(state["optimizer"])
        print(f"{trial.name}: resuming from step {step}", flush=True)
    hosts.agree("restored step", step)
    trial.init(network.state_dict())
    if trial.should_evaluate(step) and trial.host.index == 0:
        # The attempt before may have been lost between this checkpoint and its evaluation.
        report(trial, step, network, data, point.batch_size)

    update = Update(point, network, hosts.parallel(network), optimizer)
    source = _data.batches(mine, per_host, trial.seeds.data, step)
    throughput = Throughput()
    while step < trial.max_train_steps:
        rate = point.rate(trial, step)
        seed_dropout(trial, step)
        norm = update(throughput.next(source), rate)
        step += 1
        if step % LOG_EVERY == 0 or step == trial.max_train_steps:
            losses = hosts.mean(torch.stack(update.losses))
            loss = float(losses[-1])
            measured = {"train_loss": loss, "gradient_norm": float(norm), "learning_rate": rate}
            if point.gradient_clip is not None:
                measured["clipped_fraction"] = update.clipped / len(losses)
            update.restart()
            trial.log(step, **measured, **throughput.read())
            if not goes_on(trial, step, loss, float(losses.max())):
                return
        value = None
        if trial.should_evaluate(step) and trial.host.index == 0:
            value = report(trial, step, network, data, point.batch_size)
            throughput.restart()  # evaluation is not training
        if trial.should_checkpoint(step):
            state = {"network": network.state_dict(), "optimizer": optimizer.state_dict()}
            trial.checkpoints.save(step, state, value)
    trial.done(step)
    hosts.leave()


def report(
    trial: studious.Trial, step: int, network: Network, data: _data.Digits, batch_size: int
) -> float:
    """Evaluate on the validation and training sets, log it, and return the objective."""
    batch = max(EVALUATION_BATCH, batch_size)
    error, loss = evaluate(network, data.validation, batch)
    train_error, _ = evaluate(network, data.train, batch)
    trial.log(step, validation_error=error, validation_loss=loss, train_error=train_error)
    return error if trial.objective.metric == "validation_error" else loss


def main() -> int:
    """Run the trial that the environment names; the exit status of the process."""
    try:
        train(studious.Trial.load())
    except studious.StudiousError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
