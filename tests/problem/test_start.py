"""Where runs begin: declared, drawn, inside the bounds, the same for the same seed."""

from __future__ import annotations

import numpy as np
import pytest
import sympy as sp
from numpy.testing import assert_array_equal

from ncsolve.errors import ProblemError
from ncsolve.problem import He, Normal, Problem, Sampler, Uniform, Xavier

x, y = sp.symbols("x y")
W = sp.IndexedBase("W", shape=(400, 100))
i, j = sp.symbols("i j", integer=True)
layer = sp.Sum(W[i, j] ** 2, (i, 0, 399), (j, 0, 99))


def start(problem: Problem, seed: int = 0) -> np.ndarray:
    return problem.start_point(np.random.default_rng(seed))


def test_declared_numbers_are_the_start():
    assert_array_equal(start(Problem(x**2 + y**2, start={x: -1.2, y: 1})), [-1.2, 1.0])
    assert_array_equal(start(Problem(x**2 + y**2, start=[3, 4])), [3.0, 4.0])


def test_the_start_is_clipped_into_the_bounds():
    assert_array_equal(start(Problem(x**2 + y**2, start=[9, -9], bounds={x: (0, 1), y: (-2, None)})), [1.0, -2.0])


def test_what_is_not_declared_is_random_and_belongs_to_the_seed():
    problem = Problem(x**2 + y**2, start={x: 1})
    assert start(problem)[0] == 1.0
    assert_array_equal(start(problem, 3), start(problem, 3))
    assert start(problem, 3)[1] != start(problem, 4)[1]


def test_random_points_lie_inside_the_bounds():
    box = {x: (2, 3), y: (5, None)}
    problem = Problem(x**2 + y**2, bounds=box, start={x: 2, y: 5})
    rng = np.random.default_rng(0)
    points = np.array([problem.random_point(rng) for _ in range(500)])
    assert (points >= problem.lower).all()
    assert (points <= problem.upper).all()
    assert points[:, 0].std() == pytest.approx(1 / np.sqrt(12), rel=0.1)
    assert (points[:, 1] > 5).all()
    below = Problem(x**2, bounds={x: (None, -7)})
    assert (np.array([below.random_point(rng) for _ in range(50)]) < -7).all()


def test_random_points_surround_a_declared_start():
    problem = Problem(x**2, start={x: 1000})
    points = [problem.random_point(np.random.default_rng(seed))[0] for seed in range(400)]
    assert np.mean(points) == pytest.approx(1000, abs=200)
    assert np.std(points) == pytest.approx(1000, rel=0.2)


def test_a_sign_by_assumption_is_kept():
    p, q = sp.Symbol("p", positive=True), sp.Symbol("q", negative=True)
    problem = Problem(p - sp.log(p) + q**2)
    for seed in range(20):
        a, b = start(problem, seed)
        assert a > 0 > b


@pytest.mark.parametrize(
    ("sampler", "mean", "std"),
    [
        (Normal(2, 0.5), 2.0, 0.5),
        (Uniform(-1, 3), 1.0, 4 / np.sqrt(12)),
        (Xavier(), 0.0, np.sqrt(2 / 500)),
        (He(), 0.0, np.sqrt(2 / 400)),
    ],
)
def test_samplers(sampler, mean, std):
    drawn = start(Problem(layer, start={W: sampler}))
    assert drawn.mean() == pytest.approx(mean, abs=4 * std / np.sqrt(drawn.size))
    assert drawn.std() == pytest.approx(std, rel=0.03)
    assert_array_equal(drawn, start(Problem(layer, start=sampler)))


def test_fans_of_vectors_and_scalars():
    rng = np.random.default_rng(0)
    assert np.abs(Xavier().sample(rng, (5,))).max() <= 1.0
    assert np.abs(Xavier().sample(rng, ())) <= np.sqrt(3)


def test_a_sampler_is_clipped_into_the_bounds():
    problem = Problem(layer, start={W: Normal(0, 1)}, bounds={W: (0, None)})
    assert start(problem).min() == 0.0


def test_a_sampler_of_the_wrong_shape():
    class Flat(Sampler):
        def sample(self, rng, shape):
            return np.zeros(7)

    with pytest.raises(ProblemError, match=r"start: 'W' has shape \(7,\), but it must be"):
        start(Problem(layer, start={W: Flat()}))


@pytest.mark.parametrize(
    ("make", "text"),
    [
        (lambda: Normal(0, -1), "Normal(mean, std) needs a finite mean and std >= 0, not 0 and -1."),
        (lambda: Uniform(2, 1), "Uniform(low, high) needs finite low <= high, not 2 and 1."),
    ],
)
def test_wrong_samplers(make, text):
    with pytest.raises(ProblemError) as caught:
        make()
    assert str(caught.value) == text
