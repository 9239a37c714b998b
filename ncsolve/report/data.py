"""Results as plain data, ready for strict JSON."""

from __future__ import annotations

import json
import math
import platform
from collections.abc import Mapping
from enum import Enum
from importlib.metadata import version
from typing import Any


def to_json(data: Any) -> str:
    """One line of strict JSON: arrays become lists, enum members their names, NaN and infinities null."""
    return json.dumps(plain(data), allow_nan=False)


def plain(data: Any) -> Any:
    if isinstance(data, Enum):
        return data.name
    if isinstance(data, Mapping):
        return {str(key): plain(value) for key, value in data.items()}
    if hasattr(data, "tolist"):  # NumPy's arrays and scalars
        return plain(data.tolist())
    if isinstance(data, list | tuple | set | frozenset):
        return [plain(value) for value in data]
    if isinstance(data, float):
        return data if math.isfinite(data) else None
    return data if isinstance(data, str | int | bool | None) else str(data)


def versions() -> dict[str, str]:
    """What a run's numbers depend on."""
    packages = ("ncsolve", "numpy", "scipy", "sympy")
    return {"python": platform.python_version(), **{name: version(name) for name in packages}}
