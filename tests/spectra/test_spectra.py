"""Spectra by products against dense ones; lines and planes against what they cut."""

import json

import numpy as np
import pytest
import sympy as sp

import ncsolve as nc
from ncsolve.errors import DomainError, OptionError, ProblemError, StoreError
from ncsolve.spectra.directions import random_directions
from ncsolve.spectra.quadrature import density_of, ritz_pairs
from ncsolve.spectra.runs import Snapshots, kept_end
from ncsolve.spectra.traces import trace_of

x, y = sp.symbols("x y", real=True)
HIMMELBLAU = nc.Problem((x**2 + y - 11) ** 2 + (x + y**2 - 7) ** 2, name="himmelblau")
RNG = np.random.default_rng(0)


def product_with(H):
    return lambda v: v @ H


def symmetric(eigenvalues, seed=0):
    Q, _ = np.linalg.qr(np.random.default_rng(seed).standard_normal((len(eigenvalues),) * 2))
    return (Q * eigenvalues) @ Q.T


@pytest.fixture
def perceptron():
    """A small one, with 250 variables."""
    arguments = {"hidden": "12", "pixels": "4", "rows": "60"}
    problem = nc.load("digits-perceptron", arguments)
    return problem, problem.start_point(np.random.default_rng(0))


# -- the parts --------------------------------------------------------------------------------------------------------


def test_quadrature_has_the_moments_of_the_eigenvalues():
    values = np.concatenate([np.linspace(-1, 1, 150), [5.0, 6.0]])
    density = density_of(product_with(symmetric(values)), values.size, 30, 20, np.random.default_rng(1))
    np.testing.assert_allclose(density.weights.sum(axis=1), 1, rtol=1e-12)
    for k in (1, 2, 3):
        moments = (density.weights * density.nodes**k).sum(axis=1)
        error = moments.std(ddof=1) / np.sqrt(len(moments))
        assert abs(moments.mean() - np.mean(values**k)) < 4 * error
    share, error = density.below(0.0)
    assert abs(share - np.mean(values < 0)) < 4 * error < 0.1
    at = np.linspace(-3, 8, 2001)
    height, _ = density.smooth(at, 0.05)
    assert np.trapezoid(height, at) == pytest.approx(1, abs=1e-6)


def test_an_invariant_space_ends_the_steps():
    """Two distinct eigenvalues: two steps are exact, for every probe."""
    values = np.repeat([1.0, 3.0], [30, 10])
    density = density_of(product_with(symmetric(values)), 40, 3, 20, np.random.default_rng(0))
    held = density.weights > 1e-12
    assert held.sum() == 6
    np.testing.assert_allclose(np.unique(np.round(density.nodes[held], 9)), [1, 3])


def test_ends_of_the_spectrum():
    values = np.concatenate([[-4.0, -3.0], np.linspace(0, 1, 200), [8.0, 9.0]])
    H = symmetric(values)
    found, vectors = ritz_pairs(product_with(H), RNG.standard_normal(204), 60)
    np.testing.assert_allclose(found[[0, 1, -2, -1]], [-4, -3, 8, 9], atol=1e-10)
    np.testing.assert_allclose(vectors[-1] @ H, 9 * vectors[-1], atol=1e-6)


def test_the_trace_is_in_its_interval():
    """Exact where the rank is low; else the interval of 95% holds the trace in most of 60 trials."""
    low = symmetric(np.concatenate([[5.0, -2.0, 1.0], np.zeros(97)]))
    trace, half = trace_of(product_with(low), 100, 30, np.random.default_rng(0))
    assert trace == pytest.approx(4.0)
    assert half < 1e-8
    full = symmetric(np.linspace(-1, 2, 60))
    hits = 0
    for seed in range(60):
        trace, half = trace_of(product_with(full), 60, 30, np.random.default_rng(seed))
        hits += abs(trace - 30.0) <= half
    assert hits >= 52


# -- of a problem -----------------------------------------------------------------------------------------------------


def test_a_small_hessian_is_exact():
    found = nc.spectrum(HIMMELBLAU, [3, 2])
    np.testing.assert_allclose(found.eigenvalues, np.linalg.eigvalsh([[74, 20], [20, 34]]))
    assert found.exact
    assert (found.trace, found.trace_error, found.negative()) == (pytest.approx(108), 0.0, (0.0, 0.0))


