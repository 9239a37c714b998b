"""Points at bounds: multipliers that push, multipliers that are zero, and the cone between them."""

from __future__ import annotations

import pytest
import sympy as sp

x, y = sp.symbols("x y")
UNIT = {x: (0, 1)}
SQUARE = {x: (0, 1), y: (0, 1)}


@pytest.mark.parametrize(
    ("f", "at", "bounds", "kind"),
    [
        (x, [0], UNIT, "minimum"),
        (x, [1], UNIT, "not-critical"),
        (-x, [1], UNIT, "minimum"),
        (x**2, [0], UNIT, "minimum"),
        (-(x**2), [0], UNIT, "maximum"),
        (x**4, [0], UNIT, "degenerate"),
        ((x + 1) ** 2, [1e-8], UNIT, "minimum"),
        (x**2, [2], UNIT, "not-critical"),
        (x + y, [0, 0], SQUARE, "minimum"),
        (x - y**2, [0, 0], SQUARE, "saddle"),
        (x * y + x**2 + y**2, [0, 0], SQUARE, "minimum"),
        (x**2 + 3 * x * y + y**2, [0, 0], SQUARE, "minimum"),
        (x**2 - 3 * x * y + y**2, [0, 0], SQUARE, "saddle"),
        (x + (y - 0.5) ** 2, [0, 0.5], SQUARE, "minimum"),
        (x - (y - 0.5) ** 2, [0, 0.5], SQUARE, "saddle"),
        (x + (y - 0.5) ** 4, [0, 0.501], SQUARE, "minimum"),
        (x**2 + x * (y - 0.5) + (y - 0.5) ** 2, [0, 0.5], SQUARE, "minimum"),
        (x**2 + 3 * x * (y - 0.5) + (y - 0.5) ** 2, [0, 0.5], SQUARE, "saddle"),
        (y - (x - 1e-9) ** 2, [0, 0], SQUARE, "minimum"),
        (x**2 + y**2, [0, 0.5], {x: (0, 0), y: (0.5, 0.5)}, "minimum"),
        ((1 - x) ** 2 + 100 * (y - x**2) ** 2, [0.5, 0.25], {x: (-2, 0.5), y: (-2, 2)}, "minimum"),
        ((1 - x) ** 2 + 100 * (y - x**2) ** 2, [1, 1], {x: (-2, 1), y: (-2, 2)}, "minimum"),
    ],
)
def test_kind(judge, f, at, bounds, kind):
    assert judge(f, at, bounds=bounds).kind == kind


def test_the_hessian_is_that_of_the_free_variables(judge):
    point = judge(x + (y - 0.5) ** 2, [0, 0.5], bounds=SQUARE)
    assert point.eigenvalues.tolist() == [2]
    assert point.gradient_norm == 0
    assert "pushes back with at least 1" in point.explanation
