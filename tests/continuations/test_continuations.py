"""Critical points along a parameter: folds and branch points where theory has them, branches by their kind."""

import json

import numpy as np
import pytest
import sympy as sp

import ncsolve as nc
from ncsolve.errors import OptionError, ProblemError

x, y, lam, eps = sp.symbols("x y lam eps", real=True)
PITCHFORK = nc.Problem(x**4 / 4 - lam * x**2 / 2, parameters={lam: 0.5}, name="pitchfork")


def specials(found):
    return [(s.kind, round(s.parameter, 9) + 0.0) for s in found.special]


def at(found, value):
    """Sorted (x, kind) of all branches at a value of the parameter, by interpolation."""
    met = []
    for branch in found.branches:
        for s in branch.segments:
            p, q = branch.parameter[s.start : s.stop + 1], branch.x[s.start : s.stop + 1]
            for k in np.flatnonzero((p[:-1] - value) * (p[1:] - value) < 0):
                share = (value - p[k]) / (p[k + 1] - p[k])
                met.append((*np.round(q[k] + share * (q[k + 1] - q[k]), 3) + 0.0, s.kind))
    return sorted(met)


def test_a_pitchfork():
    found = nc.continuation(PITCHFORK, lam, (-1, 1))
    assert specials(found) == [("pitchfork", 0.0)]
    assert abs(found.special[0].parameter) < 1e-12
    assert at(found, -0.4) == [(0.0, "minimum")]
    assert at(found, 0.25) == [(-0.5, "minimum"), (0.0, "maximum"), (0.5, "minimum")]
    assert len(found.branches) == 2
    assert all(b.parameter.min() >= -1 and b.parameter.max() <= 1 for b in found.branches)
    points = np.concatenate([b.x[:, 0] ** 3 - b.parameter * b.x[:, 0] for b in found.branches])
    np.testing.assert_allclose(points, 0, atol=1e-9)


def test_a_fold():
    found = nc.continuation(nc.Problem(x**3 / 3 - (lam - sp.Rational(1, 3)) * x, parameters={lam: 1}), "lam", (-1, 1))
    (fold,) = found.special
    assert fold.kind == "fold"
    assert abs(fold.parameter - 1 / 3) < 1e-12
    assert at(found, 0.5833333333333334) == [(-0.5, "maximum"), (0.5, "minimum")]
    assert at(found, 0.2) == []


@pytest.mark.parametrize("h", [0.1, 1e-3])
def test_an_imperfect_pitchfork_folds_where_its_discriminant_vanishes(h):
    """x^3 - lam x = h has a double root at lam = 3 (h / 2)^(2/3)."""
    found = nc.continuation(nc.Problem(x**4 / 4 - lam * x**2 / 2 - eps * x, parameters={lam: 0, eps: h}), lam, (-1, 2))
    (fold,) = found.special
    assert fold.kind == "fold"
    assert abs(fold.parameter - 3 * (h / 2) ** (2 / 3)) < 1e-10
    assert len(found.branches) == 2


def test_a_transcritical_point():
    found = nc.continuation(nc.Problem(x**3 / 3 - lam * x**2 / 2, parameters={lam: 1}), lam, (-1, 1))
    assert specials(found) == [("transcritical", 0.0)]
    assert at(found, 0.5) == [(0.0, "maximum"), (0.5, "minimum")]
    assert at(found, -0.5) == [(-0.5, "maximum"), (0.0, "minimum")]


def test_two_coupled_wells():
    """At |lam| = 1/2 the saddles of index 1 at x y = lam on the unit circle meet those on the diagonals."""
    problem = nc.Problem((x**2 - 1) ** 2 / 4 + (y**2 - 1) ** 2 / 4 + lam * x * y, parameters={lam: 0.1})
    found = nc.continuation(problem, lam, (-0.75, 1.25), x0=[{x: 1, y: 1}, {x: 1, y: -1}])
    assert specials(found) == [("pitchfork", v) for v in (-0.5, -0.5, 0.5, 0.5, 1.0)]
    kinds = [kind for *_, kind in at(found, 0.11)]
    assert (kinds.count("minimum"), kinds.count("saddle"), kinds.count("maximum")) == (4, 4, 1)
    assert "closed" in {end for b in found.branches for end in b.ends}
    assert [s.index for b in found.branches for s in b.segments if s.kind == "maximum"] == [2]


def test_a_circle_of_minima_is_one_branch():
    """A rotation moves every point but the origin: both eigenvalues pass through zero there, and an orbit is left."""
    norm = x**2 + y**2
    found = nc.continuation(nc.Problem(norm**2 / 4 - lam * norm / 2, parameters={lam: 0}), lam, (-0.5, 0.5))
    (branching,) = found.special
    assert (branching.kind, branching.nullity) == ("branch point", 2)
    assert abs(branching.parameter) < 1e-9
    assert len(found.branches) == 2
    assert {s.kind for b in found.branches for s in b.segments} == {"minimum", "maximum"}


