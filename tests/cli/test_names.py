"""Names and descriptions with anything in them: the store, the terminal and pictures show them as text.

The page has its tests in tests/report.
"""

import json
from pathlib import Path
from unicodedata import category

import pytest

import ncsolve as nc
import ncsolve.cli

NAME = '<b>a</b>/../"q"\n\'$b_{$\\\x1b[31m\ud800\r'
SHOWN = '<b>a</b>/../"q"\n\'$b_{$\\\\x1b[31m\\ud800\\r'
"""Quotes, line breaks and tags stay; what a terminal or a file would take amiss are escapes."""
CELL = SHOWN.replace("\n", "\\n")


@pytest.fixture
def file(problem_file):
    text = f"problem = nc.Problem(x**2 + y**2, start={{x: 1, y: 1}}, name={NAME!a}, description={NAME!a})"
    return problem_file(text)


def test_on_the_terminal_and_in_the_store(run, file, tmp_path):
    done = run("solve", file, "-s", "gd", "--out", "kept\nhere")
    assert (done.exit_code, done.stderr) == (0, "")
    assert done.stdout.startswith(f"minimum of '{SHOWN}' by gd\n")
    assert json.loads((tmp_path / "kept\nhere" / "run.json").read_text())["problem"] == SHOWN
    assert json.loads(run("runs", "--json").stdout)["runs"][0]["problem"] == SHOWN
    assert json.loads(run("runs", "--json", "--problem", SHOWN).stdout)["runs"][0]["path"] == "kept\nhere"
    _, row = run("runs").stdout.splitlines()
    assert row.startswith(f"kept\\nhere  {CELL}  gd ")
    assert run("show", file).stdout.startswith(f"{SHOWN}: {SHOWN}\n")
    assert len(run("compare", file, "-s", "gd").stdout.splitlines()) == 2
    assert run("resume", "kept\nhere").exit_code == 0


def test_an_exported_file_is_python(run, file):
    code = run("show", file, "--code").stdout
    names = {}
    exec(compile(code, "exported", "exec"), names)
    assert names["__doc__"].startswith(f"{SHOWN}: {SHOWN}.\n")


@pytest.mark.parametrize("command", ["solve", "slice", "compare -s gd", "continue --parameter b=0:1"])
def test_in_pictures(run, problem_file, tmp_path, command):
    more = ", parameters={'b': 0.5}" if command.startswith("continue") else ""
    f = "x**2 + y**2" + (" + sp.Symbol('b') * x" if more else "")
    file = problem_file(f"problem = nc.Problem({f}, start={{x: 1, y: 1}}, name={NAME!a}{more})")
    name, *options = command.split()
    done = run(name, file, *options, "--plot", "a.svg")
    assert (done.exit_code, done.stderr) == (0, "")
    assert (tmp_path / "a.svg").stat().st_size > 1000


def test_of_a_file(run, problem_file):
    problem_file("problem = nc.Problem(x**2)", "a\x1b[31m.py")
    assert nc.load("a\x1b[31m.py").name == "a\\x1b[31m"


SYMBOL = "u\x1b[31m\r\u202e\ud800"
EVERYWHERE = f"""\
u, p = sp.Symbol({SYMBOL!a}), sp.Symbol({"p" + SYMBOL!a})
names = dict(parameters={{p: 0.5}}, metrics={{{"m" + SYMBOL!a}: lambda values: 1.0}}, constants={{"minimum": 0.0}})
problem = nc.Problem(sp.log(u) ** 2 + p * y**2, start={{u: 2.0, y: 1.0}}, bounds={{u: (0.1, 3), y: (-1, 2)}}, **names)
"""


@pytest.mark.parametrize(
    "line",
    [
        "solve mine.py -s gd --max-iterations 3",
        "solve mine.py --x0 1",
        "show mine.py",
        "show mine.py --latex",
        "solve mine.py --x0 \x1b=1",
        "solve mine.py -s gd\x1b",
        "solve mine.py -o step\x1b=1",
        "solve mine.py --\x1b[31m",
        "solve mine.py --seed \x1b[31m",
        "solve mine\x1b[31m.py",
        "solve\x1b[31m",
        "resume \x1b[31m",
        "plugins \x1b[31m",
    ],
)
def test_nothing_that_a_terminal_obeys_is_printed(run, problem_file, line):
    problem_file(EVERYWHERE)
    done = run(*line.split(" "))
    obeyed = {letter for letter in done.output if category(letter) in ("Cc", "Cs") or letter == "\u202e"}
    assert obeyed <= {"\n"}
    assert "\\x1b" in done.output


def test_no_command_prints_past_the_one_place():
    folder = Path(ncsolve.cli.__file__).parent
    past = {path.name for path in folder.glob("*.py") if "click.echo" in path.read_text()}
    assert past == {"say.py", "line.py"}
