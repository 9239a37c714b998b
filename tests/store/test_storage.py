"""What can happen to files: the short form of benchmarks/storage.py."""

import importlib.util
import sys
from pathlib import Path

import numpy as np
import pytest


@pytest.fixture
def storage(monkeypatch):
    path = Path(__file__).parents[2] / "benchmarks" / "storage.py"
    spec = importlib.util.spec_from_file_location("benchmark_storage", path)
    module = importlib.util.module_from_spec(spec)
    monkeypatch.syspath_prepend(path.parent)
    monkeypatch.setitem(sys.modules, spec.name, module)
    spec.loader.exec_module(module)
    monkeypatch.setattr(module, "SOLVERS", ("gd", "lbfgs"))
    return module


@pytest.fixture
def rng():
    return np.random.default_rng(0)


def test_a_full_disk(storage, rng, tmp_path):
    counts = storage.full(6, rng, tmp_path)
    assert not storage.wrong(counts)
    for what in ("a full disk, a new run", "a full disk, a run that goes on"):
        assert counts[what, "told at the end"] > 0
        assert counts[what, "room enough"] > 0


def test_damaged_checkpoints(storage, rng, tmp_path):
    counts = storage.damaged(24, rng, tmp_path)
    assert not storage.wrong(counts)
    assert counts["a truncated checkpoint", "clear error"] == 24
    assert counts["a flipped checkpoint", "clear error"] > 12


def test_foreign_checkpoints(storage, rng, tmp_path):
    counts = storage.foreign(1, rng, tmp_path)
    assert not storage.wrong(counts)
    assert {what for what, end in counts if end == "right bits"} == {"of another solver, whole", "put back"}
