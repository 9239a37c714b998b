"""Judgements in words."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from ncsolve.critical import CriticalPoint
    from ncsolve.problem import Problem

SHOWN = 8  # entries of an array before the rest is left out


def describe_point(point: CriticalPoint, problem: Problem) -> str:
    """The kind of a point, the sentence of evidence, and the numbers behind it."""
    rows = {
        "point": point.explanation,
        "objective": f"{point.objective:.10g}",
        **({"gradient norm": f"{point.gradient_norm:.3g}"} if point.kkt is None else {"KKT residuals": str(point.kkt)}),
        **({} if point.kkt is None else {"multipliers": numbers(point.kkt.multipliers)}),
        "eigenvalues": numbers(point.eigenvalues),
        **({"falls along": numbers(point.witness)} if point.witness is not None else {}),
    }
    return "\n".join([f"{point.kind} of '{problem.name}'", *(f"  {name:<14} {text}" for name, text in rows.items())])


def numbers(values: np.ndarray) -> str:
    """At most `SHOWN` numbers, the middle left out."""
    texts = [f"{value:.6g}" for value in values]
    if len(texts) > SHOWN:
        texts = [*texts[: SHOWN // 2], "...", *texts[-SHOWN // 2 :], f"({len(values)} in all)"]
    return " ".join(texts)
