"""Every proximal operator against brute-force minimisation, for any step size, jump points included."""

from __future__ import annotations

import numpy as np
import pytest

import ncsolve as nc
from ncsolve.penalties import Box, GroupLasso, GroupMCP, NuclearNorm, Simplex

STEPS = (0.05, 0.5, 1.0, 2.6, 2.8, 3.0, 3.5, 20.0)
SEPARABLE = [
    nc.L1(0.7),
    nc.L1(0.0),
    nc.L2(1.5),
    nc.ElasticNet(0.8, 0.3),
    nc.ElasticNet(0.8, 0.0),
    nc.L0(0.4),
    nc.L0(0.0),
    nc.LHalf(0.6),
    nc.LHalf(0.0),
    nc.LogSum(0.5, 0.1),
    nc.LogSum(2.0, 1.0),
    nc.SCAD(0.5),
    nc.SCAD(1.0, 2.1),
    nc.MCP(0.5),
    nc.MCP(1.0, 0.5),
    nc.MCP(0.0),
    nc.CappedL1(0.7, 0.4),
    nc.CappedL1(0.3, 2.0),
]
V = np.concatenate([np.linspace(-4, 4, 81), [1e-9, -1e-3, 25.0, -60.0]])


def height(penalty, z, v, t):
    return (z - v) ** 2 / 2 + t * penalty.profile(np.abs(z))


def brute(penalty, v, t, lower=-np.inf, upper=np.inf):
    """The lowest point of a fine grid from 0 to v, refined by bisection of the slope in the cells around it."""
    ends = [np.clip(end, lower, upper) for end in (np.minimum(v, 0), np.maximum(v, 0))]
    grid = np.sort(np.concatenate([np.linspace(*ends, 801), np.clip(0 * v, lower, upper)[None]]), axis=0)
    best = height(penalty, grid, v, t).argmin(axis=0)
    low, kept, high = (np.take_along_axis(grid, np.clip(best + k, 0, 801)[None], 0)[0] for k in (-1, 0, 1))
    for _ in range(60):
        middle = (low + high) / 2
        rises = middle - v + t * penalty.gradient(middle) > 0
        low, high = np.where(rises, low, middle), np.where(rises, middle, high)
    return np.where(height(penalty, middle, v, t) < height(penalty, kept, v, t), middle, kept)


@pytest.mark.parametrize("t", STEPS)
@pytest.mark.parametrize("penalty", SEPARABLE, ids=str)
def test_separable(penalty, t):
    agree(penalty, t, V, penalty.prox(V, t), brute(penalty, V, t))


def agree(penalty, t, v, found, expected):
    """To 1e-9, unless both are minimisers: as low as each other, at different places."""
    heights = [height(penalty, z, v, t) - v**2 / 2 for z in (found, expected)]
    rounding = 1e-14 * (1 + v**2)
    assert (heights[0] <= heights[1] + rounding).all()
    apart = np.abs(found - expected) > 1e-9 * np.maximum(1, np.abs(v))
    assert (np.abs(heights[0] - heights[1])[apart] <= rounding[apart]).all()
    assert (np.abs(found - expected)[apart] > 1e-4).all()


@pytest.mark.parametrize(("lower", "upper"), [(-1.0, 0.6), (0.0, 2.0), (0.3, 5.0), (-3.0, -0.5), (-np.inf, 0.4)])
@pytest.mark.parametrize("penalty", SEPARABLE, ids=str)
def test_separable_inside_bounds(penalty, lower, upper):
    v = V[:81]
    for t in (0.5, 3.2):
        box = np.full_like(v, lower), np.full_like(v, upper)
        found = penalty.prox_inside(v, t, *box)
        assert ((lower <= found) & (found <= upper)).all()
        agree(penalty, t, v, found, brute(penalty, v, t, lower, upper))


@pytest.mark.parametrize(
    ("penalty", "t", "jump"),
    [
        (nc.L0(0.5), 1.0, 1.0),
        (nc.L0(0.5), 4.0, 2.0),
        (nc.LHalf(0.5), 1.0, 54 ** (1 / 3) / 4),
        (nc.MCP(1.0, 4.0), 9.0, 6.0),
        (nc.MCP(1.0, 4.0), 16.0, 8.0),
    ],
    ids=str,
)
def test_jumps(penalty, t, jump):
    """The published thresholds: 0 up to the jump, far from 0 beyond."""
    assert penalty.prox(np.array([jump * (1 - 1e-12), -jump * (1 - 1e-12)]), t) == pytest.approx([0, 0], abs=0)
    assert (np.abs(penalty.prox(np.array([jump * (1 + 1e-12), -jump * (1 + 1e-12)]), t)) > jump / 2).all()
    assert nc.L0(0.5).prox([1.0], 1.0) == 0, "on a tie the sparsest"


