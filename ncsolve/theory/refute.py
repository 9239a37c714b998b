"""Assumptions are checked, not believed: what the points of a run say against a constant."""

from __future__ import annotations

from itertools import pairwise

import numpy as np

from ncsolve.theory.constants import Constant
from ncsolve.theory.study import Study

__all__ = ["contradiction", "implied", "nonconvexity", "refutations"]

MATRICES = 20
"""Hessians looked at, spread over the run."""
LARGEST = 100
SLACK = 1e-7


def refutations(study: Study) -> list[str]:
    """One sentence for each constant in use that a proof, a point or a pair of points of the run contradicts."""
    checks = {
        "smoothness": smoothness,
        "pl": polyak_lojasiewicz,
        "strong_convexity": strong_convexity,
        "hessian_lipschitz": hessian_lipschitz,
        "minimum": minimum,
    }
    found = []
    for name, constant in study.used.items():
        with np.errstate(all="ignore"):
            sentence = contradiction(name, constant.value, study.proven[name]) if name in study.proven else ""
            sentence = sentence or (checks[name](study, constant.value) if name in checks else "")
        if sentence:
            found.append(f"{name} = {constant.value:.6g} ({constant.provenance}) is refuted: {sentence}")
    return found


UPPER = ("smoothness", "hessian_lipschitz")
"""Constants of which every larger number is one, too; of the others, every smaller one."""


def implied(name: str, value: float, proven: Constant) -> bool:
    """Whether a value is a valid one by the interval in which the best lies."""
    if name == "minimum":
        return proven.lower <= value <= proven.upper
    return value >= proven.upper if name in UPPER else value <= proven.lower


def contradiction(name: str, value: float, proven: Constant) -> str:
    """In words, why a value is none: the best one is proven to be larger, or smaller; "" where it may be one."""
    slack = SLACK * max(abs(value), abs(proven.value), 1.0 if name == "minimum" else 0.0)
    if name in UPPER and value < proven.lower - slack:
        return f"it is at least {proven.lower:.6g} ({proven.provenance})"
    if name not in UPPER and value > proven.upper + slack:
        return f"it is at most {proven.upper:.6g} ({proven.provenance})"
    return ""


def nonconvexity(study: Study) -> str:
    """Where f has negative curvature, at x0 or at random points; "" where none was seen."""
    rng = np.random.default_rng(0)
    if study.n > LARGEST:
        return ""
    for x in [study.x0, *(study.oracle.problem.random_point(rng) for _ in range(MATRICES))]:
        H = study.hessian(x)
        if np.isfinite(H).all():
            w = np.linalg.eigvalsh(H)
            if w[0] < -SLACK * max(1.0, float(np.abs(w).max())):
                at = np.array2string(x, threshold=6)
                return f"f is not convex: the Hessian has the eigenvalue {w[0]:.4g} at {at}"
    return ""


def smoothness(study: Study, L: float) -> str:
    k = study.comparable
    steps, changes = np.diff(study.x[:k], axis=0), np.diff(study.g[:k], axis=0)
    length, change = np.linalg.norm(steps, axis=1), np.linalg.norm(changes, axis=1)
    bad = np.flatnonzero((change > L * length * (1 + SLACK)) & (length > SLACK))
    if len(bad):
        i = int(bad[0])
        return f"between iterates {i} and {i + 1} the gradient changes by {change[i] / length[i]:.6g} per length"
    for i, H in hessians(study):
        size = float(np.abs(np.linalg.eigvalsh(H)).max())
        if size > L * (1 + SLACK):
            return f"the Hessian at iterate {i} has the norm {size:.6g}"
    return ""


def polyak_lojasiewicz(study: Study, mu: float) -> str:
    k = study.comparable
    gap = study.gap[:k]
    rounding = 64 * float(np.finfo(float).eps) * np.maximum(1.0, np.abs(study.f[:k]))
    bad = np.flatnonzero(study.slope[:k] < 2 * mu * (gap * (1 - SLACK) - rounding))
    if not len(bad):
        return ""
    i = int(bad[0])
    return f"|g|^2 / (2 (f - f*)) = {study.slope[i] / (2 * gap[i]):.6g} at iterate {i}"


def strong_convexity(study: Study, m: float) -> str:
    for i, H in hessians(study):
        least = float(np.linalg.eigvalsh(H)[0])
        if least < m - SLACK * max(1.0, float(np.abs(H).max())):
            return f"the Hessian at iterate {i} has the eigenvalue {least:.6g}"
    return ""


def hessian_lipschitz(study: Study, M: float) -> str:
    matrices = hessians(study)
    for (i, A), (j, B) in pairwise(matrices):
        length = float(np.linalg.norm(study.x[j] - study.x[i]))
        change = float(np.linalg.norm(B - A, 2))
        if length > 1e-6 and change > M * length * (1 + SLACK) + SLACK:
            return f"between iterates {i} and {j} the Hessian changes by {change / length:.6g} per length"
    return ""


def minimum(study: Study, value: float) -> str:
    lowest = int(np.nanargmin(study.f))
    f = float(study.f[lowest])
    return f"f = {f:.10g} at iterate {lowest}" if f < value - SLACK * max(1.0, abs(value)) else ""


def hessians(study: Study) -> list[tuple[int, np.ndarray]]:
    """Hessians at some iterates above the rounding floor, finite ones only."""
    count = study.comparable
    if study.n > LARGEST or count == 0:
        return []
    chosen = np.unique(np.linspace(0, count - 1, MATRICES).astype(int))
    matrices = [(int(i), study.hessian(study.x[i])) for i in chosen if np.isfinite(study.x[i]).all()]
    return [(i, H) for i, H in matrices if np.isfinite(H).all()]
