"""`--json` is strict JSON on one line, of every command that has it: NaN and infinity are null beside what says why."""

import json

import click

from ncsolve.cli import cli
from ncsolve.cli.group import COMMANDS
from ncsolve.extras import installed

UNDEFINED = """\
problem = nc.Problem(sp.log(x) + y**2 + sp.Symbol('b') * x, start={x: 1, y: 1}, parameters={'b': 0.0}, name='mine')
nowhere = nc.Problem(sp.log(-1 - x**2) + 1 / (x - y), start={x: 1, y: 1}, name='nowhere')
"""
LINES = [
    "solve mine.py -s gd --max-iterations 3 --x0 x=-1,y=0",
    "solve mine.py -s gd --out run -o step_size=0.3 --max-iterations 20",
    "resume run",
    "solve mine.py:nowhere -s gd --out nowhere",
    "runs",
    "rate run",
    "classify mine.py --at x=0,y=0",
    "classify mine.py --at x=-1,y=0",
    "check mine.py",
    "compare mine.py mine.py:nowhere -s gd -s adam --max-iterations 2",
    "landscape mine.py --box x=-1:1,y=-1:1 --max-boxes 20 --certify --out proof.json",
    "recheck proof.json",
    "continue mine.py --parameter b=0:1 --x0 x=1,y=0 --max-points 5",
    "spectrum mine.py --at x=1,y=0",
    "spectrum mine.py:nowhere --at x=1,y=0",
    "slice mine.py --at x=0.1,y=0 --dimensions 1 --points 5",
    "slice mine.py --at x=-1,y=0 --to x=1,y=0 --points 5",
    "constants mine.py --box x=0:1,y=-1:1 --max-boxes 20",
    "constants mine.py:nowhere --box x=0:1,y=-1:1 --max-boxes 5",
    "landscape mine.py:nowhere --box x=0:1,y=-1:1 --max-boxes 5",
    "symmetry mine.py",
    "verify mine.py -s gd --theorem gd-descent",
    "tune himmelblau -s gd --trials 2 --seeds 1 --max-evaluations 5",
    "solvers gd",
    "problems",
    "theorems gd-descent",
    "plugins list",
]


def commands(group, before=()):
    for name in COMMANDS if group is cli else group.list_commands(click.Context(group)):
        command = group.get_command(click.Context(group), name)
        if isinstance(command, click.Group):
            yield from commands(command, (*before, name))
        elif any("--json" in parameter.opts for parameter in command.params):
            yield " ".join([*before, name])


def test_no_command_is_left_out():
    assert {name for name in commands(cli) if not any(line.startswith(name) for line in LINES)} == set()


def refuse(word):
    raise AssertionError(f"{word} is no JSON")


def test_it_is_strict(run, problem_file):
    """One folder for all, since some read what others have kept."""
    problem_file(UNDEFINED)
    nulls = set()
    lines = [line for line in LINES if installed("optuna") or not line.startswith("tune")]
    for line in lines:
        done = run(*line.split(), "--json")
        assert (done.exit_code == 2, done.stdout.count("\n")) == (False, 1), (line, done.stderr)
        assert isinstance(json.loads(done.stdout, parse_constant=refuse), dict)
        if "null" in done.stdout:
            nulls.add(line)
    assert {line for line in LINES if "nowhere" in line} <= nulls
    assert {"classify mine.py --at x=-1,y=0", "runs", "rate run"} <= nulls
