"""Hooks: how solvers, problems, theorems, backends and commands come in, ours and a stranger's alike."""

from __future__ import annotations

from typing import Any

from ncsolve.hooks.registry import Plugin, Registry, registry
from ncsolve.hooks.specs import hookimpl

__all__ = ["Plugin", "Registry", "hookimpl", "register_commands", "registry"]


def register_commands(cli: Any) -> None:
    """Let plugins add their commands to the command line."""
    registry().register_commands(cli)