@pytest.mark.parametrize("penalty", SEPARABLE, ids=str)
def test_derivatives(penalty):
    """Against central differences of the order below, away from joints."""
    r = np.array([0.037, 0.2, 0.63, 1.31, 2.77, 9.1])
    h = 1e-5
    below = [penalty.profile, lambda r: penalty.derivative(r, 1), lambda r: penalty.derivative(r, 2)]
    for order, lower in enumerate(below, start=1):
        slope = (lower(r + h) - lower(r - h)) / (2 * h)
        assert penalty.derivative(r, order) == pytest.approx(slope, rel=2e-5, abs=1e-9)
    at_zero = penalty.edge()
    assert (penalty.profile(np.array([1e-12]))[0] / 1e-12 == pytest.approx(at_zero, rel=1e-5)) or at_zero == np.inf


def descend(height, start, rng, rounds=4000):
    """Random search that narrows: the best of many starts."""
    best, low, radius = start, height(start), 1.0
    for _ in range(rounds):
        trial = best + radius * rng.standard_normal(best.shape)
        value = height(trial)
        if value < low:
            best, low = trial, value
        else:
            radius = max(radius * 0.99, 1e-9)
    return low


@pytest.mark.parametrize("t", [0.3, 1.0, 3.5])
@pytest.mark.parametrize(
    "penalty",
    [
        GroupLasso(0.4),
        GroupLasso(0.4, groups=3),
        GroupLasso(0.4, groups=[[0, 5], [1, 2, 3]]),
        GroupMCP(0.5, 2.0),
        NuclearNorm(0.6),
    ],
    ids=str,
)
def test_groups_and_matrices(penalty, t):
    """No point found by a random search is lower; a zero of the subdifferential."""
    rng = np.random.default_rng(1)
    for scale in (0.3, 1.0, 3.0):
        v = scale * rng.standard_normal((3, 2))
        z = penalty.prox(v, t)

        def height(z, v=v):
            return ((z - v) ** 2).sum() / 2 + t * penalty.value(z)

        assert np.abs(penalty.least_subgradient(z, (z - v) / t)).max() <= 1e-9
        for start in (z, v, np.zeros_like(v)):
            assert height(z) <= descend(height, start, rng, 300) + 1e-9


def test_groups_by_their_norms():
    """Rows of a matrix as groups: the prox of a row is that of its norm."""
    v = np.random.default_rng(0).standard_normal((50, 3)) * 2
    r, c = np.linalg.norm(v, axis=1), np.sqrt(3)
    for t in STEPS:
        for penalty, radial in ((GroupLasso(0.5), nc.L1(0.5 * c)), (GroupMCP(0.5, 2.0), nc.MCP(0.5 * c, 2.0))):
            expected = v / r[:, None] * brute(radial, r, t)[:, None]
            assert penalty.prox(v, t) == pytest.approx(expected, abs=1e-9)
            assert penalty.value(v) == pytest.approx(radial.value(r), rel=1e-14)


def test_indicators():
    v = np.random.default_rng(0).standard_normal(9)
    assert Box(-0.5, 0.2).prox(v, 3.0) == pytest.approx(np.clip(v, -0.5, 0.2), abs=0)
    assert Box(0, 1).value([0.0, 1.0]) == 0
    assert Box(0, 1).value([0.0, 1.1]) == np.inf
    simplex = Simplex(2.0)
    z = simplex.prox(v, 0.1)
    assert simplex.value(z) == 0
    assert simplex.value(z + 0.01) == np.inf
    corners = 2.0 * np.eye(9)
    assert ((corners - z) @ (v - z)).max() <= 1e-12, "the variational inequality of a projection, at all corners"
    assert np.abs(simplex.least_subgradient(z, z - v)).max() <= 1e-14


def test_least_subgradients():
    x, g = np.array([0.0, 0.0, 2.0, -0.1]), np.array([0.3, -2.0, 1.0, 1.0])
    assert nc.L1(0.5).least_subgradient(x, g) == pytest.approx([0, -1.5, 1.5, 0.5])
    assert nc.L0(0.5).least_subgradient(x, g) == pytest.approx([0, 0, 1, 1])
    assert nc.MCP(0.5, 2.0).least_subgradient(x, g) == pytest.approx([0, -1.5, 1.0, 1 - 0.45])
    assert nc.Box(0, 2).least_subgradient(np.array([0.0, 2.0, 1.0]), np.array([1.0, 1.0, 1.0])) == pytest.approx(
        [0, 1, 1]
    )


@pytest.mark.parametrize("t", [0.05, 0.5, 1.0, 2.0])
def test_as_skglm_has_them(t):
    skglm = pytest.importorskip("skglm", reason="compares with skglm, of the extra bench")
    theirs = skglm.penalties
    pairs = [
        (nc.L1(0.7), theirs.L1(0.7)),
        (nc.ElasticNet(0.7, 0.3), theirs.L1_plus_L2(0.7, 0.3)),
        (nc.MCP(0.5, 3.0), theirs.MCPenalty(0.5, 3.0)),
        (nc.SCAD(0.5, 3.7), theirs.SCAD(0.5, 3.7)),
        (nc.LHalf(0.5), theirs.L0_5(0.5)),
        (nc.LogSum(0.5, 1.0), theirs.LogSumPenalty(0.5, 1.0)),
    ]
    for ours, other in pairs:
        agree(ours, t, V, ours.prox(V, t), np.array([other.prox_1d(v, t, 0) for v in V]))
