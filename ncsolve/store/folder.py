"""The folder of one run: run.json, trace.npz, samples.npy and the checkpoints beside them."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import asdict, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from ncsolve.errors import StoreError
from ncsolve.solving.checkpoint import is_resumable
from ncsolve.solving.result import plain
from ncsolve.store.checkpoint import CheckpointFile, Header, read_checkpoint
from ncsolve.store.files import locked, write_arrays, write_atomically, write_text
from ncsolve.store.provenance import now

if TYPE_CHECKING:
    from ncsolve.solving import Result

__all__ = ["RunFolder", "keep"]

LARGE = 10_000
"""Variables from which x is a file of its own: as text it would take seconds."""


class RunFolder:
    """What is kept of a run. Every file is replaced as a whole; writing raises StoreError."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.checkpoint = path / "checkpoint.npz"

    def begin(self, header: Header) -> None:
        """Put a new run in the place of one that may be there: run.json says RUNNING until `save`."""
        try:
            for old in (
                *self.path.glob("checkpoint*.npz"),
                self.path / "trace.npz",
                self.path / "samples.npy",
                self.path / "x.npy",
            ):
                old.unlink(missing_ok=True)
        except OSError as error:
            raise StoreError(f"cannot write into {self.path}: {error.strerror}.") from error
        asked = {"problem": header.problem, "solver": header.chosen, "seed": header.seed}
        self._write({**asked, "status": "RUNNING"}, header)

    def save(self, result: Result, header: Header) -> None:
        """run.json holds what `--json` prints and where it comes from, trace.npz the columns of the trace."""
        write_arrays(self.path / "trace.npz", dict(result.trace), compress=True)
        if result.samples is not None:
            samples = result.samples
            write_atomically(self.path / "samples.npy", lambda file: np.save(file, samples, allow_pickle=False))
        if result.x.size <= LARGE:
            self._write(result.to_json(), header)
            return
        write_atomically(self.path / "x.npy", lambda file: np.save(file, result.x, allow_pickle=False))
        small = replace(result, x=result.x[:0], values={})
        self._write({**small.to_json(), "x": None, "values": None, "x_file": "x.npy"}, header)

    def _write(self, data: Mapping[str, Any], header: Header) -> None:
        asked = plain({**asdict(header), "asked": header.solver})
        run = {**asked, **data, "versions": header.versions, "written": now()}
        write_text(self.path / "run.json", json.dumps(run, allow_nan=False) + "\n")

    def header(self) -> Header:
        """What the run was asked to do. Raises StoreError where there is no checkpoint to go on from."""
        if self.checkpoint.exists():
            return read_checkpoint(self.checkpoint)
        with suppress(OSError, ValueError, AttributeError):
            run = json.loads((self.path / "run.json").read_text())
            raise StoreError(
                f"{self.path} has no checkpoint: solver '{run.get('solver')}' cannot be resumed, or the run ended "
                f"before one could be written. Run it again: ncsolve solve {run.get('source') or 'PROBLEM'}"
            )
        raise StoreError(f"{self.path} is no folder of a run: it has neither checkpoint.npz nor run.json.")


def keep(
    path: Path, header: Header, solver: type, run: Callable[[CheckpointFile], Result], resume: bool = False
) -> Result:
    """What `run` returns, kept in a folder. `run` is called with the file that keeps its marks.

    Raises StoreError where the folder cannot be written to in the beginning. What cannot be written later does not cost
    the result: it is told in its `hints`, and is its `error`.
    """
    with locked(path):
        folder = RunFolder(path)
        if not resume:
            folder.begin(header)
        file = CheckpointFile(folder.checkpoint, header, solver, resume and is_resumable(solver))
        try:
            result = run(file)
        finally:
            file.close()
        try:
            folder.save(result, header)
            error = file.failure()
        except StoreError as failure:
            error = failure
    return result if error is None else replace(result, error=error, hints=(*result.hints, f"not kept: {error}"))
