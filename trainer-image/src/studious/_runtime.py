"""What this process trains with, as the event ``runtime`` reports it; it imports nothing."""

from __future__ import annotations

import importlib.metadata
import platform
import sys
from collections.abc import Mapping
from typing import Any

_MODULES = {
    "flax": "flax",
    "jax": "jax",
    "jaxlib": "jaxlib",
    "keras": "keras",
    "lightning": "lightning",
    "numpy": "numpy",
    "optax": "optax",
    "pytorch-lightning": "pytorch_lightning",
    "studious-tuning": "studious",
    "tensorflow": "tensorflow",
    "torch": "torch",
    "transformers": "transformers",
}
"""Packages that are reported where they are imported, and the module of each."""


def runtime(parameters: object) -> dict[str, Any]:
    """Return the fields of the event: Python, the packages imported, the parameters' device.

    What cannot be found out is left out: training does not depend on it.
    """
    fields: dict[str, Any] = {"python": platform.python_version(), "packages": _packages()}
    try:
        fields["device"] = _device(parameters)
    except Exception:  # whatever a framework does about a device: it is only shown
        fields["device"] = None
    return fields


def _packages() -> dict[str, str]:
    versions = {}
    for package, module in _MODULES.items():
        if module in sys.modules:
            try:
                versions[package] = importlib.metadata.version(package)
            except (importlib.metadata.PackageNotFoundError, ValueError, OSError):
                continue  # it was not installed as a package
    return versions


def _device(tree: Any) -> str | None:
    """Find the kind of the device that holds the first array which has one."""
    if isinstance(tree, Mapping):
        tree = list(tree.values())
    if isinstance(tree, list | tuple):
        return next((kind for kind in map(_device, tree) if kind is not None), None)
    torch, jax = sys.modules.get("torch"), sys.modules.get("jax")
    if torch is not None and isinstance(tree, torch.Tensor):
        device = tree.device
        return str(torch.cuda.get_device_name(device) if device.type == "cuda" else device.type)
    if jax is not None and isinstance(tree, jax.Array):
        return str(min(tree.devices(), key=lambda device: device.id).device_kind)
    return None
