"""Problems x solvers x seeds: a grid of runs, on any executor, each cell kept as soon as it is done."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import cache
from itertools import product
from pathlib import Path
from typing import Any

from numpy.typing import NDArray

from ncsolve import api
from ncsolve.errors import OptionError, StoreError
from ncsolve.executors import Executor, Serial
from ncsolve.hooks import registry
from ncsolve.problem import Problem
from ncsolve.solving import configure
from ncsolve.solving.result import plain
from ncsolve.solving.starts import forget
from ncsolve.store import absolute, all_versions, fingerprint, problem_of, read_arrays, write_arrays, write_text
from ncsolve.store.checkpoint import SCHEMA
from ncsolve.store.provenance import machine, now

__all__ = ["Cell", "Entrant", "Run", "cells", "run_cells"]


@dataclass(frozen=True)
class Entrant:
    """A solver that is compared, with options in which it differs from the default."""

    solver: str
    options: tuple[tuple[str, str], ...] = ()

    @classmethod
    def of(cls, text: str) -> Entrant:
        """Of "adam -o step_size=0.1 -o beta1=0.8", or its label. Raises OptionError for what is unknown."""
        name, *given = [word for word in text.split() if word != "-o"] or [""]
        solver, options = registry().solver(name), {}
        for word in given:
            key, equals, value = word.partition("=")
            if not (key and equals and value) or key in options:
                wrong = "is given twice" if key in options else "is not KEY=VALUE"
                raise OptionError(f"-s {text!r}: '{word}' {wrong}. Write -s '{name} -o KEY=VALUE'.")
            options[key] = value
        if not hasattr(solver, "choose"):  # else they are those of the solver that it chooses
            configure(solver, options)
        return cls(name, tuple(options.items()))

    @property
    def label(self) -> str:
        """The name with the options given, as a table, a legend and a page show it."""
        return " ".join([self.solver, *(f"{key}={value}" for key, value in self.options)])


@dataclass(frozen=True)
class Cell:
    """One run that shall be made. It is small: a process that gets it compiles the problem, once."""

    source: str
    problem: str
    """Name."""
    n: int
    fingerprint: tuple[tuple[str, str], ...]
    entrant: Entrant
    seed: int
    arguments: tuple[tuple[str, Any], ...]
    """Further arguments of `nc.solve`."""

    def __str__(self) -> str:
        return f"{self.problem} by {self.entrant.label}, seed {self.seed}"

    @property
    def key(self) -> str:
        """Digest of all that the numbers of the run depend on."""
        given = [self.entrant.solver, *self.entrant.options]
        of = [dict(self.fingerprint)["all"], given, self.seed]
        parts = [*of, sorted(self.arguments), sorted(all_versions().items())]
        return hashlib.sha256(json.dumps(parts).encode()).hexdigest()[:16]

    @property
    def folder(self) -> str:
        words = re.sub(r"[^A-Za-z0-9-]+", "_", f"{self.problem}-{self.entrant.label}")[:60]
        return f"{words}-{self.seed}-{self.key}"


@dataclass(frozen=True)
class Run:
    """A cell that is done."""

    cell: Cell
    data: Mapping[str, Any]
    """With the keys of `ncsolve solve --json`, `asked`, the label of the solver, and the `machine` that it ran on."""
    trace: Mapping[str, NDArray[Any]]

    @property
    def problem(self) -> str:
        return self.cell.problem

    @property
    def solver(self) -> str:
        return self.cell.entrant.label

    @property
    def interrupted(self) -> bool:
        return bool(self.data["status"] == "INTERRUPTED")


def cells(problems: Sequence[Problem], solvers: Sequence[str], seeds: int, **arguments: Any) -> list[Cell]:
    """All of them, ordered by problem, solver and seed; a solver is what `Entrant.of` reads."""
    given = tuple(sorted((name, value) for name, value in arguments.items() if value is not None))
    known = [(absolute(p.source) or "", p.name, p.n, tuple(fingerprint(p).items())) for p in problems]
    entrants = dict.fromkeys(Entrant.of(solver) for solver in solvers)
    return [
        Cell(source, name, n, digest, entrant, seed, given)
        for (source, name, n, digest), entrant, seed in product(known, entrants, range(seeds))
    ]


def run_cells(
    grid: Sequence[Cell],
    folder: Path | None = None,
    executor: Executor | None = None,
    done: Callable[[Run], Any] = lambda run: None,
) -> list[Run]:
    """Run a grid and return its runs in order; `done` is called with each as it is ready.

    What a folder holds already is read, not run; what is new is written there at once, so that a grid that was
    interrupted goes on. Numbers do not depend on the executor (without one: this process), nor on what else a worker
    ran before. After Ctrl-C the runs that are done are returned, the interrupted one among them if there is one. Raises
    what a run raises.
    """
    found: dict[Cell, Run] = {}
    for cell in grid:
        if folder and (run := _kept(cell, folder)):
            found[cell] = run
            done(run)
    missing = [cell for cell in grid if cell not in found]
    with suppress(KeyboardInterrupt):
        for _, run in (executor or Serial()).run(_run, None, missing, _source):
            if folder and not run.interrupted:
                _keep(run, folder)
            found[run.cell] = run
            done(run)
            if run.interrupted:
                break
    return [found[cell] for cell in grid if cell in found]


def _source(cell: Cell) -> str:
    return cell.source


def _run(_: None, cell: Cell) -> Run:
    """The run of a cell, with numbers as in a process of its own."""
    problem = _problem(cell.source)
    forget(problem)
    solver, options = cell.entrant.solver, dict(cell.entrant.options)
    result = api.solve(problem, solver, seed=cell.seed, options=options, **dict(cell.arguments))
    data = {**plain(result.to_json()), "asked": cell.entrant.label, "machine": machine()}
    return Run(cell, data, dict(result.trace))


def _keep(run: Run, folder: Path) -> None:
    at = folder / run.cell.folder
    try:
        at.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise StoreError(f"cannot write into {at}: {error.strerror}.") from error
    write_arrays(at / "trace.npz", run.trace, compress=True)
    kept = {**run.data, **_provenance(run.cell)}
    write_text(at / "run.json", json.dumps(kept, allow_nan=False) + "\n")


def _provenance(cell: Cell) -> dict[str, Any]:
    """What run.json holds besides the data of the run."""
    asked = {"source": cell.source, "fingerprint": dict(cell.fingerprint), "criteria": dict(cell.arguments)}
    return {**asked, "key": cell.key, "schema": SCHEMA, "written": now()}


@cache
def _problem(source: str) -> Problem:
    return problem_of(source, Path(source))


def _kept(cell: Cell, folder: Path) -> Run | None:
    """The cell from its folder, if it is there, whole, and of this key."""
    at = folder / cell.folder
    try:
        data = json.loads((at / "run.json").read_text())
        if (data["key"], data["source"]) != (cell.key, cell.source):
            return None
        besides = _provenance(cell)
        own = {name: value for name, value in data.items() if name not in besides}
        return Run(cell, own, read_arrays(at / "trace.npz"))
    except (OSError, ValueError, KeyError, AttributeError, StoreError):
        return None
