"""Problems in files: which one is meant, with which arguments, and every way in which a file can be wrong."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pytest

from ncsolve.errors import ProblemError
from ncsolve.problem import load

HEAD = "import sympy as sp\nimport ncsolve as nc\nx, y = sp.symbols('x y')\n"


@pytest.fixture
def write(tmp_path, monkeypatch):
    """Write a file into an empty folder, which is the current one."""
    monkeypatch.chdir(tmp_path)

    def write(text: str, name: str = "file.py", head: str = HEAD) -> str:
        Path(name).write_text(head + text, encoding="utf-8")
        return name

    return write


def test_the_example_of_the_interface(write):
    write(
        '''"""Chained Rosenbrock: one narrow curved valley. [Rosenbrock 1960]"""
import sympy as sp
import ncsolve as nc

def problem(n: int = 10) -> nc.Problem:
    x = sp.IndexedBase("x", shape=(n,))
    i = sp.Symbol("i", integer=True)
    return nc.Problem(
        sp.Sum(100 * (x[i + 1] - x[i] ** 2) ** 2 + (1 - x[i]) ** 2, (i, 0, n - 2)),
        bounds={x: (-5, 5)},
        start={x: -1.2},
        known=[nc.Minimum({x: 1.0}, value=0.0)],
    )
''',
        "rosen.py",
        head="",
    )
    problem = load("rosen.py", {"n": "1000"})
    assert problem.n == 1000
    assert problem.name == "rosen"
    assert problem.description == "Chained Rosenbrock: one narrow curved valley. [Rosenbrock 1960]"
    assert problem.source == "rosen.py:problem -p n=1000"
    assert problem.known[0].kind == "minimum"


def test_problem_is_the_default_among_several(write):
    write("problem = nc.Problem(x**2)\ndef other() -> nc.Problem:\n    return nc.Problem(y**2)\n")
    assert load("file.py").variables[0].name == "x"
    assert load("file.py:other").variables[0].name == "y"
    assert load("file.py:other").name == "other"


@pytest.mark.parametrize(
    "text",
    [
        "bowl = nc.Problem(x**2)",
        "def bowl() -> nc.Problem:\n    return nc.Problem(x**2)",
        "def bowl() -> 'nc.Problem':\n    return nc.Problem(x**2)",
        "def bowl():\n    return nc.Problem(x**2)",
        "def helper():\n    return 3\ndef _hidden():\n    return nc.Problem(y)\nbowl = nc.Problem(x**2)",
        "import functools\n@functools.cache\ndef bowl():\n    return nc.Problem(x**2)",
        "from math import sqrt\nfrom ncsolve import Problem\ndef bowl(a=2):\n    return Problem(x**a)",
    ],
)
def test_the_only_one_is_meant(write, text):
    write(text)
    assert load("file.py").variables[0].name == "x"
    assert load("file.py").source == "file.py:bowl"


def test_future_annotations(write):
    write(
        "from __future__ import annotations\n"
        + HEAD
        + "def problem(a: int) -> nc.Problem:\n    return nc.Problem(x**a)",
        head="",
    )
    assert load("file.py", {"a": "4"}).objective.as_base_exp()[1] == 4


def test_a_name_and_description_of_its_own_stay(write):
    write("problem = nc.Problem(x**2, name='bowl', description='round')")
    assert (load("file.py").name, load("file.py").description) == ("bowl", "round")


def test_its_folder_can_be_imported_from_and_read(write, tmp_path, monkeypatch):
    folder = tmp_path / "there"
    folder.mkdir()
    (folder / "table.csv").write_text("1,2,3")
    (folder / "helper_of_this_test.py").write_text("SCALE = 5\n")
    (folder / "file.py").write_text(
        HEAD
        + "from pathlib import Path\nimport numpy as np\nfrom helper_of_this_test import SCALE\n"
        + "table = np.loadtxt(Path(__file__).parent / 'table.csv', delimiter=',')\n"
        + "problem = nc.Problem(SCALE * x**2 + table.sum())\n"
    )
    before = list(sys.path)
    problem = load("there/file.py")
    assert problem.objective.subs("x", 0) == 6.0
    assert sys.path == before


def test_loading_leaves_no_bytecode(write, tmp_path):
    write("problem = nc.Problem(x**2)")
    load("file.py")
    assert [path.name for path in tmp_path.iterdir()] == ["file.py"]


FACTORY = """
from pathlib import Path
from typing import Literal, Optional
import numpy as np

def problem(a, n: int = 2, s: float = 1.0, b: bool = False, t="text", p: Path = Path("p"), o: Optional[int] = None,
            u: int | str = 0, c: Literal["one", "two"] = "one", k=3, z: np.ndarray = None) -> nc.Problem:
    return nc.Problem(x**2, description=repr((a, n, s, b, t, p.name, o, u, c, k)))
