"""Runs as they lie in folders: run.json and trace.npz, of `ncsolve solve --out` and of `ncsolve compare --out`."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ncsolve.errors import StoreError
from ncsolve.store import read_arrays, read_run, run_files
from ncsolve.texts import escaped

__all__ = ["Run", "best_run", "grouped", "read_runs"]

Array = NDArray[Any]
CURVES = ("iteration", "evaluations", "seconds", "objective", "gradient_norm")
MOST = 1000
"""With so many a page stays below 3 MB."""


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

    Raises StoreError where there is none, or more than a page shows.
    """
    listed = list(folders)
    where = ", ".join(map(str, listed))
    files: dict[Path, Path] = {}
    for folder in listed:
        for file in sorted(run_files(folder)):
            files.setdefault(file.resolve(), file)
    if len(files) > MOST:
        raise StoreError(
            f"there are {len(files)} runs in {where}, and a page shows at most {MOST}: "
            "name folders that hold fewer, and make a page of each."
        )
    runs: list[Run] = []
    faults: list[str] = []
    for file in files.values():
        try:
            runs.append(_read(file))
        except (OSError, ValueError, StoreError) as error:
            faults.append(escaped(f"{file.parent}: {error}"))
    if not runs:
        raise StoreError("\n".join([f"there is no run in {where}: keep one with `ncsolve solve --out DIR`.", *faults]))
    return runs, faults


def _read(file: Path) -> Run:
    data, folder = read_run(file), escaped(str(file.parent))
    trace = file.with_name("trace.npz")
    if not trace.exists():
        return Run(folder, data)
    columns = read_arrays(trace, lambda name: name in (*CURVES, "x"))
    if not set(CURVES) <= columns.keys():
        raise ValueError("its trace.npz has not the columns of a run")
    return Run(folder, data, columns)


def grouped(runs: Iterable[Run]) -> list[list[Run]]:
    """By problem, as it was declared when they ran, in the order in which problems occur."""
    groups: dict[tuple[Any, ...], list[Run]] = {}
    for run in runs:
        fingerprint = run.data.get("fingerprint") or {}
        key = (run.data["problem"], run.data.get("source"), fingerprint.get("all"))
        groups.setdefault(key, []).append(run)
    return list(groups.values())


def best_run(runs: Sequence[Run]) -> Run:
    """The lowest that converged to a minimum; else the lowest that converged; else the lowest."""

    def rank(run: Run) -> tuple[bool, bool, float]:
        value = run.data.get("objective")
        success = run.converged and run.kind in ("minimum", "minmax")
        return not success, not run.converged, np.inf if value is None else float(value)

    return min(runs, key=rank)
