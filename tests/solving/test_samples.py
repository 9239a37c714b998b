"""Samples within a bound on memory, and the diagnostics of chains."""

from __future__ import annotations

import json

import numpy as np
import pytest

import ncsolve as nc
from ncsolve.solving.diagnostics import diagnose, effective_sample_size, r_hat, rank_normalised
from ncsolve.solving.samples import Samples


def autoregressive(rho: float, draws: int, chains: int, seed: int = 0) -> np.ndarray:
    """Stationary chains z+ = rho z + sqrt(1 - rho^2) xi, shape (draws, chains)."""
    noise = np.random.default_rng(seed).standard_normal((draws, chains))
    z = noise.copy()
    for k in range(1, draws):
        z[k] = rho * z[k - 1] + np.sqrt(1 - rho**2) * noise[k]
    return z


@pytest.mark.parametrize("rho", [0.0, 0.5, 0.9])
def test_the_effective_sample_size_of_an_autoregressive_chain(rho):
    """N (1 - rho) / (1 + rho)."""
    size = effective_sample_size(autoregressive(rho, 4000, 8))
    assert size == pytest.approx(32_000 * (1 - rho) / (1 + rho), rel=0.1)


def test_r_hat_is_one_for_chains_that_agree():
    assert r_hat(autoregressive(0.5, 2000, 4)) == pytest.approx(1, abs=0.01)


@pytest.mark.parametrize("wrong", ["shifted", "drifting", "wider"])
def test_r_hat_sees_what_is_wrong(wrong):
    z = autoregressive(0.3, 1000, 4)
    if wrong == "shifted":
        z[:, 0] += 1
    elif wrong == "drifting":
        z += np.linspace(0, 2, 1000)[:, None]
    else:
        z[:, 0] *= 4
    assert r_hat(z) > 1.05


def test_ranks_of_ties_are_their_mean():
    scores = rank_normalised(np.array([[3.0, 1.0], [1.0, 2.0]]))
    assert scores[0, 1] == scores[1, 0]
    assert abs(scores.sum()) < 1
    heavy = np.random.default_rng(0).standard_cauchy((2000, 4))
    assert r_hat(heavy) < 1.01, "infinite variance does no harm"


def test_few_or_equal_draws_say_nothing():
    found = diagnose(np.zeros((3, 2, 1)))
    assert np.isnan([*found.r_hat, *found.effective_sample_size]).all()
    assert np.isnan(effective_sample_size(np.zeros((10, 2))))
    assert np.isnan(r_hat(np.zeros((10, 2))))
    assert r_hat(np.tile([0.0, 1.0], (10, 1))) == np.inf


def test_samples_stay_within_the_bound():
    samples = Samples(burn_in=2, thin=1, most=40)
    for k in range(1000):
        samples.record(k, np.full((2, 2), float(k)))
    kept = samples.array()[:, 0, 0]
    assert 5 <= len(kept) <= 10
    assert len(set(np.diff(kept))) == 1, "equally spaced"
    assert (kept - 2) % samples.thin == pytest.approx(0)
    assert kept[-1] > 1000 - 2 * samples.thin


def test_a_point_larger_than_the_bound_is_kept_all_the_same():
    samples = Samples(most=1)
    for k in range(5):
        samples.record(k, np.full((1, 4), float(k)))
    assert samples.array().shape[0] == 2


def test_results_report_their_samples(tmp_path):
    options = {"chains": 3, "inverse_temperature": 0.1}
    result = nc.solve(nc.load("himmelblau"), "mala", options=options, max_iterations=200, checkpoint=tmp_path)
    assert result.samples.shape == (200, 3, 2)
    assert 0 < result.diagnostics.acceptance < 1
    assert result.diagnostics.r_hat.shape == result.diagnostics.effective_sample_size.shape == (2,)
    assert "200 iterations of 3 chains" in result.summary()
    assert set(result.to_json()["diagnostics"]) == {"r_hat", "effective_sample_size", "acceptance"}
    np.testing.assert_array_equal(np.load(tmp_path / "samples.npy"), result.samples)
    assert "diagnostics" in json.loads((tmp_path / "run.json").read_text())
    plain = nc.solve(nc.load("himmelblau"), "gd")
    assert plain.samples is None
    assert plain.diagnostics is None
    assert "diagnostics" not in plain.to_json()