"""


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        ({}, "('1', 2, 1.0, False, 'text', 'p', None, 0, 'one', 3)"),
        ({"n": "1e3", "s": "2"}, "('1', 1000, 2.0, False, 'text', 'p', None, 0, 'one', 3)"),
        ({"b": "Yes", "t": "7"}, "('1', 2, 1.0, True, '7', 'p', None, 0, 'one', 3)"),
        ({"p": "/q/r", "o": "4", "u": "five"}, "('1', 2, 1.0, False, 'text', 'r', 4, 'five', 'one', 3)"),
        ({"o": "none", "c": "two", "b": "off", "k": "9"}, "('1', 2, 1.0, False, 'text', 'p', None, 0, 'two', 9)"),
        ({"n": 7, "t": 8}, "('1', 7, 1.0, False, 8, 'p', None, 0, 'one', 3)"),
    ],
)
def test_arguments_are_converted(write, arguments, expected):
    write(FACTORY)
    described = load("file.py", {"a": "1", **arguments}).description
    assert described == expected.replace("('1'", "(1")


def test_an_argument_without_type_is_guessed(write):
    write(FACTORY)
    assert load("file.py", {"a": "1.5"}).description.startswith("(1.5,")
    assert load("file.py", {"a": "blue"}).description.startswith("('blue',")


WRONG_ARGUMENTS = {
    "unknown": (
        {"a": "1", "nn": "3"},
        "file.py:problem has no parameter 'nn'. Did you mean 'n'? Its parameters are a, n,",
    ),
    "missing": ({}, "file.py:problem needs the parameter 'a': add -p a=..."),
    "not an int": ({"a": "1", "n": "abc"}, "-p n=abc: 'abc' is not an int."),
    "not whole": ({"a": "1", "n": "1.5"}, "-p n=1.5: '1.5' is not an int."),
    "not finite": ({"a": "1", "n": "inf"}, "-p n=inf: 'inf' is not an int."),
    "not a float": ({"a": "1", "s": "x"}, "-p s=x: 'x' is not a float."),
    "not a bool": ({"a": "1", "b": "maybe"}, "-p b=maybe: 'maybe' is not a bool."),
    "not an optional int": ({"a": "1", "o": "x"}, "-p o=x: 'x' is not an int."),
    "not a choice": ({"a": "1", "c": "ones"}, "-p c=ones: choose one of one, two. Did you mean 'one'?"),
    "no text": ({"a": "1", "z": "1"}, "-p z=1: a parameter of type ndarray cannot be given as text."),
}


@pytest.mark.parametrize("case", WRONG_ARGUMENTS)
def test_wrong_arguments(write, case):
    arguments, text = WRONG_ARGUMENTS[case]
    write(FACTORY)
    with pytest.raises(ProblemError) as caught:
        load("file.py", arguments)
    assert text in str(caught.value)


WRONG_FILES = {
    "syntax": (
        "problem = nc.Problem(x**2",
        "file.py",
        "file.py, line 4: '(' was never closed: problem = nc.Problem(x**2",
    ),
    "exception": ("a = 1\nb = a / 0\n", "file.py", "file.py, line 5: ZeroDivisionError: division by zero"),
    "import": (
        "import no_such_module_here",
        "file.py",
        "line 4: ModuleNotFoundError: No module named 'no_such_module_here'",
    ),
    "exit": ("raise SystemExit(3)", "file.py", "file.py, line 4: SystemExit: 3"),
    "declaration": (
        "a = 1\nproblem = nc.Problem('x**2')",
        "file.py",
        "file.py, line 5: The objective is the text 'x**2'",
    ),
    "inside a function": (
        "def problem():\n    return nc.Problem(x, bounds={y: (0, 1)})",
        "file.py",
        "file.py, line 5: bounds: there is no variable 'y'.",
    ),
    "deep": ("def f():\n    return int('a')\nf()", "file.py", "file.py, line 5: ValueError: invalid literal for int()"),
    "empty": ("", "file.py", "file.py contains no problem. Write `problem = nc.Problem(...)`"),
    "several": (
        "a = nc.Problem(x)\nb = nc.Problem(y)\n",
        "file.py",
        "file.py offers a and b. Say which one: file.py:a",
    ),
    "unknown": (
        "bowl = nc.Problem(x)\ndish = nc.Problem(y)",
        "file.py:bow",
        "file.py has no problem 'bow'. Did you mean 'bowl'? It offers bowl and dish.",
    ),
    "unknown in an empty one": ("", "file.py:a", "file.py has no problem 'a'. It offers nothing."),
    "not a problem": ("a = 3", "file.py:a", "file.py:a is a int, not a Problem or a function that returns one."),
    "returns something else": (
        "def problem():\n    return x",
        "file.py",
        "file.py:problem() returned a Symbol, not a Problem.",
    ),
}


@pytest.mark.parametrize("case", WRONG_FILES)
def test_wrong_files(write, case):
    text, reference, message = WRONG_FILES[case]
    write(text)
    with pytest.raises(ProblemError) as caught:
        load(reference)
    assert message in str(caught.value)


def test_arguments_for_a_finished_problem(write):
    write("problem = nc.Problem(x)")
    with pytest.raises(
        ProblemError, match=r"file.py:problem is a finished problem, not a function: it takes no -p n\."
    ):
        load("file.py", {"n": "3"})


def test_a_file_that_is_not_there(write):
    write("")
    with pytest.raises(ProblemError, match=r"^fil\.py: this file does not exist\. Did you mean 'file\.py'\?$"):
        load("fil.py")
    with pytest.raises(ProblemError, match=r"^no/where: this file does not exist\.$"):
        load("no/where")


def test_a_folder(tmp_path):
    with pytest.raises(ProblemError, match="this file is a folder"):
        load(str(tmp_path))


def test_a_file_that_is_not_text(write, tmp_path):
    (tmp_path / "bytes.py").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(ProblemError, match=r"^bytes\.py"):
        load("bytes.py")


def test_a_broken_helper_is_named(write, tmp_path):
    write("import helper_with_a_hole")
    (tmp_path / "helper_with_a_hole.py").write_text("a = (\n")
    with pytest.raises(ProblemError, match=r"helper_with_a_hole\.py, line 1: '\(' was never closed"):
        load("file.py")


def test_start_belongs_to_the_seed(write):
    write("problem = nc.Problem(x**2 + y**2, start=nc.Normal(5, 0.1))")
    points = [load("file.py").start_point(np.random.default_rng(1)) for _ in range(2)]
    assert (points[0] == points[1]).all()
    assert points[0] == pytest.approx([5, 5], abs=1)
