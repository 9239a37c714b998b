"""What the bits of a run depend on besides the problem: versions and machine; and when it was written."""

from __future__ import annotations

import os
import platform
from datetime import UTC, datetime
from functools import cache
from importlib.metadata import PackageNotFoundError, version

from ncsolve.solving.result import versions

__all__ = ["all_versions", "machine", "now"]

NUMERICAL = ("scipy", "numba")
"""Packages whose version changes bits, besides those of `versions`."""


@cache
def all_versions() -> dict[str, str]:
    """Versions by package; "" for one that is not installed."""
    return {**versions(), **{name: _version(name) for name in NUMERICAL}}


def machine() -> dict[str, str | int]:
    return {
        "system": platform.system(),
        "release": platform.release(),
        "machine": platform.machine(),
        "cores": os.cpu_count() or 1,
    }


def now() -> str:
    """The time in UTC, ISO 8601, to the second."""
    return datetime.now(UTC).isoformat(timespec="seconds")


def _version(name: str) -> str:
    try:
        return version(name)
    except PackageNotFoundError:
        return ""
