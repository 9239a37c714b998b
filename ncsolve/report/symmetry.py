"""Symmetries in words, and as JSON."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from ncsolve.critical.symmetry import Generators

if TYPE_CHECKING:
    from ncsolve.critical.symmetries import Symmetries
    from ncsolve.problem import Problem

SHOWN = 12  # terms of a sum before the rest is counted only


def describe(found: Symmetries, problem: Problem) -> str:
    """The groups, generators, conserved quantities, the gauge and the discrete symmetries, one a line."""
    d = len(found.generators)
    named = f": {found.group}" if found.group else ""
    lines = [f"'{problem.name}' has " + (f"a {d}-dimensional symmetry{named}" if d else "no continuous symmetry")]
    if d:
        lines += ["", "generators, x' = A x + b"]
        lines += [f"  {_motion(found.generators, k, problem)}" for k in range(d)]
    if len(found.conserved):
        lines += ["", "conserved by gradient flow"]
        lines += [f"  {text}" for text in conserved_texts(found.conserved, problem)]
    if found.gauge.size:
        held = _shortened([problem.variables.entry(int(k)) for k in found.gauge], ", ")
        lines += [
            "",
            "gauge: hold these variables where they are, and no continuous symmetry is left nearby",
            f"  {held}",
        ]
    if found.discrete:
        lines += ["", "signs and permutations", *(f"  {symmetry.name}" for symmetry in found.discrete)]
    return "\n".join(lines)


def to_dict(found: Symmetries, problem: Problem) -> dict[str, Any]:
    """Matrices as lists of [row, column, value]."""
    entry = problem.variables.entry
    texts = conserved_texts(found.conserved, problem, shown=10**9)
    conserved = [{"formula": text, **_matrix(found.conserved, k)} for k, text in enumerate(texts)]
    return {
        "problem": problem.name,
        "dimension": len(found.generators),
        "group": found.group,
        "variables": [entry(k) for k in range(problem.n)],
        "generators": [_matrix(found.generators, k) for k in range(len(found.generators))],
        "conserved": conserved,
        "gauge": [entry(int(k)) for k in found.gauge],
        "discrete": [{"name": s.name, "order": s.order, "signs": s.signs} for s in found.discrete],
    }


def conserved_texts(found: Generators, problem: Problem, shown: int = SHOWN) -> list[str]:
    """x^T A x + 2 b^T x of each symmetric generator, such as "x**2 - y**2"."""
    entry, texts = problem.variables.entry, []
    for k in range(len(found)):
        terms: list[tuple[float, str]] = []
        for row, column, value in zip(found.rows, found.columns, found.values[k], strict=True):
            if value and column == found.n:
                terms.append((2 * value, entry(int(row))))
            elif value and row == column:
                terms.append((value, f"{entry(int(row))}**2"))
            elif value and row < column:
                terms.append((2 * value, f"{entry(int(row))}*{entry(int(column))}"))
        least = min(abs(c) for c, _ in terms)
        texts.append(_sum([(c / least, name) for c, name in terms], shown))
    return texts


def _matrix(found: Generators, k: int) -> dict[str, Any]:
    filled = zip(found.rows.tolist(), found.columns.tolist(), found.values[k].tolist(), strict=True)
    entries = [entry for entry in filled if entry[2]]
    return {
        "A": [[row, column, value] for row, column, value in entries if column < found.n],
        "b": [[row, value] for row, column, value in entries if column == found.n],
    }


def _motion(found: Generators, k: int, problem: Problem) -> str:
    """For example: x' = x, y' = -y."""
    entry, parts = problem.variables.entry, []
    for row in np.unique(found.rows[found.values[k] != 0]):
        here = (found.rows == row) & (found.values[k] != 0)
        names = [entry(int(c)) if c < found.n else "" for c in found.columns[here]]
        terms = list(zip(found.values[k][here].tolist(), names, strict=True))
        parts.append(f"{entry(int(row))}' = {_sum(terms, SHOWN)}")
    return _shortened(parts, ", ", SHOWN // 2)


def _sum(terms: list[tuple[float, str]], shown: int) -> str:
    text = ""
    for c, name in terms[:shown]:
        size = "" if abs(c) == 1 and name else f"{abs(c):.6g}" + ("*" if name else "")
        text += (" - " if c < 0 else " + ") + size + name
    more = f" + ... ({len(terms)} terms)" if len(terms) > shown else ""
    return text.removeprefix(" + ").replace(" - ", "-", 1 if text.startswith(" - ") else 0) + more


def _shortened(parts: list[str], between: str, shown: int = SHOWN) -> str:
    return between.join(parts[:shown]) + (f"{between}... ({len(parts)} in all)" if len(parts) > shown else "")
