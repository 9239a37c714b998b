"""What all tests share: reproducible property tests, and the command line called in this process."""

from __future__ import annotations

from pathlib import Path

import hypothesis
import pytest
from click.testing import CliRunner, Result


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--whole", action="store_true", help="run every solver on every problem, not a part in turns")


hypothesis.settings.register_profile("ncsolve", derandomize=True, deadline=None)
hypothesis.settings.load_profile("ncsolve")

PROBLEM_HEAD = """\
import numpy as np
import sympy as sp
import ncsolve as nc

x, y = sp.symbols("x y")
i = sp.Symbol("i", integer=True)
v, A = sp.IndexedBase("v", shape=(3,)), sp.IndexedBase("A", shape=(3,))
"""


@pytest.fixture
def run():
    """`run("solve", "himmelblau")`: the result of the command, which may exit but never raise."""

    def run(*arguments: str) -> Result:
        from ncsolve.cli import cli

        result = CliRunner().invoke(cli, arguments, prog_name="ncsolve")
        assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
        return result

    return run


@pytest.fixture
def problem_file(tmp_path, monkeypatch):
    """`problem_file("problem = nc.Problem(x**2)")` writes `mine.py` into an empty working folder and returns its name.

    x, y, i, v (3 unknowns) and A (3 data) are there already.
    """
    monkeypatch.chdir(tmp_path)

    def write(text: str, name: str = "mine.py") -> str:
        Path(name).write_text(PROBLEM_HEAD + text + "\n")
        return name

    return write
