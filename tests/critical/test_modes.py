"""Newton's steps from many points at once, and the critical points to which Levenberg and Marquardt's lead."""

import numpy as np
import pytest
import sympy as sp

import ncsolve as nc
from ncsolve.critical.modes import Modes, towards_critical
from ncsolve.problem import load

x, y = sp.symbols("x y")


@pytest.fixture
def himmelblau():
    return nc.compile(load("himmelblau"))


def test_newtons_steps_are_those_of_each_point(himmelblau):
    points = np.random.default_rng(0).uniform(-4, 4, (20, 2))
    g, H = himmelblau.gradient(points), himmelblau.hessian(points, dense=True)
    modes = Modes.of(H, g)
    newton = np.array([np.linalg.solve(*pair) for pair in zip(H, -g, strict=True)])
    np.testing.assert_allclose(modes.step(-modes.slopes / modes.values), newton, rtol=1e-9)
    np.testing.assert_allclose(modes.largest[:, 0], [np.abs(np.linalg.eigvalsh(h)).max() for h in H])


def test_minima_saddles_and_maxima_are_ends(himmelblau):
    ends = towards_critical(himmelblau, np.random.default_rng(1).uniform(-5, 5, (200, 2)))
    assert len(ends) == 200
    assert np.abs(himmelblau.gradient(ends)).max() < 1e-12
    indices = (np.linalg.eigvalsh(himmelblau.hessian(ends, dense=True)) < 0).sum(axis=1)
    assert [len({tuple(end) for end in np.round(ends[indices == k], 6)}) for k in range(3)] == [4, 4, 1]


def test_points_that_cannot_change_rest(himmelblau, monkeypatch):
    """Each takes about ten steps, though sixty are allowed: points that have arrived are not looked at again."""
    looked, hessian = [], himmelblau.hessian
    monkeypatch.setattr(himmelblau, "hessian", lambda x, **options: looked.append(len(x)) or hessian(x, **options))
    towards_critical(himmelblau, np.random.default_rng(1).uniform(-5, 5, (200, 2)))
    assert sum(looked) < 20 * 200


def test_points_without_a_critical_point_are_left_out():
    """exp falls for ever; log has no value at the start; 2 + x^2 + x^4 / 4 has one critical point."""
    assert not len(towards_critical(nc.compile(nc.Problem(sp.exp(x) + x)), np.array([[0.0], [3.0]])))
    assert not len(towards_critical(nc.compile(nc.Problem(x - sp.log(x))), np.array([[-1.0]])))
    ends = towards_critical(nc.compile(nc.Problem(2 + x**2 + x**4 / 4)), np.array([[-3.0], [np.nan], [0.0]]))
    np.testing.assert_allclose(ends, 0, atol=1e-12)
    assert len(ends) == 2


def test_a_gradient_that_is_lowest_elsewhere_is_no_critical_point():
    """|f'| of x^3 / 3 + x is least at 0, where it is 1."""
    assert not len(towards_critical(nc.compile(nc.Problem(x**3 / 3 + x)), np.array([[2.0]])))


def test_no_step_is_made_after_the_deadline(himmelblau):
    start = np.array([[0.0, 0.0]])
    assert not len(towards_critical(himmelblau, start, deadline=0.0))
    assert len(towards_critical(himmelblau, start)) == 1
