"""The parts of the judgement, each against what can be worked out by hand."""

from __future__ import annotations

import numpy as np
import pytest

from ncsolve.critical.cone import copositivity
from ncsolve.critical.forms import cubic_peak, quartic_sign
from ncsolve.critical.products import lanczos
from ncsolve.critical.spectrum import Dense


def symmetric(terms, d):
    """The quartic sum c z^4 of {(i, j, k, l): c} as a symmetric tensor."""
    from itertools import permutations

    quartic = np.zeros((d,) * 4)
    for index, c in terms.items():
        orders = set(permutations(index))
        for order in orders:
            quartic[order] += c / len(orders)
    return quartic


@pytest.mark.parametrize(
    ("terms", "d", "kind"),
    [
        ({(0, 0, 0, 0): 1}, 1, "positive"),
        ({(0, 0, 0, 0): -1}, 1, "negative"),
        ({(0, 0, 0, 0): 1, (1, 1, 1, 1): 1}, 2, "positive"),
        ({(0, 0, 0, 0): 1, (1, 1, 1, 1): 1, (0, 0, 1, 1): -1.9}, 2, "positive"),
        ({(0, 0, 0, 0): 1, (1, 1, 1, 1): 1, (0, 0, 1, 1): -2.1}, 2, "both"),
        ({(0, 0, 1, 1): 1}, 2, "open"),
        ({(a,) * 4: 1 for a in range(3)}, 3, "positive"),
        ({(a,) * 4: -1 for a in range(3)}, 3, "negative"),
        ({(0, 0, 0, 0): 1, (1, 1, 1, 1): 1, (2, 2, 2, 2): -1}, 3, "both"),
    ],
)
def test_quartic_sign(terms, d, kind):
    assert quartic_sign(symmetric(terms, d), 1e-9).kind == kind


def test_cubic_peak_is_positive():
    for seed in range(5):
        cubic = np.random.default_rng(seed).normal(size=(3, 3, 3))
        cubic = sum(cubic.transpose(p) for p in ((0, 1, 2), (0, 2, 1), (1, 0, 2), (1, 2, 0), (2, 0, 1), (2, 1, 0)))
        z = cubic_peak(cubic)
        assert np.einsum("ijk,i,j,k", cubic, z, z, z) > 0


@pytest.mark.parametrize(
    ("matrix", "kind"),
    [
        ([[1, 0], [0, 1]], "positive"),
        ([[1, 5], [5, 1]], "positive"),
        ([[1, -2], [-2, 1]], "negative"),
        ([[1, -1], [-1, 1]], "open"),
        ([[0, 1], [1, 0]], "open"),
        ([[-1, 0], [0, -1]], "negative"),
    ],
)
def test_copositivity(matrix, kind):
    S = np.array(matrix, dtype=float)
    result = copositivity(S, 1e-12)
    assert result.kind == kind
    if kind == "negative":
        assert (result.direction >= 0).all()
        assert result.direction @ S @ result.direction < 0


def test_a_bad_scaling_does_not_hide_an_eigenvalue():
    d = np.array([1e7, 1.0, 1e-7])
    H = np.array([[2, 1, 0], [1, 2, 1], [0, 1, -2.0]]) * d * d[:, None]
    spectrum = Dense(H)
    assert spectrum.negative == 1
    assert spectrum.separate(np.zeros((3, 3))).nullity == 0


def test_rounding_in_a_row_is_not_scaled_up():
    H = np.diag([2.0, 1.0, 1e-17, 0.0])
    assert Dense(H).separate(np.zeros((4, 4))).nullity == 2


def test_lanczos_stops_in_an_invariant_space():
    n = 1000
    ritz = lanczos(lambda v: 8 * v + 8 * v.sum() / n, n, 20)
    assert ritz.exhausted
    assert ritz.values == pytest.approx([8, 16])
