"""What the library's penalised problems say of themselves: the numbers in their docstrings."""

from __future__ import annotations

import importlib.util
import sys

import numpy as np
import pytest

import ncsolve as nc
from ncsolve.problem.library import folder, load

TRUE = {0, 1, 4}
W = np.zeros(200)
W[[0, 1, 4]] = [3, 1.5, 2]


@pytest.fixture
def ramp_svm(monkeypatch):
    monkeypatch.syspath_prepend(str(folder()))
    spec = importlib.util.spec_from_file_location("ramp_svm_file", folder() / "ramp_svm.py")
    module = importlib.util.module_from_spec(spec)
    monkeypatch.setitem(sys.modules, "ramp_svm_file", module)
    spec.loader.exec_module(module)
    return module


@pytest.mark.parametrize(
    ("penalty", "scale", "exact", "false", "error"),
    [("mcp", 1, 7, 3, 0.069), ("scad", 1, 7, 3, 0.25), ("l1", 1, 2, 16, 0.43), ("l1", 1.7, 10, 0, 1.01)],
)
def test_support_of_the_simulated_design(penalty, scale, exact, false, error):
    strength = scale * np.sqrt(2 * np.log(200) / 60)
    supports, errors = [], []
    for seed in range(10):
        arguments = {"penalty": penalty, "rows": 60, "columns": 200, "strength": strength, "seed": seed}
        result = nc.solve(load("sparse-regression", arguments), gradient_tolerance=1e-5)
        assert result.success, result.message
        supports.append(set(np.flatnonzero(result.x)))
        errors.append(((result.x - W) ** 2).sum())
    assert all(support >= TRUE for support in supports)
    assert sum(support == TRUE for support in supports) == exact
    assert sum(len(support - TRUE) for support in supports) == false
    assert np.mean(errors) == pytest.approx(error, rel=0.02)


def test_ramp_beats_hinge_under_flipped_labels(ramp_svm):
    accuracy = {}
    for loss in ("ramp", "hinge"):
        right = []
        for seed in range(5):
            result = nc.solve(load("ramp-svm", {"loss": loss, "seed": seed}), gradient_tolerance=1e-4)
            assert result.status is nc.Status.CONVERGED, result.message
            _, _, features, classes = ramp_svm.split(ramp_svm.BREAST_CANCER, 0.2, seed)
            right.append(np.mean(np.sign(features @ result.values["w"] + result.values["b"]) == classes))
        accuracy[loss] = np.mean(right)
    assert accuracy["ramp"] == pytest.approx(0.957, abs=0.002)
    assert accuracy["hinge"] == pytest.approx(0.942, abs=0.002)


@pytest.mark.parametrize(
    ("name", "arguments", "text"),
    [
        ("ramp-svm", {"flipped": 0.5}, "flipped is a part of the labels from 0 to below 1/2, not 0.5"),
        ("sparse-regression", {"columns": 3}, "needs at least 2 rows and 5 columns, not 60 and 3"),
    ],
)
def test_wrong_arguments(name, arguments, text):
    with pytest.raises(nc.NcsolveError, match=text):
        load(name, arguments)
