"""Real data: a perceptron on digits by mini-batches, and the format of MNIST."""

from __future__ import annotations

import gzip
import struct
import sys

import numpy as np
import pytest

import ncsolve as nc
from ncsolve.api import resolve
from ncsolve.problem import load
from ncsolve.problem.library import folder

sys.path.insert(0, str(folder()))
from _digits import accuracy, digits


@pytest.mark.parametrize(
    ("solver", "options"),
    [
        ("sgd", {"step_size": 0.3, "momentum": 0.9, "batch_size": 32}),
        ("adam", {"step_size": 0.005, "batch_size": 32}),
        ("svrg", {"step_size": 0.6, "batch_size": 32}),
    ],
)
def test_a_perceptron_reads_97_of_100_test_digits_within_30_epochs(solver, options):
    problem, table, best = load("digits-perceptron"), digits(), 0.0
    oracle, rng = nc.compile(problem), np.random.default_rng(0)
    solver, _ = resolve(solver, options, oracle)
    state = solver.init(oracle, problem.start_point(rng), rng)
    while best < 0.97:
        state = solver.step(oracle, state, rng)
        assert state.epochs <= 30, f"only {best:.4f}"
        best = max(best, accuracy(oracle.unpack(state.x), table.test_features, table.test_labels))


def idx(array):
    return struct.pack(f">4B{array.ndim}I", 0, 0, 8, array.ndim, *array.shape) + array.astype(np.uint8).tobytes()


@pytest.fixture
def mnist(tmp_path):
    """A folder like MNIST's, with 20 + 5 images of 4 x 4 pixels: the digit is the brightest of the first ten pixels."""
    rng = np.random.default_rng(0)
    for name, count in (("train", 20), ("t10k", 5)):
        images, labels = rng.integers(0, 50, (count, 16)), rng.integers(0, 10, count)
        images[np.arange(count), labels] = 255
        (tmp_path / f"{name}-images-idx3-ubyte.gz").write_bytes(gzip.compress(idx(images.reshape(-1, 4, 4))))
        (tmp_path / f"{name}-labels-idx1-ubyte").write_bytes(idx(labels))
    return tmp_path


def test_a_folder_in_the_format_of_mnist(mnist, run):
    table = digits(str(mnist), pixels=28)
    assert table.features.shape == (20, 16)
    assert table.test_features.shape == (5, 16)
    np.testing.assert_array_equal(table.features.argmax(axis=1), table.labels)
    assert table.features.max() == 1
    problem = load("digits-perceptron", {"data": str(mnist), "hidden": 6, "pixels": 4})
    result = nc.solve(problem, "adam", options={"batch_size": 5, "step_size": 0.05}, max_iterations=60, escape=False)
    assert accuracy(result.values, table.features, table.labels) == 1
    solved = run(
        "solve", "digits-perceptron", "-p", f"data={mnist}", "-p", "hidden=2", "-s", "sgd", "--max-iterations", "2"
    )
    assert "W1" in solved.output


def test_coarse_images_average_their_neighbours():
    fine, coarse = digits(), digits(pixels=2, rows=7)
    assert coarse.features.shape == (7, 4)
    np.testing.assert_allclose(coarse.features.mean(axis=1), fine.features[:7].mean(axis=1))


@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        (lambda f: (f / "t10k-labels-idx1-ubyte").unlink(), "there is neither .*t10k-labels-idx1-ubyte nor"),
        (
            lambda f: (f / "t10k-labels-idx1-ubyte").write_bytes(b"\x00\x00\x0d\x01"),
            "is not an IDX file of unsigned bytes",
        ),
        (lambda f: (f / "t10k-labels-idx1-ubyte").write_bytes(idx(np.arange(5))[:-1]), "holds 5 bytes, but it holds 4"),
        (lambda f: (f / "t10k-labels-idx1-ubyte").write_bytes(idx(np.arange(4))), "t10k has images of shape"),
    ],
)
def test_damaged_folders_are_refused(mnist, spoil, message):
    spoil(mnist)
    with pytest.raises(nc.NcsolveError, match=message):
        load("digits-perceptron", {"data": str(mnist)})


def test_matrix_factorisation_by_sgd():
    problem = load("matrix-completion")
    result = nc.solve(problem, "sgd", options={"batch_size": 16, "step_size": 1.0}, max_iterations=30, target=1e-6)
    assert result.status is nc.Status.TARGET
    rng = np.random.default_rng(0)
    truth = rng.normal(size=(60, 3)) @ rng.normal(size=(3, 60)) / np.sqrt(3)
    found = result.values["U"] @ result.values["V"].T
    assert np.sqrt(np.mean((found - truth) ** 2)) < 0.01, "the entries that were not observed"
