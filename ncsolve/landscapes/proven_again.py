"""Proves a report again, believing nothing in it but the expression.

Each point: with E its enclosure, Krawczyk's K(E) lies in the interior of E, so that there is one critical point in E,
and only one; its index and value follow from K(E), and must be those of the report, no wider than they need be. The
list: the boxes of the tree cover the whole box, each is what its letter says, and where one has a zero, it is that of
a point.
"""

from __future__ import annotations

import json
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from ncsolve.critical.certificate import Certificate, Certifier, kind_of
from ncsolve.critical.system import Intervals, system_of
from ncsolve.errors import StoreError, did_you_mean
from ncsolve.landscapes.newton import Boxes, inflated, narrowed
from ncsolve.landscapes.proof import Proof
from ncsolve.landscapes.proven import has_morse_sum
from ncsolve.landscapes.report import FORMAT, sealed, spacing
from ncsolve.landscapes.search import narrowest
from ncsolve.landscapes.words import plural
from ncsolve.store.expressions import read_problem, write_problem

if TYPE_CHECKING:
    from ncsolve.problem import Problem

__all__ = ["Recheck", "recheck"]

Array = NDArray[np.float64]
Places = NDArray[np.int64]

ULPS = 8  # by which an enclosure may be wider than it is proven again
CHUNK = 8192  # boxes that are looked at together
SHOWN = 20  # sentences about what does not hold


@dataclass(frozen=True, eq=False)
class Recheck:
    """What of a report is proven again."""

    problem: Problem
    points: tuple[Certificate, ...]
    """As the report has them."""
    wrong: tuple[str, ...]
    """What does not hold, a sentence each; nothing is where the report holds."""
    complete: bool
    """Whether it is proven again that there are no other critical points in the box."""
    undecided: float | None
    """The part of the box of which the report proves nothing; None where it has no box."""
    boxes: int
    seconds: float

    def to_json(self) -> dict[str, Any]:
        """What `ncsolve recheck --json` prints."""
        keys = ("holds", "wrong", "complete", "undecided", "boxes", "counts", "seconds")
        return {"problem": self.problem.name, **{key: getattr(self, key) for key in keys}}

    def summary(self) -> str:
        """What holds, or what does not, in words."""
        counts = ", ".join(plural(number, kind) for kind, number in self.counts.items())
        total = plural(len(self.points), "critical point")
        lines = [f"{total} of '{self.problem.name}'" + (f": {counts}" if counts else "")]
        if self.wrong:
            lines += ["  NOT PROVEN", *(f"  - {sentence}" for sentence in self.wrong[:SHOWN])]
        else:
            lines.append("  points        all proven again, with index and value")
        if self.undecided is not None and not self.wrong:
            rest = f"no: nothing is proven of {100 * self.undecided:.2g} % of the box"
            lines.append(f"  complete      {'yes, proven again' if self.complete else rest}")
        return "\n".join([*lines, f"  time          {self.seconds:.2f} s, {plural(self.boxes, 'box')}"])

    @property
    def holds(self) -> bool:
        return not self.wrong

    @property
    def counts(self) -> dict[str, int]:
        """{kind: number of points}"""
        kinds = [kind_of(p.index, p.lower.size) for p in self.points]
        return {kind: kinds.count(kind) for kind in dict.fromkeys(kinds)}


def recheck(report: str | Path | dict[str, Any], problem: Problem | None = None) -> Recheck:
    """Prove a report, a file or what is in it, again. With a `problem` the expression must be that of the problem.

    Raises `StoreError` for what is no report, `MissingExtra` without python-flint.
    """
    began = time.perf_counter()
    data = report if isinstance(report, dict) else _loaded(Path(report))
    own = _problem(data)
    points = _certificates(data.get("points"), own.n)
    wrong = [] if problem is None or data["expression"] == write_problem(problem) else [_other(problem)]
    if sealed(data) != data:
        wrong.append("the file was changed after it was written: its digest is another one.")
    if (box := data.get("box")) is None:
        wrong += _wrong_points(own, points, "point")
        return Recheck(own, tuple(points), tuple(wrong), False, None, 0, time.perf_counter() - began)
    lower, upper = _box(box, own.n)
    outside = _certificates(data.get("outside", []), own.n)
    wrong += _wrong_points(own, points, "point") + _wrong_points(own, outside, "point outside")
    wrong += _wrong_places(points, outside, lower, upper)
    share, boxes = 1.0, 0
    if "tree" in data:
        proof = Proof.from_json(data, own.n)
        placed, boxes = proof.placed(lower, upper), proof.boxes
        open_ = placed.take(np.array([letter == "?" for letter in proof.tree]))
        share = float(np.prod(open_.widths / (upper - lower), axis=1).sum())
        wrong += _wrong_boxes(own, proof, placed, narrowest(lower, upper), [*points, *outside])
    edge = any((p.lower < lower).any() or (p.upper > upper).any() for p in points)
    morse = "tree" not in data or not has_morse_sum(Intervals(system_of(own)), lower, upper)
    complete = "tree" in data and "?" not in data["tree"] and not edge and not wrong
    if complete and not morse and sum((-1) ** p.index for p in points) != 1:
        wrong.append("the Morse sum of the points is not 1.")
    if bool(data.get("complete")) != complete and not wrong:
        wrong.append(f"the list is{'' if complete else ' not'} complete, and the report says otherwise.")
    return Recheck(own, tuple(points), tuple(wrong), complete and not wrong, share, boxes, time.perf_counter() - began)


