"""Puts the `studious` command into the wheel, when `packaging/wheels.sh` asks for it."""

from __future__ import annotations

import os
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface


class CommandHook(BuildHookInterface[Any]):
    """Without `STUDIOUS_WHEEL_COMMAND` the wheel is pure Python and fits every platform."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Add the command, and name the platform that it runs on."""
        command = os.environ.get("STUDIOUS_WHEEL_COMMAND")
        if version != "standard" or not command:
            return
        platform = os.environ["STUDIOUS_WHEEL_PLATFORM"]
        build_data["pure_python"] = False
        build_data["tag"] = f"py3-none-{platform}"
        build_data["shared_scripts"] = {command: "studious"}
