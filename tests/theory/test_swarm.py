"""The stability region of particle swarms: the matrix of moments against the published formulas."""

from __future__ import annotations

import numpy as np
import pytest

import ncsolve as nc
from ncsolve_theorems.structure.swarm import SwarmStability, distribution, spectral_radius


def test_the_region_is_that_of_poli():
    """c1 + c2 < 24 (1 - w^2) / (7 - 5 w), on a grid of 39 x 90 that avoids the boundary."""
    for w in np.linspace(-0.95, 0.95, 39):
        limit = 24 * (1 - w**2) / (7 - 5 * w)
        for c in np.linspace(0.025, 4.475, 90):
            if abs(c / limit - 1) > 1e-3:
                assert (spectral_radius(w, c / 2, c / 2) < 1) == (c < limit), (w, c)


def test_the_constriction_of_clerc():
    assert spectral_radius(0.729844, 1.496180, 1.496180) == pytest.approx(0.944, abs=5e-4)
    assert spectral_radius(0.9, 1.0, 1.0) > 1


def test_the_law_of_theta():
    rng = np.random.default_rng(0)
    t = np.linspace(0, 2.5, 11)
    sample = 0.5 * rng.random(100_000) + 2.0 * rng.random(100_000)
    seen = (sample[:, None] <= t).mean(axis=0)
    np.testing.assert_allclose(distribution(t, 0.5, 2.0), seen, atol=0.01)


def test_an_unstable_swarm_is_told_why():
    options = {"inertia": 0.9, "cognitive": 1.0, "social": 1.0}
    (verdict,) = nc.verify(nc.load("six-hump-camel"), SwarmStability, options=options)
    assert verdict.verdict == "NOT-APPLICABLE"
    said = "inertia = 0.9, cognitive = 1 and social = 1 have the spectral radius 1.014: the swarm is not stable."
    assert verdict.reason == said
