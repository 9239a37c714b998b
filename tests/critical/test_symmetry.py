"""Linear symmetries: how many, their names, what gradient flow conserves, gauges, signs and permutations."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import sympy as sp

import ncsolve as nc
from ncsolve.critical.symmetries import conserved_value
from ncsolve.report.symmetry import conserved_texts

PAGE = Path(__file__).parents[2] / "docs" / "symmetry.md"
i, j, k = sp.symbols("i j k", integer=True)
x, y, z, w = sp.symbols("x y z w")


def factorisation(m, n, r, ridge=0):
    """1/2 |M - U V^T|^2 + ridge |(U, V)|^2 of a random M."""
    U, V, M = sp.IndexedBase("U", shape=(m, r)), sp.IndexedBase("V", shape=(n, r)), sp.IndexedBase("M", shape=(m, n))
    f = sp.Sum((M[i, j] - sp.Sum(U[i, k] * V[j, k], (k, 0, r - 1))) ** 2, (i, 0, m - 1), (j, 0, n - 1)) / 2
    f += ridge * sum(sp.Sum(W[i, k] ** 2, (i, 0, W.shape[0] - 1), (k, 0, r - 1)) for W in (U, V))
    return nc.Problem(f, variables=[U, V], data={M: np.random.default_rng(0).normal(size=(m, n))})


@pytest.mark.parametrize(
    ("shape", "dimension", "group", "conserved"),
    [
        ((3, 3, 1), 1, "GL(1)", 1),
        ((3, 3, 2), 4, "GL(2)", 3),
        ((4, 3, 3), 9, "GL(3)", 6),
        ((3, 3, 2, 1), 1, "SO(2)", 0),
        ((4, 3, 3, 1), 3, "SO(3)", 0),
        ((11, 10, 2), 4, "GL(2)", 3),
    ],
)
def test_factorisations(shape, dimension, group, conserved):
    """All matrices up to 24 variables, matrices along axes beyond."""
    problem = factorisation(*shape)
    found = nc.symmetry(problem)
    assert (len(found.generators), found.group, len(found.conserved)) == (dimension, group, conserved)
    assert len(found.gauge) == dimension
    at = np.random.default_rng(1).normal(size=problem.n)
    slope = nc.compile(problem).gradient(at) @ found.generators.directions(at)
    assert np.abs(slope).max() < 1e-9


@pytest.mark.parametrize(
    ("f", "dimension", "group"),
    [
        ((x * y * z - 1) ** 2, 2, "GL(1)^2"),
        (sp.cos(x - y), 1, "translation"),
        ((x**2 + y**2 - 1) ** 2 + (z * w - 1) ** 2, 2, "GL(1) x SO(2)"),
        ((x**2 + 2 * y**2 - 1) ** 2, 1, ""),
        ((x**2 + y**2 + z**2 - 1) ** 2, 3, "SO(3)"),
        (x**2 + y**4 + x * y, 0, ""),
        ((x - y) ** 2 + 1e-6 * x**3, 0, ""),
    ],
)
def test_groups(f, dimension, group):
    found = nc.symmetry(nc.Problem(f))
    assert (len(found.generators), found.group) == (dimension, group)


def test_atoms_move_rigidly():
    found = nc.symmetry(nc.load("lennard-jones"))
    assert (len(found.generators), found.group, len(found.conserved)) == (6, "E(3)", 3)


def test_gradient_flow_conserves_what_is_listed():
    """CONS2: (u^2 - v^2)+ = (u^2 - v^2) (1 - eta^2 f'^2) for one step of gradient descent on f(uv)."""
    u, v = sp.symbols("u v")
    problem = nc.Problem((u * v - 1) ** 2 / 2)
    found = nc.symmetry(problem)
    assert conserved_texts(found.conserved, problem) == ["u**2 - v**2"]
    at, eta = np.array([2.0, 0.3]), 0.1
    after = at - eta * nc.compile(problem).gradient(at)
    before = conserved_value(found.conserved, at)
    assert conserved_value(found.conserved, after) == pytest.approx(before * (1 - eta**2 * (0.6 - 1) ** 2), rel=1e-12)


def test_conserved_along_the_flow_of_a_factorisation():
    """CONS1: U^T U - V^T V drifts by O(eta^2) in one step."""
    problem = factorisation(3, 3, 2)
    found, oracle = nc.symmetry(problem), nc.compile(problem)
    at = np.random.default_rng(2).normal(size=problem.n)
    drifts = [
        np.abs(conserved_value(found.conserved, at - eta * oracle.gradient(at)) - conserved_value(found.conserved, at))
        for eta in (1e-3, 1e-4)
    ]
    assert drifts[0] / drifts[1] == pytest.approx([100] * 3, rel=1e-4)


def test_the_gauge_makes_the_minimum_nondegenerate():
    problem = factorisation(3, 3, 2)
    found, x = nc.symmetry(problem), nc.solve(problem).x
    H = nc.compile(problem).hessian(x, dense=True)
    free = np.setdiff1d(np.arange(problem.n), found.gauge)
    assert np.count_nonzero(np.linalg.eigvalsh(H) < 1e-5) == 4
    assert np.linalg.eigvalsh(H[np.ix_(free, free)])[0] > 1e-3


@pytest.mark.parametrize(
    ("f", "names"),
    [
        ((x * y - 1) ** 2, ["sign of x and y", "swap of x and y"]),
        (x**4 + y**2 + x * z**2, ["sign of y", "sign of z"]),
        (x**3 + y, []),
        (sp.Max(x, y) ** 2, ["swap of x and y"]),
    ],
)
def test_signs_and_permutations(f, names):
    assert [s.name for s in nc.symmetry(nc.Problem(f)).discrete] == names


def test_permutations_of_an_array():
    v = sp.IndexedBase("v", shape=(5,))
    every = nc.Problem(sp.Sum(v[i] ** 3, (i, 0, 4)))
    chain = nc.Problem(sp.Sum((v[i] - v[i + 1]) ** 4 * (1 + v[i] * v[i + 1]) ** 3, (i, 0, 3)))
    assert [s.name.split(":")[0] for s in nc.symmetry(every).discrete] == ["any permutation of the entries of v"] * 2
    assert [s.name for s in nc.symmetry(chain).discrete] == ["sign of v", "reversal of the entries of v"]
    for symmetry in nc.symmetry(chain).discrete:
        at = np.random.default_rng(0).normal(size=5)
        assert nc.compile(chain).value(symmetry(at)) == pytest.approx(nc.compile(chain).value(at), rel=1e-12)


def test_command(run, problem_file):
    file = problem_file("problem = nc.Problem((x*y - 1)**2)")
    data = json.loads(run("symmetry", file, "--json").stdout)
    assert (data["dimension"], data["group"], data["conserved"][0]["formula"]) == (1, "GL(1)", "x**2 - y**2")
    assert data["generators"] == [{"A": [[0, 0, 1.0], [1, 1, -1.0]], "b": []}]
    text = run("symmetry", file).stdout
    assert text.startswith("'mine' has a 1-dimensional symmetry: GL(1)\n")
    assert "x' = x, y' = -y" in text
    assert "no continuous symmetry" in run("symmetry", "himmelblau").stdout


def test_the_page_runs(tmp_path, monkeypatch):
    """Its commands, as they are written."""
    cells = re.findall(r"```\{code-cell\}\n%%bash\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PATH", str(Path(sys.executable).parent), prepend=os.pathsep)
    printed = [
        subprocess.run(["bash", "-eu", "-c", cell], capture_output=True, text=True, check=True).stdout for cell in cells
    ]
    assert "u**2 - v**2" in printed[0]
    assert "minimum, up to a 1-dimensional GL(1) symmetry" in printed[0]
    assert "E(3)" in printed[1]
