"""Start torchrun for this host: ``python -m studious.torchrun --nproc_per_node 4 train.py``.

What torchrun must know of the trial's hosts is read from ``trial.json``: how many there are, which
one this is, and where they meet. Every other argument is torchrun's own.
"""

from __future__ import annotations

import os
import sys
from typing import NoReturn

from studious._errors import StudiousError
from studious._trial import Host, Trial


def arguments(host: Host) -> list[str]:
    """Return torchrun's options for this host of a trial."""
    if host.coordinator is None:
        return ["--standalone"]
    # With underscores, as torch before 2.0 asks.
    address, _, port = host.coordinator.rpartition(":")
    return [
        f"--nnodes={host.count}",
        f"--node_rank={host.index}",
        f"--master_addr={address}",
        f"--master_port={port}",
    ]


def main() -> NoReturn:
    """Become torchrun; exits with an error where there is nothing to become."""
    if not sys.argv[1:]:
        print("usage: python -m studious.torchrun [torchrun's options] SCRIPT …", file=sys.stderr)
        sys.exit(2)
    try:
        options = arguments(Trial.load().host)
    except StudiousError as error:
        print(f"error: {error}", file=sys.stderr)
        sys.exit(1)
    # The same process, so that signals reach torchrun, which ends its workers.
    command = [sys.executable, "-m", "torch.distributed.run", *options, *sys.argv[1:]]
    os.execv(command[0], command)


if __name__ == "__main__":
    main()
