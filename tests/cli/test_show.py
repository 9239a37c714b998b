"""`ncsolve show`: formulas, structure, source."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest


def test_objective_gradient_and_structure(run):
    text = run("show", "himmelblau").stdout
    for part in (
        "himmelblau: Himmelblau: four equal minima",
        "f = ⎝x + y  - 7⎠",
        "\ndf",
        "\n── = ",
        "\ndx",
        "\ndy",
        "structure",
        "2 variables: x, y",
    ):
        assert part in text


def test_sums_stay_sums(run):
    text = run("show", "rosenbrock", "-p", "n=1000000").stdout
    assert "1000000 variables: x[1000000]" in text
    assert "999998" in text
    assert len(text.splitlines()) < 40


def test_a_terminal_without_unicode():
    environment = {**os.environ, "PYTHONIOENCODING": "ascii"}
    command = [sys.executable, "-m", "ncsolve", "show", "himmelblau"]
    done = subprocess.run(command, env=environment, capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (0, "")
    assert "f = \\x + y  - 7/" in done.stdout


def test_latex(run):
    lines = run("show", "himmelblau", "--latex").stdout.splitlines()
    assert len(lines) == 3
    assert lines[0] == r"\[ f = \left(x + y^{2} - 7\right)^{2} + \left(x^{2} + y - 11\right)^{2} \]"
    assert all(line.startswith(r"\[ ") and line.endswith(r" \]") for line in lines)


def test_code_is_python(run):
    code = run("show", "himmelblau", "--code").stdout
    compile(code, "generated", "exec")
    assert "def gradient(" in code


def test_many_and_long_formulas_are_cut(run, problem_file):
    file = problem_file("""
xs = sp.symbols("x:60")
problem = nc.Problem(sum(sp.exp(a * b) for a, b in zip(xs, xs[1:])) + sum(a**4 for a in xs))""")
    text = run("show", file).stdout
    assert "... and 40 more; --latex prints them all" in text
    assert "60 variables" in text
    assert len(run("show", file, "--latex").stdout.splitlines()) == 61


def test_a_penalty_is_shown(run, problem_file):
    file = problem_file("problem = nc.Problem(x**2 + y**2, penalty=[nc.L1(0.1, on=x), nc.MCP(2, on=y)])")
    assert "plus the penalty\n  L1(0.1) on x\n  MCP(2, 3) on y\n" in run("show", file).output


@pytest.mark.parametrize(
    ("arguments", "first"),
    [
        (["himmelblau", "--code"], "import numpy as np"),
        (["--code", "himmelblau"], "import numpy as np"),
        (["himmelblau", "--code", "--latex"], "import numpy as np"),
        (["himmelblau", "--code", "jax"], "import jax"),
        (["--code=casadi", "himmelblau"], "import casadi as ca"),
    ],
)
def test_code_of_a_library(run, arguments, first):
    lines = run("show", *arguments).stdout.splitlines()
    assert next(line for line in lines if line.startswith("import")) == first
    assert "def hessian(x):" in lines


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ("himmelblau --code=nunpy", "unknown library 'nunpy'. Did you mean 'numpy'?"),
        ("himmelblau --code nunpy", "unknown library 'nunpy'. Did you mean 'numpy'?"),
        ("--code nunpy himmelblau", "unknown library 'nunpy'. Did you mean 'numpy'?"),
        ("himmelblau himmelblau --code", "Got unexpected extra argument (himmelblau)"),
        ("--code himelblau", "no problem 'himelblau'"),
        ("himmelblau --code --ltex", "No such option '--ltex'"),
    ],
)
def test_a_wrong_word_beside_code(run, arguments, message):
    result = run("show", *arguments.split())
    assert result.exit_code == 2
    assert message in result.stderr


def test_the_page_about_exported_files_runs(monkeypatch):
    folder = Path(__file__).resolve().parents[2] / "docs"
    monkeypatch.chdir(folder)
    monkeypatch.setenv("PATH", f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}")
    for cell in re.findall(r"```\{code-cell\}\n(.*?)```", (folder / "elsewhere.md").read_text(), flags=re.DOTALL):
        if cell.startswith("%%bash"):
            done = subprocess.run(["bash", "-eu", "-c", cell.removeprefix("%%bash")], capture_output=True, text=True)
            assert (done.returncode, done.stderr) == (0, "")
            assert done.stdout
        elif not cell.startswith(":tags:"):
            exec(cell, {})
