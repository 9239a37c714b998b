"""The problem library: every shipped problem is what its file says, to the last digit."""

from __future__ import annotations

import numpy as np
import pytest

import ncsolve as nc
from ncsolve.problem import entries, load

NAMES = [entry.name for entry in entries()]
VARIANTS = [
    *((name, {}) for name in NAMES),
    ("rosenbrock", {"n": 2}),
    ("rosenbrock", {"n": 5}),
    ("rastrigin", {"n": 1}),
    ("rastrigin", {"n": 5}),
    ("styblinski-tang", {"n": 1}),
    ("styblinski-tang", {"n": 3}),
    ("styblinski-tang", {"n": 6}),
    ("lennard-jones", {"atoms": 2}),
    ("lennard-jones", {"atoms": 3}),
    ("lennard-jones", {"atoms": 4}),
    ("thomson", {"charges": 4}),
]
KNOWN = [(name, arguments, k) for name, arguments in VARIANTS for k in range(len(load(name, arguments).known))]


def test_all_are_there():
    assert {
        "beale",
        "himmelblau",
        "lennard-jones",
        "logistic-regression",
        "monkey-saddle",
        "mueller-brown",
        "rastrigin",
        "robust-sigmoid-fit",
        "rosenbrock",
        "six-hump-camel",
        "styblinski-tang",
        "x2-3sin2",
    } <= set(NAMES)


@pytest.mark.parametrize("entry", entries(), ids=NAMES)
def test_each_has_one_line_with_its_source(entry):
    assert entry.summary.endswith("]")
    assert len(entry.summary) <= 120


@pytest.mark.parametrize(("name", "arguments"), VARIANTS)
def test_each_starts_at_a_finite_point_inside_its_bounds(name, arguments):
    problem = load(name, arguments)
    oracle = nc.compile(problem)
    for seed in range(3):
        x = problem.start_point(np.random.default_rng(seed))
        value, gradient = oracle.value_and_gradient(x)
        assert np.isfinite(value)
        assert np.isfinite(gradient).all()
        assert np.abs(gradient).max() > 1e-3, "a start at a critical point goes nowhere"
        if problem.lower is not None:
            assert ((problem.lower <= x) & (x <= problem.upper)).all()


@pytest.mark.parametrize(("name", "arguments", "k"), KNOWN)
def test_known_points_are_critical(name, arguments, k):
    """To rounding: one Newton step would not move them by more than a few units in the last place."""
    problem = load(name, arguments)
    oracle, point = nc.compile(problem), problem.known[k]
    x = problem.pack(point.point)
    value, gradient = oracle.value_and_gradient(x)
    if problem.constrained:
        judged = nc.classify(problem, x)
        assert judged.kkt.residual <= 1e-13
        assert judged.kind in (point.kind, "degenerate")
        assert judged.index == point.index
        assert value == pytest.approx(point.value, rel=1e-14, abs=1e-13)
        return
    hessian = oracle.hessian(x, dense=True)
    eigenvalues = np.linalg.eigvalsh(hessian)
    scale = np.abs(eigenvalues).max()
    assert np.abs(gradient).max() <= 1e-14 * max(1.0, scale)
    if point.value is not None:
        assert value == pytest.approx(point.value, rel=1e-14, abs=1e-13)
    negative = int((eigenvalues < -1e-9 * max(1.0, scale)).sum())
    assert negative == (problem.n if point.kind == "maximum" else point.index)


@pytest.mark.parametrize(("name", "arguments"), VARIANTS)
def test_the_declared_minimum_is_not_above_a_known_value(name, arguments):
    problem = load(name, arguments)
    values = [point.value for point in problem.known if point.value is not None]
    if "minimum" in problem.constants and values:
        assert problem.constants["minimum"] == pytest.approx(min(values), rel=1e-14)


@pytest.mark.parametrize("name", [name for name in NAMES if "smoothness" in load(name).constants])
def test_declared_constants_hold_at_random_points(name):
    problem = load(name)
    oracle, rng = nc.compile(problem), np.random.default_rng(0)
    for _ in range(20):
        x = rng.normal(0, 3, problem.n)
        eigenvalues = np.linalg.eigvalsh(oracle.hessian(x, dense=True))
        assert np.abs(eigenvalues).max() <= problem.constants["smoothness"] * (1 + 1e-12)
        assert eigenvalues.min() >= problem.constants.get("strong_convexity", -np.inf) * (1 - 1e-9)
        if "minimum" in problem.constants:
            value, gradient = oracle.value_and_gradient(x)
            gap = value - problem.constants["minimum"]
            assert gradient @ gradient / 2 >= problem.constants["pl"] * gap


@pytest.mark.parametrize(
    ("name", "arguments", "x", "value"),
    [
        ("beale", {}, [1, 1], 14.203125),
        ("rosenbrock", {"n": 2}, [-1.2, 1], 24.2),
        ("himmelblau", {}, [0, 0], 170.0),
        ("logistic-regression", {}, [0.0] * 31, np.log(2)),
        ("robust-sigmoid-fit", {}, [0.0] * 31, 0.5),
        ("rastrigin", {"n": 4}, [1.0] * 4, 4.0),
        ("lennard-jones", {"atoms": 2}, [0, 0, 0, 0, 0, 1], 0.0),
    ],
)
def test_values_from_the_literature(name, arguments, x, value):
    assert nc.compile(load(name, arguments)).value(np.array(x, dtype=float)) == pytest.approx(
        value, rel=1e-14, abs=1e-14
    )


def test_robust_sigmoid_fit_of_a_file(tmp_path):
    table = tmp_path / "table.csv"
    table.write_text("a,b,class\n1,5,7\n2,5,7\n3,5,9\n")
    problem = load("robust-sigmoid-fit", {"data": str(table)})
    assert problem.n == 3
    features = problem.data[next(symbol for symbol in problem.data if str(symbol) == "A")]
    assert features[:, 0] == pytest.approx([-(1.5**0.5), 0, 1.5**0.5])
    assert (features[:, 1] == 0).all(), "a constant column must not divide by zero"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (None, "ValueError: the data file .*table.csv does not exist"),
        (
            "1,2,3\n4,5,6\n7,8,9\n",
            "needs features and, in its last column, two classes; it has 3 different values there",
        ),
        ("1,2\n4,five\n", "ValueError: could not convert string 'five' to float64"),
    ],
)
def test_wrong_data_files(tmp_path, text, message):
    table = tmp_path / "table.csv"
    if text is not None:
        table.write_text(text)
    with pytest.raises(nc.NcsolveError, match=message):
        load("robust-sigmoid-fit", {"data": str(table)})
