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

from ncsolve.errors import StoreError

__all__ = ["Stored", "listed_runs", "read_run", "run_files", "stored_runs"]

INDEX = ".ncsolve-runs.sqlite"
TABLE = "CREATE TABLE IF NOT EXISTS runs (path BLOB PRIMARY KEY, changed INTEGER, size INTEGER, run TEXT)"
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
    """All runs below a folder, by path, of those that can be read."""
    return listed_runs(folder)[0]


def listed_runs(folder: Path) -> tuple[list[Stored], list[str]]:
    """All runs below a folder, by path, and what is wrong with those that cannot be read.

    What has changed since the last call is read anew; what is gone is forgotten. An index that is damaged is made anew;
    where none can be written, everything is read.
    """
    for _ in range(2):
        with (
            suppress(sqlite3.Error, OSError, ValueError),
            closing(sqlite3.connect(folder / INDEX, timeout=5)) as index,
            index,
        ):
            return _listed(folder, index)
        with suppress(OSError):
            (folder / INDEX).unlink()
    with closing(sqlite3.connect(":memory:")) as index:
        return _listed(folder, index)


def run_files(folder: Path) -> Iterator[Path]:
    """Every run.json in and below a folder."""
    for parent, _, names in os.walk(folder):
        if "run.json" in names:
            yield Path(parent) / "run.json"


def read_run(file: Path) -> dict[str, Any]:
    """What a run.json holds. Raises OSError, and StoreError where it is none of ours."""
    try:
        run = json.loads(file.read_text(encoding="utf-8"))
    except ValueError as error:
        raise StoreError(f"its run.json cannot be read: {error}") from error
    if not isinstance(run, dict) or not all(isinstance(run.get(key), str) for key in ("problem", "solver", "status")):
        raise StoreError("its run.json is not of ncsolve")
    return run


def _listed(folder: Path, index: sqlite3.Connection) -> tuple[list[Stored], list[str]]:
    index.execute(TABLE)
    known = {key: (changed, size, run) for key, changed, size, run in index.execute("SELECT * FROM runs")}
    runs: list[Stored] = []
    faults: list[str] = []
    for path, file in sorted((os.path.relpath(file.parent, folder), file) for file in run_files(folder)):
        key = os.fsencode(path)  # which need not be UTF-8
        try:
            stat = file.stat()
            changed, size, text = known.get(key, (0, 0, "{}"))
            run = json.loads(text)
            if (changed, size) != (stat.st_mtime_ns, stat.st_size) or run.keys() != DIGEST:
                run = _digest(read_run(file))
                row = (key, stat.st_mtime_ns, stat.st_size, json.dumps(run))
                index.execute("REPLACE INTO runs VALUES (?, ?, ?, ?)", row)
        except FileNotFoundError:  # it vanished meanwhile
            continue
        except (OSError, StoreError) as error:
            faults.append(f"{file.parent}: {error}")
            continue
        runs.append(Stored(path, run))
    found = {os.fsencode(each.path) for each in runs}
    index.executemany("DELETE FROM runs WHERE path = ?", [(key,) for key in known if key not in found])
    return runs, faults


def _digest(run: dict[str, Any]) -> dict[str, Any]:
    point = run.get("point")
    return {**{key: run.get(key) for key in KEPT}, "point": point.get("kind") if isinstance(point, dict) else None}