# -- reading -----------------------------------------------------------------------------------------------------------


def _loaded(path: Path) -> dict[str, Any]:
    try:
        data = json.loads(path.read_text(encoding="utf-8"), parse_constant=_no_number)
    except OSError as error:
        raise StoreError(f"cannot read {path}: {error.strerror or error}.") from error
    except ValueError as error:
        raise StoreError(f"{path} is no report: it is no JSON, {error}.") from error
    if not isinstance(data, dict):
        raise StoreError(f"{path} is no report: it is no JSON object.")
    return data


def _no_number(text: str) -> float:
    raise ValueError(f"{text} is no number")


def _problem(data: dict[str, Any]) -> Problem:
    if data.get("format") != FORMAT:
        hint = did_you_mean(str(data.get("format", "")), [FORMAT])
        raise StoreError(f"this is no report: its format is {data.get('format')!r}, not '{FORMAT}'.{hint}")
    allowed = {
        "format", "problem", "expression", "points", "box", "complete", "outside", "tree", "cuts", "axes", "places",
        "digest",
    }  # fmt: skip
    if unknown := sorted(set(data) - allowed):
        raise StoreError(f"the report holds {', '.join(map(repr, unknown))}, of which nothing is known.")
    return read_problem(data.get("expression"), str(data.get("problem", "problem")))


def _certificates(listed: Any, n: int) -> list[Certificate]:
    found = []
    try:
        for k, p in enumerate(listed):
            lower, upper = np.array(p["lower"], dtype=float), np.array(p["upper"], dtype=float)
            low, high = map(float, p["value"])
            if lower.shape != (n,) or upper.shape != (n,) or type(p["index"]) is not int:
                raise StoreError(f"point {k} of the report is no point of {n} variables with an index.")
            if p["kind"] != kind_of(p["index"], n):
                raise StoreError(f"point {k} of the report is called {p['kind']} and has index {p['index']}.")
            found.append(Certificate(lower, upper, p["index"], (low, high), lower, upper))
    except (KeyError, TypeError, ValueError, OverflowError) as error:
        raise StoreError(f"the points of the report cannot be read: {error!r}") from error
    return found


def _box(box: Any, n: int) -> tuple[Array, Array]:
    try:
        lower, upper = (np.array(side, dtype=float).reshape(n) for side in box)
    except (TypeError, ValueError) as error:
        raise StoreError(f"the box of the report cannot be read: {error}") from error
    if not (np.isfinite(lower).all() and np.isfinite(upper).all() and (lower < upper).all()):
        raise StoreError("the box of the report is empty or unbounded.")
    return lower, upper


def _other(problem: Problem) -> str:
    return f"the expression of the report is not that of '{problem.name}'."


# -- points ------------------------------------------------------------------------------------------------------------


def _wrong_points(problem: Problem, points: list[Certificate], what: str) -> list[str]:
    again = Certifier(problem).prove_again([(p.lower, p.upper) for p in points])
    wrong = []
    for k, (p, proven) in enumerate(zip(points, again, strict=True)):
        if proven is None:
            wrong.append(f"{what} {k}: that its enclosure holds one critical point with an index is not proven.")
        elif proven.index != p.index:
            wrong.append(f"{what} {k}: its index is {proven.index}, not {p.index}.")
        elif not _tight(p.lower, p.upper, proven.lower, proven.upper):
            wrong.append(f"{what} {k}: its enclosure is wider than what is proven.")
        elif not _tight(*map(np.array, (*p.value, *proven.value))):
            wrong.append(
                f"{what} {k}: f is in [{proven.value[0]:.17g}, {proven.value[1]:.17g}] there, and not as said."
            )
    return wrong


