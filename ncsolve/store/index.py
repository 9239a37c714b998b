"""The runs below a folder, from an index that is a cache: it is right also where folders appear, change or vanish."""

from __future__ import annotations

import json
import os
import sqlite3
from collections.abc import Iterator
from contextlib import closing, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

__all__ = ["Stored", "stored_runs"]

INDEX = ".ncsolve-runs.sqlite"
TABLE = "CREATE TABLE IF NOT EXISTS runs (path TEXT PRIMARY KEY, changed INTEGER, size INTEGER, run TEXT)"
KEPT = (
    "problem",
    "solver",
    "seed",
    "status",
    "objective",
    "gradient_norm",
    "iterations",
    "seconds",
    "source",
    "options",
    "asked",
)
DIGEST = {*KEPT, "point"}


@dataclass(frozen=True)
class Stored:
    """One run.json."""

    path: str
    """Its folder, relative to the one that was listed."""
    run: dict[str, Any]
    """Some of what is in it: see `KEPT`, and the kind of its point."""


def stored_runs(folder: Path) -> list[Stored]:
    """All runs below a folder, by path. What has changed since the last call is read anew; what is gone is forgotten.

    An index that is damaged is made anew; where none can be written, everything is read.
    """
    for _ in range(2):
        with suppress(sqlite3.Error, OSError), closing(sqlite3.connect(folder / INDEX, timeout=5)) as index, index:
            return list(_listed(folder, index))
        with suppress(OSError):
            (folder / INDEX).unlink()
    with closing(sqlite3.connect(":memory:")) as index:
        return list(_listed(folder, index))


def _listed(folder: Path, index: sqlite3.Connection) -> Iterator[Stored]:
    index.execute(TABLE)
    known = {path: (changed, size, run) for path, changed, size, run in index.execute("SELECT * FROM runs")}
    found: set[str] = set()
    for path, file in sorted(_files(folder)):
        try:
            stat = file.stat()
            changed, size, text = known.get(path, (0, 0, "{}"))
            run = json.loads(text)
            if (changed, size) != (stat.st_mtime_ns, stat.st_size) or run.keys() != DIGEST:
                run = _digest(json.loads(file.read_text()))
                row = (path, stat.st_mtime_ns, stat.st_size, json.dumps(run))
                index.execute("REPLACE INTO runs VALUES (?, ?, ?, ?)", row)
        except (OSError, ValueError):  # vanished meanwhile, or no run.json of ours
            continue
        found.add(path)
        yield Stored(path, run)
    index.executemany("DELETE FROM runs WHERE path = ?", [(path,) for path in known if path not in found])


def _files(folder: Path) -> Iterator[tuple[str, Path]]:
    for parent, _, names in os.walk(folder):
        if "run.json" in names:
            yield os.path.relpath(parent, folder), Path(parent) / "run.json"


def _digest(run: Any) -> dict[str, Any]:
    if not isinstance(run, dict) or not {"problem", "solver", "status"} <= run.keys():
        raise ValueError("no run")
    point = run.get("point")
    return {**{key: run.get(key) for key in KEPT}, "point": point.get("kind") if isinstance(point, dict) else None}