def test_a_perceptron_by_products(perceptron, monkeypatch):
    problem, start = perceptron
    dense = nc.spectrum(problem, start)
    monkeypatch.setattr("ncsolve.spectra.hessian.EXACT", 10)
    found = nc.spectrum(problem, start, top=3, probes=20)
    assert not found.exact
    np.testing.assert_allclose(found.eigenvalues[-3:], dense.eigenvalues[-3:], rtol=1e-8)
    np.testing.assert_allclose(found.eigenvalues[:1], dense.eigenvalues[:1], rtol=1e-6)
    assert found.residuals.max() < 1e-4 * dense.eigenvalues[-1]
    assert abs(found.trace - dense.trace) <= 2 * found.trace_error
    share, error = found.negative()
    assert abs(share - np.mean(dense.eigenvalues < -found.width)) < 4 * error < 0.1
    again = nc.spectrum(problem, start, top=3, probes=20)
    np.testing.assert_array_equal(found.density.nodes, again.density.nodes)


def test_what_has_no_spectrum():
    with pytest.raises(DomainError, match="spectrum: the Hessian of 'problem' is not finite at this point: "):
        nc.spectrum(nc.Problem(sp.sqrt(x) + y**2), [-1, 0])
    with pytest.raises(OptionError, match="spectrum: top must be at least 1, not 0"):
        nc.spectrum(HIMMELBLAU, [0, 0], top=0)
    game = nc.MinMax(x * y, min=[x], max=[y])
    with pytest.raises(ProblemError, match="is a min-max problem"):
        nc.spectrum(game, [0, 0])


# -- lines and planes -------------------------------------------------------------------------------------------------


def test_a_line_between_two_minima_has_a_barrier():
    wells = nc.Problem((x**2 - 1) ** 2 + x / 10)
    found = nc.segment(wells, [-1.0], [1.0], points=21)
    t = np.linspace(0, 1, 100_001)
    exact = (((2 * t - 1) ** 2 - 1) ** 2).max()
    assert not found.monotone
    assert found.barrier == pytest.approx(exact, abs=1e-9)
    assert nc.segment(wells, [3.0], [1.1]).monotone
    assert nc.segment(wells, [3.0], [1.1]).barrier == 0.0


def test_eigen_directions_of_a_quadratic():
    found = nc.section(nc.Problem(3 * x**2 + y**2 - x * y), [0, 0], "eigen", points=5, radius=2)
    u = np.linspace(-2, 2, 5)
    expected = found.weights[0] / 2 * u[:, None] ** 2 + found.weights[1] / 2 * u**2
    np.testing.assert_allclose(found.objective, expected, atol=1e-12)
    assert found.weights[0] > found.weights[1] > 0


def test_random_directions_have_the_norms_of_the_filters(perceptron):
    problem, point = perceptron
    d = problem.unpack(random_directions(problem, point, 1, RNG)[0])
    own = problem.unpack(point)
    for name in ("W1", "W2"):
        np.testing.assert_allclose(np.linalg.norm(d[name], axis=0), np.linalg.norm(own[name], axis=0))
    assert not d["b1"].any()
    assert np.linalg.norm(random_directions(HIMMELBLAU, np.zeros(2), 2, RNG)[1]) == pytest.approx(1)


