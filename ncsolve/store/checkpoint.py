"""checkpoint.npz: all that a run needs to go on, in one file that is replaced as a whole.

Its member `header` is JSON: what was asked for, of which problem, with which versions. Member `tree` is JSON, too: a
`Mark` of the run, whose arrays are the members 0, 1, ..., and the CRC-32 of its header. Nothing is pickled; the format
stores a CRC-32 of each member.
"""

from __future__ import annotations

import json
import threading
import time
import zlib
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ncsolve.errors import StoreError
from ncsolve.hooks import registry
from ncsolve.solving.checkpoint import Mark
from ncsolve.store.encode import classes_of, decode, encode
from ncsolve.store.files import read_arrays, write_arrays
from ncsolve.store.provenance import all_versions, machine
from ncsolve.texts import in_words

__all__ = ["SCHEMA", "Checkpoint", "CheckpointFile", "Header", "read_checkpoint"]

SCHEMA = 3


@dataclass(frozen=True)
class Header:
    """What a run was asked to do: plain data."""

    problem: str
    """Name."""
    source: str | None
    """How the command line writes the problem; None for one that was declared in Python."""
    fingerprint: Mapping[str, str]
    solver: str
    """As asked for, `auto` perhaps."""
    chosen: str
    """The solver that ran first."""
    why: str
    """Why it was chosen, "" where nobody chose."""
    options: Mapping[str, Any]
    criteria: Mapping[str, Any]
    seed: int
    starts: int
    escape: bool
    backend: str
    every: float
    certify: bool = False
    versions: Mapping[str, str] = field(default_factory=all_versions)
    machine: Mapping[str, str | int] = field(default_factory=machine)
    schema: int = SCHEMA


@dataclass(frozen=True)
class Checkpoint:
    """Where a run is kept, and how often: `nc.solve(problem, checkpoint=nc.Checkpoint("folder", every=10))`."""

    folder: str | Path
    every: float = 30.0
    """Seconds between two checkpoints; one more is written at the end."""


class CheckpointFile:
    """Keeps the marks of one run in one file: a `Keeper`.

    Files are written in a thread, so that the run goes on meanwhile; what falls due before one is written is left out.
    Where not even the first one can be written, the next `save` is due at once and raises StoreError; later ones leave
    their error in `error`, and the run goes on with the last good file.
    """

    def __init__(self, path: Path, header: Header, solver: type, resume: bool = False) -> None:
        self.path, self.header, self.solver = path, header, solver
        self.mark: Mark | None = None
        self.error: StoreError | None = None
        self.due = 0.0
        self._resume = resume
        self._exists = False
        self._rows = -1  # of the trace in the file that is being written, or was written last
        self._superseded = False
        self._thread: threading.Thread | None = None
        self._children: list[CheckpointFile] = []
        if resume and path.exists():
            self.mark = read_mark(path, solver)
            self._exists, self._rows, self.due = True, len(self.mark.rows), self.mark.seconds + header.every

    def __reduce__(self) -> tuple[Any, ...]:
        """A process that is told of it opens it for itself."""
        return CheckpointFile, (self.path.absolute(), self.header, self.solver, self._resume)

    def child(self, name: str, solver: type | None = None) -> CheckpointFile:
        """The file of a run that is a part of this one, perhaps by another solver."""
        solver = solver or self.solver
        header = replace(self.header, chosen=str(getattr(solver, "name", "")))
        made = CheckpointFile(self.path.with_name(f"{self.path.stem}-{name}.npz"), header, solver, self._resume)
        self._children.append(made)
        return made

    def save(self, complete: dict[str, Any], seconds: float) -> None:
        if self.error and not self._exists:
            raise self.error
        self.due = seconds + self.header.every
        rows = len(complete["rows"])
        if rows != self._rows and not (self._thread and self._thread.is_alive()):
            self._rows = rows
            self._thread = threading.Thread(target=self._write, args=(complete,), name="checkpoint")
            self._thread.start()

    def finish(self, complete: dict[str, Any]) -> None:
        """What is being written is given up where it is older, and what is in the file already is not written again."""
        rows = len(complete["rows"])
        self._superseded = self._rows != rows
        if self._thread is not None:
            self._thread.join()
        if self._superseded:
            self._superseded, self._rows = False, rows
            self._write(complete)

    def close(self) -> None:
        """Wait until nothing of it, nor of its parts, is being written, however the run has ended."""
        for each in (self, *self._children):
            if each._thread is not None:
                each._thread.join()

    def failure(self) -> StoreError | None:
        """The last error of this checkpoint and of those of its parts."""
        return next((each.error for each in (self, *self._children) if each.error), None)

    def _write(self, complete: dict[str, Any]) -> None:
        try:
            write_arrays(self.path, self._members(complete), proceed=self._proceed)
            self._exists, self.error = True, None
        except _Superseded:
            pass
        except StoreError as error:
            self.error, self._rows = error, -1
            if not self._exists:
                self.due = 0.0

    def _members(self, complete: dict[str, Any]) -> dict[str, NDArray[Any]]:
        """What the file holds. Raises StoreError where options or state of the solver are no data."""
        arrays: list[NDArray[Any]] = []
        small: list[NDArray[Any]] = []
        try:
            header = _as_bytes(encode({**asdict(self.header), "written": time.time()}, small))
            tree = {"header": zlib.crc32(header.tobytes()), "mark": encode(complete, arrays)}
        except Exception as error:  # whatever a plugin's objects do when they are copied
            why = error if isinstance(error, StoreError) else in_words(error)
            raise StoreError(f"solver '{self.header.chosen}' cannot be kept: {why}") from error
        members = {"header": header, "tree": _as_bytes(tree)}
        members |= {f"header{k}": array for k, array in enumerate(small)}
        return members | {str(k): array for k, array in enumerate(arrays)}

    def _proceed(self) -> None:
        if self._superseded:
            raise _Superseded


