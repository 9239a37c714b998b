"""Checks of a problem by the library's own derivatives, and by derivatives that are wrong on purpose."""

from __future__ import annotations

import numpy as np
import pytest
import sympy as sp

import ncsolve as nc
from ncsolve.critical.check import all_checks
from ncsolve.oracle import Oracle

x, y = sp.symbols("x y")
BEALE = (1.5 - x + x * y) ** 2 + (2.25 - x + x * y**2) ** 2


def failed(problem):
    return [check for check in all_checks(nc.compile(problem)) if not check.ok]


@pytest.mark.parametrize("f", [BEALE, sp.exp(x) + y**2, x**2 + x * y + 3 * y**2])
def test_right_derivatives_pass(f):
    assert failed(nc.Problem(f, start={x: 1, y: 2})) == []


def test_a_hessian_that_is_not_symmetric_is_found(monkeypatch):
    right = Oracle.hessian
    monkeypatch.setattr(Oracle, "hessian", lambda self, *a, **k: right(self, *a, **k) + np.array([[0, 1e-3], [0, 0]]))
    assert any("not symmetric" in check.detail for check in failed(nc.Problem(BEALE, start={x: 1, y: 2})))


def test_a_hessian_that_differs_from_its_products_is_found(monkeypatch):
    right = Oracle.hessian
    monkeypatch.setattr(Oracle, "hessian", lambda self, *a, **k: 1.001 * right(self, *a, **k))
    assert any("differs from its products" in c.detail for c in failed(nc.Problem(BEALE, start={x: 1, y: 2})))


def test_a_known_point_that_stays_degenerate_is_not_held_against_it():
    assert failed(nc.Problem(x**8, start={x: 1}, known=[nc.Minimum({x: 0}, value=0)])) == []


def test_a_domain_that_random_points_miss():
    checks = list(
        all_checks(nc.compile(nc.Problem(sp.log(x - 1e6) ** 2, start={x: 1e6 + 2}, bounds={x: (None, None)})))
    )
    assert all(check.ok for check in checks)