def test_the_plane_of_a_run_holds_it():
    """In two variables nothing happens outside the plane."""
    snapshots = Snapshots()
    result = nc.solve(HIMMELBLAU, "gd", x0=[0, 1], callbacks=[snapshots], max_iterations=60)
    path = np.array([*snapshots.x, result.x])
    found = nc.section(HIMMELBLAU, result.x, "pca", path=path)
    np.testing.assert_allclose(found.path_objective, found.plane_objective, atol=1e-9)
    assert found.weights.sum() == pytest.approx(1)
    assert found.objective.shape == (41, 41)
    line = nc.section(HIMMELBLAU, result.x, "pca", dimensions=1, path=path)
    assert np.abs(line.path_objective - line.plane_objective).max() > 1e-3


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"directions": "eigne"}, "directions are random, eigen, pca, not 'eigne'. Did you mean 'eigen'?"),
        ({"directions": "pca"}, "directions 'pca' are those of a path, and there is none."),
        ({"directions": "pca", "path": np.ones((1, 2))}, "a path of 1 points has no 2 principal directions."),
        ({"directions": "pca", "path": np.array([[0, 0], [1, 1], [2, 2.0]])}, "the path is a straight line"),
        ({"directions": np.ones((1, 3))}, "directions must have shape (1 or 2, 2), not (1, 3)."),
        ({"dimensions": 3}, "dimensions must be 1 or 2, not 3."),
        ({"points": 1}, "points must be at least 2, and radius above 0."),
    ],
)
def test_bad_planes(arguments, message):
    with pytest.raises(OptionError) as error:
        nc.section(HIMMELBLAU, [1, 1], **arguments)
    assert message in str(error.value)


@pytest.mark.parametrize("directions", ["random", "eigen", "pca"])
def test_one_variable_has_one_direction(directions):
    wave, path = nc.load("x2-3sin2"), np.array([[3.0], [1.0], [0.5]])
    found = nc.section(wave, [0.5], directions, path=path)
    assert found.objective.shape == (201,)
    with pytest.raises(OptionError, match="'x2-3sin2' has 1 variable: one direction is all there is"):
        nc.section(wave, [0.5], directions, dimensions=2, path=path)


def test_the_commands(run, tmp_path, monkeypatch):
    pytest.importorskip("matplotlib")
    monkeypatch.chdir(tmp_path)
    assert run("solve", "himmelblau", "--out", "kept").exit_code == 0
    told = run("spectrum", "himmelblau", "--run", "kept", "--plot", "a.png")
    assert told.exit_code == 0
    assert "  lowest        25.7157  82.2843\n" in told.stdout
    found = json.loads(run("spectrum", "himmelblau", "--at", "3,2", "--json").stdout)
    assert found["trace"] == pytest.approx(108)
    line = run("slice", "himmelblau", "--at", "3,2", "--to", "3.584428340330,-1.848126526964", "--plot", "b.svg")
    assert "not monotone at 201 points" in line.stdout
    plane = run(
        "slice", "himmelblau", "-s", "gd", "--max-iterations", "20", "--points", "9", "--plot", "c.png", "--json"
    )
    assert np.shape(json.loads(plane.stdout)["objective"]) == (9, 9)
    kept = run("slice", "himmelblau", "--run", "kept", "--directions", "pca", "--dimensions", "1", "--plot", "d.png")
    assert kept.exit_code == 0, kept.output
    assert all((tmp_path / name).stat().st_size > 5000 for name in ("a.png", "b.svg", "c.png", "d.png"))
    for arguments, message in [
        (("--run", "nowhere"), "nowhere holds no result of a run: it is what `ncsolve solve --out` writes."),
        (("--at", "1,1", "--to", "1,1"), "slice: both ends of the line are the same point."),
        (("-o", "step_size=1"), "slice: -o is an option of a solver, and none is given (-s SOLVER)."),
        (("--at", "1,1", "--run", "kept"), "--at and a kept run are two points: give one of them."),
    ]:
        wrong = run("slice", "himmelblau", *arguments)
        assert (wrong.exit_code, wrong.stderr) == (2, f"Error: {message}\n")


def test_a_long_run_keeps_few_iterates_and_a_wide_one_none(run, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    snapshots = Snapshots()
    for k in range(5000):
        snapshots(type("Look", (), {"x": np.array([float(k)])})())
    assert 200 <= len(snapshots.x) <= 400
    assert np.ptp(np.diff(np.ravel(snapshots.x))) == 0
    assert run("solve", "rosenbrock", "-p", "n=12", "--out", "wide").exit_code == 0
    wrong = run("slice", "rosenbrock", "-p", "n=12", "--run", "wide", "--directions", "pca")
    assert "keeps its iterates up to 10 variables only. Make the run here: -s SOLVER." in wrong.stderr
    with pytest.raises(StoreError, match="the run has 12 variables, and 'himmelblau' has 2"):
        kept_end(tmp_path / "wide", HIMMELBLAU)