class _Superseded(Exception):
    """A newer mark is to be written in the place of this one."""


def read_checkpoint(path: Path) -> Header:
    """What the run of a checkpoint was asked to do. Raises StoreError."""
    return _header(path, read_arrays(path, lambda name: name.startswith("header")))


def read_mark(path: Path, solver: type) -> Mark:
    """Where it goes on. Raises StoreError."""
    members = read_arrays(path)
    _header(path, members)
    roots = {"ncsolve", *(each.__module__.partition(".")[0] for each in (*registry().solvers().values(), solver))}
    arrays = [members[str(k)] for k in range(len(members)) if str(k) in members]
    wanted: type = getattr(solver, "state_type", object)
    try:
        tree = json.loads(members["tree"].tobytes())
        mark = Mark(**decode(tree["mark"], arrays, classes_of(roots, wanted)))
        whole = tree["header"] == zlib.crc32(members["header"].tobytes())
    except (KeyError, IndexError, TypeError, ValueError) as error:
        raise StoreError(f"{path} is damaged, or no checkpoint of ncsolve: {error!r}") from error
    if not (whole and isinstance(mark.state, wanted)):
        raise StoreError(f"{path} is damaged: it holds the state of another run, a {type(mark.state).__name__}.")
    return mark


def _header(path: Path, members: Mapping[str, NDArray[Any]]) -> Header:
    try:
        arrays = [members[f"header{k}"] for k in range(len(members)) if f"header{k}" in members]
        data = decode(json.loads(members["header"].tobytes()), arrays, classes_of(set(), object))
        schema = data["schema"]
    except (KeyError, IndexError, TypeError, ValueError, StoreError):
        raise StoreError(f"{path} is no checkpoint of ncsolve.") from None
    if schema != SCHEMA:
        raise StoreError(f"{path} has schema version {schema}; this version of ncsolve reads {SCHEMA}.")
    data.pop("written", None)
    try:
        return Header(**data)
    except TypeError as error:
        raise StoreError(f"{path} is no checkpoint of ncsolve: {error}") from None


def _as_bytes(data: Any) -> NDArray[np.uint8]:
    return np.frombuffer(json.dumps(data, allow_nan=False).encode(), dtype=np.uint8)