def test_many_variables_and_other_scales():
    """A chain that buckles: the constant mode first, at lam = 0; the range is a million times wider."""
    v, i = sp.IndexedBase("v", shape=(8,)), sp.Symbol("i", integer=True)
    well = sp.Sum(v[i] ** 4 / 4 - lam / 10**6 * v[i] ** 2 / 2, (i, 0, 7))
    chain = nc.Problem(well + sp.Sum((v[i + 1] - v[i]) ** 2, (i, 0, 6)) * 40, parameters={lam: 0})
    found = nc.continuation(chain, lam, (-(10**6), 5 * 10**5), x0=np.zeros(8))
    first = found.special[0]
    assert first.kind == "pitchfork"
    assert abs(first.parameter) < 1e-3
    np.testing.assert_allclose(sorted(p[0] for p in at(found, 250_000.0)), [-0.5, 0, 0.5], atol=1e-3)


def test_bounds_are_a_window():
    found = nc.continuation(nc.Problem(x**3 / 3 - lam * x, bounds={x: (-2, 0.5)}, parameters={lam: 1}), lam, (-1, 1))
    assert [set(b.ends) for b in found.branches] == [{"bounds", "range"}]


def test_few_points_and_ctrl_c(monkeypatch):
    found = nc.continuation(PITCHFORK, lam, (-1, 1), x0=0.0 * np.ones(1), max_points=5)
    assert "points" in found.branches[0].ends

    def interrupted(*arguments):
        raise KeyboardInterrupt

    monkeypatch.setattr("ncsolve.continuations.network.Network.grow", interrupted)
    assert nc.continuation(PITCHFORK, lam, (-1, 1)).interrupted


@pytest.mark.parametrize(
    ("parameter", "between", "message"),
    [
        ("lan", (0, 1), "parameter: 'pitchfork' has no parameter 'lan'. Did you mean 'lam'? Its parameters are lam."),
        ("x", (0, 1), "parameter: 'x' is a variable of 'pitchfork', not a parameter."),
        ("lam", (1, 0), "parameter: the range of 'lam' has low > high: 1 to 0."),
        ("lam", (1, 1), "parameter: the range of 'lam' is empty: 1 to 1."),
        ("lam", (0, np.inf), "parameter: the range of 'lam' must be finite, not 0 to inf."),
        ("lam", 3, "parameter: the range of 'lam' must be two numbers, not 3."),
    ],
)
def test_bad_parameters(parameter, between, message):
    with pytest.raises(ProblemError) as error:
        nc.continuation(PITCHFORK, parameter, between)
    assert message in str(error.value)


def test_bad_starts_and_sizes():
    with pytest.raises(ProblemError, match=r"x0: no critical point is found from \(5\) at lam = 1\."):
        nc.continuation(nc.Problem(x * lam, parameters={lam: 1}), lam, (0.5, 2), x0=[5.0])
    with pytest.raises(OptionError, match="max_points must be at least 2"):
        nc.continuation(PITCHFORK, lam, (0, 1), max_points=1)
    m = sp.Symbol("m", integer=True)
    A, i = sp.IndexedBase("A", shape=(m,)), sp.Symbol("i", integer=True)
    sized = nc.Problem(sp.Sum((x - A[i]) ** 2, (i, 0, m - 1)), data={A: [1.0, 2.0]}, name="sized")
    with pytest.raises(ProblemError, match=r"'sized' has no parameter 'm'\. It declares none .* Sizes and arguments"):
        nc.continuation(sized, "m", (1, 4))


def test_no_branch_begins_where_it_would_end():
    """log(x) + lam x: -1/lam is critical, and at lam = 0 nothing is, although 1/x is small where x is large."""
    problem = nc.Problem(sp.log(x) + y**2 + lam * x, parameters={lam: 1}, start={x: 1, y: 1})
    found = nc.continuation(problem, lam, (-1, 1), max_points=40)
    assert len(found.branches) == 2
    for branch in found.branches:
        np.testing.assert_allclose(branch.x[:, 0] * branch.parameter, -1, rtol=1e-6)
        assert np.abs(branch.x).max() < 100


def test_the_command(run, problem_file, tmp_path):
    pytest.importorskip("matplotlib")
    lines = 'lam = sp.Symbol("lam")\nproblem = nc.Problem(x**4 / 4 - lam * x**2 / 2, parameters={lam: 1})'
    file = problem_file(lines)
    result = run("continue", file, "--parameter", "lam=-1:1", "--plot", "a.png", "--out", "a.json")
    assert result.exit_code == 0, result.output
    assert "  pitchfork     lam = 0 " in result.stdout
    assert "    lam = 0            to 1            maximum, index 1" in result.stdout
    assert (tmp_path / "a.png").stat().st_size > 10_000
    found = json.loads((tmp_path / "a.json").read_text())
    assert found.keys() >= {"problem", "parameter", "range", "branches", "special"}
    assert found["branches"][0]["segments"][0] == {
        "kind": "minimum",
        "index": 0,
        "start": 0,
        "stop": pytest.approx(30, abs=10),
    }
    wrong = run("continue", file, "--parameter", "lam=0:1", "--out", "no/a.json")
    assert (wrong.exit_code, wrong.stderr) == (2, "Error: Cannot write 'no/a.json': there is no folder 'no'.\n")
    wrong = run("continue", file, "--parameter", "lam=0")
    assert (wrong.exit_code, wrong.stderr) == (2, "Error: --parameter: 'lam=0' is not NAME=LOW:HIGH.\n")
