"""Runs as they lie in folders: run.json and trace.npz, of `ncsolve solve --out` and of `ncsolve compare --out`."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ncsolve.errors import StoreError
from ncsolve.store import read_arrays

__all__ = ["Run", "best_run", "grouped", "read_runs"]

Array = NDArray[Any]
CURVES = ("iteration", "evaluations", "seconds", "objective", "gradient_norm")


@dataclass(frozen=True)
class Run:
    """A run that was kept."""

    path: str
    data: Mapping[str, Any]
    """run.json"""
    trace: Mapping[str, Array] = field(default_factory=dict)
    """The columns of the trace; empty while the run goes on."""

    @property
    def solver(self) -> str:
        return str(self.data["solver"])

    @property
    def point(self) -> Mapping[str, Any]:
        point = self.data.get("point")
        return point if isinstance(point, Mapping) else {}

    @property
    def kind(self) -> str:
        return str(self.point.get("kind", ""))

    @property
    def converged(self) -> bool:
        return self.data["status"] in ("CONVERGED", "TARGET")

    @property
    def x(self) -> Array | None:
        """Where it ended, (n,); None where run.json does not say."""
        x = self.data.get("x")
        return None if not x or None in x else np.asarray(x, dtype=float)


def read_runs(folders: Iterable[Path]) -> tuple[list[Run], list[str]]:
    """All runs in and below the folders, and what is wrong with those that cannot be read.

    Raises StoreError where there is none.
    """
    runs: list[Run] = []
    faults: list[str] = []
    listed = [str(folder) for folder in folders]
    files = dict.fromkeys(file for folder in listed for file in sorted(Path(folder).rglob("run.json")))
    for file in files:
        try:
            runs.append(_read(file))
        except (OSError, ValueError, StoreError) as error:
            faults.append(f"{file.parent}: {error}")
    if not runs:
        where = ", ".join(listed)
        raise StoreError("\n".join([f"there is no run in {where}: keep one with `ncsolve solve --out DIR`.", *faults]))
    return runs, faults


def _read(file: Path) -> Run:
    data = json.loads(file.read_text(encoding="utf-8"))
    if not isinstance(data, dict) or not {"problem", "solver", "status"} <= data.keys():
        raise ValueError("its run.json is not of ncsolve")
    trace = file.with_name("trace.npz")
    if not trace.exists():
        return Run(str(file.parent), data)
    columns = read_arrays(trace, lambda name: name in (*CURVES, "x"))
    if not set(CURVES) <= columns.keys():
        raise ValueError("its trace.npz has not the columns of a run")
    return Run(str(file.parent), data, columns)


def grouped(runs: Iterable[Run]) -> list[list[Run]]:
    """By problem, in the order in which problems occur."""
    groups: dict[tuple[Any, ...], list[Run]] = {}
    for run in runs:
        fingerprint = run.data.get("fingerprint") or {}
        source = run.data.get("source")
        key = (run.data["problem"], source or fingerprint.get("all"))
        groups.setdefault(key, []).append(run)
    return list(groups.values())


def best_run(runs: Sequence[Run]) -> Run:
    """The lowest that converged to a minimum; else the lowest that converged; else the lowest."""

    def rank(run: Run) -> tuple[bool, bool, float]:
        value = run.data.get("objective")
        success = run.converged and run.kind in ("minimum", "minmax")
        return not success, not run.converged, np.inf if value is None else float(value)

    return min(runs, key=rank)
