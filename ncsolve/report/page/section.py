"""What a page knows of one problem: its runs, the plane, the critical points, verdicts."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from ncsolve.errors import NcsolveError, StoreError
from ncsolve.hooks import registry
from ncsolve.landscapes.find import box_of
from ncsolve.report.labels import labels
from ncsolve.report.page.plane import Plane, coordinates, entries_of, plane_of, view
from ncsolve.report.page.points import Shown, all_points
from ncsolve.report.page.runs import Run, best_run
from ncsolve.report.page.thin import packed, thinned
from ncsolve.report.plot import lowest
from ncsolve.solving import configure, option_values
from ncsolve.solving.result import plain
from ncsolve.store import fingerprint, problem_of
from ncsolve.store.checkpoint import SCHEMA

if TYPE_CHECKING:
    from ncsolve.landscapes import Landscape
    from ncsolve.problem import Problem
    from ncsolve.theory import Verdict

__all__ = ["Asked", "Section", "is_of", "make_section"]

MOST_ROWS, MOST_STEPS, LEAST = 20_000, 8_000, 30
"""Rows of all curves of a page together, steps of all paths, and of each at least."""
MEASURES = ("iteration", "evaluations", "seconds")


@dataclass(frozen=True)
class Asked:
    """What a page shall hold besides the runs."""

    problem: Problem | None = None
    """Of the runs of it, in place of where they say that it is."""
    plane: str | None = None
    box: Callable[[Problem], Mapping[str, tuple[Any, Any]]] | None = None
    """Where critical points are looked for; without it around what the runs met, for two variables."""
    certify: bool = False
    theorems: bool = False
    max_seconds: float = 20.0
    """For the search of each landscape."""


@dataclass
class Section:
    """One problem and its runs."""

    runs: list[Run]
    labels: list[str]
    whole: int
    """Runs of the page."""
    problem: Problem | None = None
    plane: Plane | None = None
    landscape: Landscape | None = None
    points: list[Shown] = field(default_factory=list)
    verdicts: list[Verdict] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    """What is not shown, and why."""

    @property
    def best(self) -> Run:
        return best_run(self.runs)

    def to_json(self) -> dict[str, Any]:
        """What the scripts of the page draw."""
        values = np.concatenate([[np.nan], *(r.trace["objective"] for r in self.runs if r.trace)])
        finite = values[np.isfinite(values)]
        least = lowest(finite, self.problem) if self.problem else finite.min(initial=np.inf)
        wide = self.problem is not None and (self.problem.signs is not None or self.problem.constrained)
        solvers = list(dict.fromkeys(self.labels))
        return {  # in a game no value is the best, and a low one may be outside of the constraints
            "lowest": None if wide else float(least),
            "solvers": solvers,
            "runs": [self._run(k, solvers) for k, run in enumerate(self.runs) if run.trace],
            "plane": None if self.plane is None else self.plane.to_json(),
            "points": [] if self.plane is None else [self._point(k, p) for k, p in enumerate(self.points)],
        }

    def _run(self, k: int, solvers: Sequence[str]) -> dict[str, Any]:
        run = self.runs[k]
        f, gradient = run.trace["objective"], run.trace["gradient_norm"]
        kept = thinned([f, gradient], max(MOST_ROWS // self.whole, LEAST))
        columns = {name: packed(run.trace[name][kept]) for name in MEASURES}
        return {
            "run": k,
            "solver": solvers.index(self.labels[k]),
            "seed": run.data.get("seed"),
            "columns": {**columns, "gradient_norm": packed(gradient[kept]), "objective": packed(f[kept], "f8")},
            "path": self._path(run),
            "escapes": [left["iteration"] for left in run.data.get("escapes") or ()],
        }

    def _path(self, run: Run) -> dict[str, Any] | None:
        path = None if self.plane is None else coordinates(run.trace, self.plane)
        if path is None:
            return None
        kept = thinned(list(path.T), max(MOST_STEPS // self.whole, LEAST))
        columns = {name: packed(run.trace[name][kept]) for name in MEASURES}
        return {**columns, "u": packed(path[kept, 0]), "v": packed(path[kept, 1])}

    def _point(self, k: int, point: Shown) -> dict[str, Any]:
        assert self.plane is not None
        u, v = (float(point.x[entry]) for entry in self.plane.entries)
        others = np.delete(point.x - self.plane.base, list(self.plane.entries))
        off = float(np.abs(others).max(initial=0.0))
        return {"point": k, "kind": point.kind, "u": u, "v": v, "objective": point.objective, "off": off}


def make_section(runs: Sequence[Run], asked: Asked, whole: int, problems: int) -> Section:
    """Everything that can be had; what cannot be is told in the notes. `whole` runs of `problems` share the page."""
    section = Section(list(runs), labels([run.data for run in runs]), whole)
    try:
        problem = section.problem = _loaded(runs, asked.problem)
    except NcsolveError as error:
        section.notes.append(f"Formula and landscape are not shown: {error}")
        return section
    entries = entries_of(problem, asked.plane)
    box = None if asked.box is None else box_of(problem, asked.box(problem))
    if box is not None or problem.n == 2:
        _search(section, problem, box or view(problem, runs), asked)
    section.points = all_points(problem, runs, section.landscape)
    if entries is not None:
        try:
            section.plane = plane_of(problem, runs, entries, box, problems)
        except NcsolveError as error:
            section.notes.append(f"The plane is not shown: {error}")
    if asked.theorems:
        _verify(section, problem)
    return section


def _loaded(runs: Sequence[Run], given: Problem | None) -> Problem:
    """The problem of the runs, if it is still the same: the given one, unless it is that of others."""
    source = runs[0].data.get("source")
    if source is None and given is None:
        raise StoreError("the problem was declared in Python, not in a file. Name the file with --problem.")
    problem = given if given is not None and is_of(runs, given) else problem_of(source, Path(runs[0].path))
    schema = runs[0].data.get("schema", SCHEMA)
    if schema != SCHEMA:
        raise StoreError(
            f"it cannot be told whether problem '{problem.name}' has changed: the run is of schema {schema}."
        )
    then: Mapping[str, str] = runs[0].data.get("fingerprint") or {}
    now = fingerprint(problem)
    if then.get("all", now["all"]) != now["all"]:
        parts = ", ".join(name.replace("_", " ") for name in now if name != "all" and then.get(name) != now[name])
        raise StoreError(f"problem '{problem.name}' has changed since the run, in {parts}.")
    return problem


def is_of(runs: Sequence[Run], problem: Problem) -> bool:
    """Whether a problem that is given is meant for runs that have one source."""
    data = runs[0].data
    named = data.get("source") is None or data["problem"] == problem.name
    return named or fingerprint(problem)["all"] == (data.get("fingerprint") or {}).get("all")


def _search(section: Section, problem: Problem, box: tuple[Any, Any], asked: Asked) -> None:
    from ncsolve.landscapes import landscape

    low, high = (problem.unpack(corner) for corner in box)
    sides = {name: (low[name], high[name]) for name in low}
    try:
        section.landscape = landscape(problem, sides, asked.certify, max_seconds=asked.max_seconds)
    except NcsolveError as error:
        section.notes.append(f"Other critical points were not looked for: {error}")


def _chosen(run: Run) -> dict[str, Any]:
    """The options of a run that are not the solver's defaults."""
    defaults = plain(option_values(configure(registry().solver(run.solver), {})))
    given: Mapping[str, Any] = run.data.get("options") or {}
    return {name: value for name, value in given.items() if value != defaults.get(name)}


def _verify(section: Section, problem: Problem) -> None:
    """Theorems about each solver, on a run from the same start with the same options."""
    from ncsolve.theorems import verify

    for run in dict(zip(section.labels, section.runs, strict=True)).values():
        x = run.trace.get("x")
        x0 = None if x is None or not len(x) else x[0]
        try:
            options = _chosen(run)
            section.verdicts += verify(problem, None, run.solver, options, x0=x0, seed=run.data.get("seed") or 0)
        except NcsolveError as error:
            section.notes.append(f"No theorem was checked on {run.solver}: {error}")