def _tight(lower: Array, upper: Array, proven_lower: Array, proven_upper: Array) -> bool:
    """Whether [lower, upper] holds what is proven, and is no wider but for the last digits."""
    near = ULPS * np.maximum(spacing(proven_lower), spacing(proven_upper))
    holds = (lower <= proven_lower) & (proven_upper <= upper)
    return bool((holds & (lower >= proven_lower - near) & (upper <= proven_upper + near)).all())


def _wrong_places(points: list[Certificate], outside: list[Certificate], lower: Array, upper: Array) -> list[str]:
    wrong = []
    for k, p in enumerate(points):
        if (p.upper < lower).any() or (p.lower > upper).any():
            wrong.append(f"point {k} is not in the box.")
    for k, p in enumerate(outside):
        if not ((p.upper < lower).any() or (p.lower > upper).any()):
            wrong.append(f"point outside {k} is not proven to be outside the box.")
    both = [*points, *outside]
    low, high = np.array([p.lower for p in both]), np.array([p.upper for p in both])
    for k in range(1, len(both)):
        if np.all((low[:k] <= high[k]) & (high[:k] >= low[k]), axis=1).any():
            wrong.append(f"point {k} is in the list twice.")
    return wrong


# -- boxes -------------------------------------------------------------------------------------------------------------


def _wrong_boxes(problem: Problem, proof: Proof, boxes: Boxes, least: Array, points: list[Certificate]) -> list[str]:
    intervals = Intervals(system_of(problem))
    letters = np.frombuffer(proof.tree.encode(), dtype="S1")
    wrong = []
    if not (
        _inside(proof.cuts, boxes.take(letters == b"c")) & (proof.cuts.lower <= proof.cuts.upper).all(axis=1)
    ).all():
        wrong.append("a part of a box is not inside it.")
    halved, rows = boxes.take(letters == b"s"), np.arange(len(proof.at))
    low, high = halved.lower[rows, proof.axis], halved.upper[rows, proof.axis]
    if not ((low <= proof.at) & (proof.at <= high)).all():
        wrong.append("a box is halved outside itself.")
    failed = int((~_excluded(intervals, boxes.take(letters == b"."))).sum())
    newton = np.flatnonzero((letters == b"k") | (letters == b"c") | (letters == b"z"))
    parts = np.full(len(letters), -1)
    parts[letters == b"c"] = np.arange(len(proof.cuts))
    for first in range(0, len(newton), CHUNK):
        chosen = newton[first : first + CHUNK]
        failed += int((~_newton(intervals, boxes.take(chosen), letters[chosen], proof, parts[chosen], least)).sum())
    if failed:
        wrong.append(f"{failed} of {proof.boxes} boxes are not what the report says of them.")
    return wrong + _without_point(inflated(boxes.take(letters == b"z"), least), points)


@np.errstate(all="ignore")
def _excluded(intervals: Intervals, boxes: Boxes) -> NDArray[np.bool_]:
    """Where the gradient is nowhere zero, (m,)."""
    parts = [np.zeros(0, dtype=bool)]
    for first in range(0, len(boxes), CHUNK):
        part = boxes.take(slice(first, first + CHUNK))
        g = intervals.gradient(part.lower, part.upper)
        parts.append(~np.all((g.lo <= 0) & (g.hi >= 0), axis=1))
    return np.concatenate(parts)


@np.errstate(all="ignore")
def _newton(
    intervals: Intervals, boxes: Boxes, letters: NDArray[Any], proof: Proof, parts: Places, least: Array
) -> NDArray[np.bool_]:
    """Where Newton's method proves what the letters k, c and z say, (m,)."""
    X = inflated(boxes, least)
    found = narrowed(intervals, boxes, X, *intervals.hessian(X.lower, X.upper))
    empty = ~np.all(found.boxes.lower <= found.boxes.upper, axis=1)
    cut = letters == b"c"
    holds = np.where(letters == b"z", found.unique, empty)
    holds[cut] |= _inside(found.boxes.take(cut), proof.cuts.take(parts[cut]))
    return np.asarray(holds, dtype=bool)


def _inside(inner: Boxes, outer: Boxes) -> NDArray[np.bool_]:
    return np.asarray(((inner.lower >= outer.lower) & (inner.upper <= outer.upper)).all(axis=1))


def _without_point(boxes: Boxes, points: list[Certificate]) -> list[str]:
    """Boxes with a zero that is none of the points; boxes have one, and so do enclosures."""
    if not len(boxes):
        return []
    low = np.array([p.lower for p in points]).reshape(-1, boxes.lower.shape[1])
    high = np.array([p.upper for p in points]).reshape(low.shape)
    missing = sum(
        not np.all((low >= boxes.lower[k]) & (high <= boxes.upper[k]), axis=1).any() for k in range(len(boxes))
    )
    return [f"{missing} boxes have a critical point that is not in the list."] if missing else []
