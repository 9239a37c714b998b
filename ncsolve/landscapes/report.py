"""A landscape as data that prove themselves: the expression, the box, the enclosures, and the tree of boxes.

Only what can be proven again is written: `recheck` believes nothing but the expression. The digest of the whole is no
proof of anything; it tells of changes that leave a proof a proof.
"""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from ncsolve.critical.certificate import kind_of
from ncsolve.errors import StoreError
from ncsolve.store.expressions import write_problem
from ncsolve.store.files import write_text

if TYPE_CHECKING:
    from ncsolve.critical.certificate import Certificate
    from ncsolve.critical.point import CriticalPoint
    from ncsolve.landscapes.result import Landscape
    from ncsolve.problem import Problem

__all__ = ["FORMAT", "report_of_landscape", "report_of_point", "sealed", "write_report"]

FORMAT = "ncsolve report 1"
Array = NDArray[np.float64]

LONG = ("cuts", "places")
SMALL = 1e-6  # numbers below this have the last digits of this one


def write_report(path: Path, report: dict[str, Any]) -> None:
    """As JSON; raises `StoreError` where it cannot be written."""
    write_text(path, json.dumps(report, allow_nan=False) + "\n")


def report_of_landscape(found: Landscape) -> dict[str, Any]:
    """What is proven of the critical points in a box; raises `StoreError` where nothing is.

    `tree`, `cuts`, `axes` and `places` are as in `ncsolve.landscapes.proof`; without a tree only the points are proven.
    """
    certificates = [p.certificate for p in found.points if p.certificate is not None]
    if found.proof is None and not certificates:
        raise StoreError("nothing is proven here that a report could hold: --certify proves.")
    return sealed({
        **_head(found.problem),
        "box": [found.lower.tolist(), found.upper.tolist()],
        "complete": found.complete,
        "points": [_point(c) for c in certificates],
        "outside": [_point(c) for c in found.outside],
        **({} if found.proof is None else found.proof.to_json()),
    })  # fmt: skip


def report_of_point(problem: Problem, point: CriticalPoint) -> dict[str, Any]:
    """What is proven of one point; raises `StoreError` where nothing is."""
    if point.certificate is None:
        raise StoreError(f"nothing is proven of this point that a report could hold. {point.explanation}")
    return sealed({**_head(problem), "points": [_point(point.certificate)]})


def sealed(report: dict[str, Any]) -> dict[str, Any]:
    """With the digest of everything else in it; long lists of numbers count by their bytes, which is quicker."""
    content = {key: value for key, value in report.items() if key != "digest"}
    digest = hashlib.sha256()
    try:
        for key in sorted(content):
            part = np.array(content[key], dtype="<f8").tobytes() if key in LONG else _text(content[key])
            digest.update(f"{key} {len(part)} ".encode() + part)
    except (TypeError, ValueError) as error:
        raise StoreError(f"a number is not finite, or none: no report can hold it. {error}") from error
    return {**content, "digest": digest.hexdigest()}


def _text(value: Any) -> bytes:
    return json.dumps(value, sort_keys=True, allow_nan=False).encode()


def _head(problem: Problem) -> dict[str, Any]:
    return {"format": FORMAT, "problem": problem.name, "expression": write_problem(problem)}


def spacing(values: Array) -> Array:
    """The last digit of each, and of those close to 0 a digit beyond the 22nd."""
    return np.asarray(np.spacing(np.maximum(np.abs(values), SMALL)))


def _point(c: Certificate) -> dict[str, Any]:
    """A little wider, so that it is proven again from its own floats, whose images are others in the last digits."""
    return {
        "kind": kind_of(c.index, c.lower.size),
        "index": c.index,
        "lower": (c.lower - spacing(c.lower)).tolist(),
        "upper": (c.upper + spacing(c.upper)).tolist(),
        "value": [float(v + sign * 2 * spacing(np.array(v))) for v, sign in zip(c.value, (-1, 1), strict=True)],
    }
