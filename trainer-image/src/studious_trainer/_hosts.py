"""One mesh over all hosts of a trial, so that the same program runs on one or many."""

from __future__ import annotations

from typing import Any

import jax
import numpy as np
import numpy.typing as npt
from jax.sharding import Mesh, NamedSharding, PartitionSpec

import studious


class Hosts:
    """The devices of all hosts in one row; data is split along it, parameters are on each."""

    def __init__(self, host: studious.Host) -> None:
        if host.count > 1:
            # On accelerators this setting is not read; on CPUs there is no other that works.
            jax.config.update("jax_cpu_collectives_implementation", "gloo")
            jax.distributed.initialize(
                coordinator_address=host.coordinator,
                num_processes=host.count,
                process_id=host.index,
            )
        self.count = host.count
        self.devices = jax.device_count()
        mesh = Mesh(np.array(jax.devices()), ("data",))
        self.everywhere = NamedSharding(mesh, PartitionSpec())
        self.split = NamedSharding(mesh, PartitionSpec("data"))

    def replicate(self, tree: Any) -> Any:
        """Put the same arrays on every device; each host must pass the same values."""
        return jax.tree.map(
            lambda leaf: jax.make_array_from_process_local_data(
                self.everywhere, np.asarray(leaf), np.shape(leaf)
            ),
            tree,
        )

    def assemble(self, part: npt.NDArray[Any]) -> jax.Array:
        """Make one global batch of every host's part, without moving any."""
        batch: jax.Array = jax.make_array_from_process_local_data(self.split, part)
        return batch

    @staticmethod
    def local(tree: Any) -> Any:
        """Return this host's copy of replicated arrays."""
        return jax.tree.map(lambda leaf: leaf.addressable_data(0), tree)

    def agree(self, what: str, value: int) -> None:
        """Fail on every host unless all pass the same value."""
        if self.count == 1:
            return
        from jax.experimental import multihost_utils

        values = np.asarray(multihost_utils.process_allgather(np.array([value]))).ravel()
        if len(set(values.tolist())) > 1:
            raise studious.StudiousError(
                f"the hosts do not agree on the {what}: {values.tolist()} by host. "
                "They must all read the same restore/ folder; check its volume's mounts"
            )
