"""Newton's method for small systems: where it ends, and where it says that there is nothing."""

import numpy as np
import pytest

from ncsolve.continuations.root import root


def circle(z):
    """The point of the unit circle on the diagonal."""
    return np.array([z @ z - 1, z[0] - z[1]]), np.array([2 * z, [1.0, -1.0]])


def test_a_simple_root_takes_few_steps():
    z, steps = root(circle, np.array([1.0, 0.6]))
    np.testing.assert_allclose(z, np.sqrt([0.5, 0.5]), rtol=1e-15)
    assert 3 <= steps <= 5


@pytest.mark.parametrize(
    ("system", "start"),
    [
        (lambda z: (np.arctan(z), 1 / (1 + np.diag(z) ** 2)), 2.0),  # steps grow
        (lambda z: (z**2 + 1, np.diag(2 * z)), 0.7),  # no root
        (lambda z: (np.log(z), np.diag(1 / z)), 3.0),  # leaves the domain
        (lambda z: (z**2, np.diag(0 * z)), 1.0),  # singular
        (lambda z: (z**9, np.diag(9 * z**8)), 1.0),  # linear convergence only
    ],
)
def test_what_leads_nowhere(system, start):
    with np.errstate(all="ignore"):
        assert root(system, np.array([start])) is None


def test_the_shortest_step_of_a_singular_system():
    """x^2 + y^2 = 1 alone, written twice: from (2, 0) to the point of the circle close by."""

    def twice(z):
        return np.full(2, z @ z - 1), np.array([2 * z, 2 * z])

    z, _ = root(twice, np.array([2.0, 0.0]), lambda J, F: np.linalg.lstsq(J, F, rcond=1e-12)[0])
    np.testing.assert_allclose(z, [1, 0], atol=1e-15)
    assert root(twice, np.array([2.0, 0.0])) is None
