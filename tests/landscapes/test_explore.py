"""Minima and saddles of index 1 from minimum to minimum, without a box, and up to symmetry."""

import json

import numpy as np
import pytest
import sympy as sp

import ncsolve as nc
from ncsolve.critical.symmetry import generators
from ncsolve.errors import ProblemError
from ncsolve.landscapes.flow import descend
from ncsolve.landscapes.following import uphill

x, y = sp.symbols("x y", real=True)
WELLS = nc.Problem((x**2 - 1) ** 2 / 4 + x / 10 + y**2, start={x: nc.Normal(0, 1), y: nc.Normal(0, 1)})


def test_paths_go_up_to_the_saddle_from_both_minima():
    oracle = nc.compile(WELLS)
    starts = np.array([[-0.9, 0.1], [0.9, -0.2], [0.9, 0.1]])
    along = np.array([[1.0, 0.0], [-1.0, 0.0], [0.0, 1.0]])
    ends, converged = uphill(oracle, starts, along, 0.1)
    assert converged[:2].all()
    np.testing.assert_allclose(oracle.gradient(ends[:2]), 0, atol=1e-12)
    for end in ends[:2]:
        assert np.linalg.eigvalsh(oracle.hessian(end, dense=True))[0] < 0


def test_wells_without_a_box():
    found = nc.landscape(WELLS)
    assert [p.kind for p in found.points] == ["minimum", "minimum", "saddle"]
    assert [(c.saddle, {c.left, c.right}) for c in found.connections] == [(2, {0, 1})]
    assert found.explored
    assert not found.complete
    assert found.message == "not proven complete: minima and saddles of index 1 met from 2 minima"


def test_a_cluster_is_mapped_up_to_symmetry(run):
    """Four atoms: the tetrahedron, and the saddle over which one atom passes through the plane of the others."""
    result = run("landscape", "lennard-jones", "-p", "atoms=4", "--json")
    assert result.exit_code == 0, result.output
    found = json.loads(result.stdout)
    assert [(p["kind"], p["index"], p["nullity"]) for p in found["points"]] == [("minimum", 0, 6), ("saddle", 1, 6)]
    np.testing.assert_allclose([p["objective"] for p in found["points"]], [-6, -5.07342086], atol=1e-8)
    assert found["connections"] == [{"saddle": 1, "minima": [0, 0]}]
    assert "alike up to symmetry (E(3)) are listed once" in found["message"]


def test_symmetries_of_a_small_cluster_are_all_found():
    oracle = nc.compile(nc.load("lennard-jones", {"atoms": "3"}))
    assert len(generators(oracle, oracle.problem.random_point(np.random.default_rng(0)))) == 6


def test_the_time_can_be_up():
    found = nc.landscape(WELLS, max_seconds=1e-9)
    assert found.message.endswith("met from 0 minima; the time is up, 0 minima left to search from")
    assert found.points == ()


def test_no_path_goes_on_when_the_time_is_up():
    oracle, x = nc.compile(WELLS), np.array([[-0.9, 0.1], [0.9, -0.2]])
    for follow in (lambda: uphill(oracle, x, x, 0.1, 0.0), lambda: descend(oracle, x, np.ones(2), deadline=0.0)):
        before = dict(oracle.counts)
        ends, arrived = follow()
        assert np.array_equal(ends, x)
        assert not arrived.any()
        assert oracle.counts["hessian"] == before["hessian"]


def test_too_many_variables():
    v, i = sp.IndexedBase("v", shape=(301,)), sp.Symbol("i", integer=True)
    with pytest.raises(ProblemError, match="without a box at most 300 variables are explored, and 'long' has 301"):
        nc.landscape(nc.Problem(sp.Sum(v[i] ** 2, (i, 0, 300)), name="long"))
