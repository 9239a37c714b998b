"""Generated command lines and problem files: an exit code and an error message, but no traceback and no hang.

    python benchmarks/commands.py [--count 10000] [--seed 0]

Command lines are drawn from the commands' own declarations: options with values that fit, nearly fit or do not; names
of problems and solvers, some misspelt. Problem files are good ones in which a few characters were dropped, doubled or
put in. Command k depends on the seed and k alone. Everything runs in this process, in an empty folder that is thrown
away.
"""

from __future__ import annotations

import contextlib
import io
import random
import shlex
import shutil
import tempfile
import traceback
import warnings
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import click
from _campaign import WRONG, Tally, arguments
from click.testing import CliRunner

from ncsolve.cli import cli
from ncsolve.cli.group import COMMANDS

SKIPPED = {"executor", "jobs", "help", "plot", "export", "solvers_for"}
"""Options that start other processes, or draw what other tests look at."""
SMALL = {
    "solve": ["--max-iterations", "5", "--max-seconds", "2"],
    "compare": ["--max-iterations", "5", "--max-seconds", "2"],
    "landscape": ["--max-boxes", "50"],
    "constants": ["--max-boxes", "50"],
    "tune": ["--trials", "2", "--seeds", "1", "--max-evaluations", "20"],
    "verify": [],
}
LISTED = "himmelblau rosenbrock six-hump-camel monkey-saddle x2-3sin2 logistic-regression clusters hs71"
SOLVERS = "auto gd adam lbfgs trust-region als kmeans pso prox-gradient gda scipy:BFGS"
ODD = (
    "0 1 -1 1e309 nan inf 2.5 x x=1 x=0,y=0 x=-1:1,y=-1:1 x=1:-1 é ' a=b=c -- a/ b/ step_size=0.1 step_size=x n=3 n=-3 "
    "n=1e9x <b> mine.py mine.py:problem mine.py:nothing here gd-pl-linear GD1"
)
WORDS = (*ODD.split(), "", "\n")
FILES = (
    """\
import sympy as sp
import ncsolve as nc
x, y = sp.symbols('x y')
problem = nc.Problem((x - 1) ** 2 + y ** 4, start={x: 2, y: 1})
""",
    """\
import numpy as np
import sympy as sp
import ncsolve as nc
w = sp.IndexedBase('w', shape=(3,))
A = sp.IndexedBase('A', shape=(4, 3))
i, j = sp.symbols('i j', integer=True)
residual = sp.Sum(A[i, j] * w[j], (j, 0, 2)) - 1
problem = nc.Problem(sp.Sum(residual ** 2, (i, 0, 3)), data={A: np.ones((4, 3))}, start={w: 0.5})
""",
    """\
import sympy as sp
import ncsolve as nc
def problem(n: int = 2, scale: float = 1.0):
    x = sp.IndexedBase('x', shape=(n,))
    i = sp.Symbol('i', integer=True)
    return nc.Problem(sp.Sum(scale * sp.cos(x[i]) + x[i] ** 2, (i, 0, n - 1)), bounds={x: (-1, 2)})
""",
)
FAMILY = """\
import sympy as sp
import ncsolve as nc
x, y, lam, scale = sp.symbols('x y lam scale')
f = x**4 / 4 - lam * x**2 / 2 + y**2 + scale * x * y / 3
problem = nc.Problem(f, bounds={x: (-3, 3), y: (-2, 2)}, start={x: 1, y: 0}, parameters={lam: 0.5, scale: 1})
"""
FITTING = {
    "continue problem": "family.py family.py family.py mine.py himmelblau",
    "box": "x=-1:1,y=-1:1 x=-5:5,y=-5:5 x=-1:1",
    "at": "x=0,y=0 0,0 x=1,y=1",
    "x0": "x=0,y=0 x=3,y=2 zeros",
    "params": "n=3 lam=0.5",
    "options": "step_size=0.1 momentum=0.5",
    "theorem": "gd-pl-linear GD1 gd-descent",
    "name": "himmelblau gd GD3a",
    "target": "0.1 -1",
    "parameter": "lam=0:1 scale=0:2 n=2:4",
    "only": "step_size",
    "ranges": "step_size=0.01:1",
    "backend": "auto numpy",
    "gradient_tolerance": "1e-6 0.1",
    "begin": "x=0,y=0",
    "end": "x=1,y=1",
}
"""Values by the name of what they are for, of one command or of all."""
KEPT = (
    "solve rosenbrock -s gd --max-iterations 40 --out here",
    "landscape himmelblau --box x=-6:6,y=-6:6 --certify --out proof.json",
)
"""What makes the run and the report that commands about kept things find."""


def mutated(text: str, rng: random.Random) -> str:
    """A file with a few characters dropped, doubled or put in; often none."""
    for _ in range(rng.choice((0, 0, 1, 1, 2, 5))):
        k, m = sorted(rng.randrange(len(text)) for _ in range(2))
        m = min(m, k + rng.randrange(1, 12))
        middle = ("", 2 * text[k:m], rng.choice("()[]*/-.0x'\n#%é"))
        text = text[:k] + rng.choice(middle) + text[m:]
    return text


def value_of(parameter: click.Parameter, command: str, rng: random.Random) -> str:
    """A value for an option or argument: one that fits in most cases."""
    if rng.random() < 0.1:
        return rng.choice(WORDS)
    kind, name = parameter.type, parameter.name or ""
    for known in (f"{command} {name}", name):
        if known in FITTING:
            return rng.choice(FITTING[known].split())
    if isinstance(kind, click.Choice):
        return str(rng.choice(list(kind.choices)))
    if isinstance(kind, (click.types.IntParamType, click.IntRange)):
        return str(rng.choice((0, 1, 2, 3, 7, -1)))
    if isinstance(kind, (click.types.FloatParamType, click.FloatRange)):
        return rng.choice(("0.5", "1e-3", "2", "0", "-1"))
    if "solver" in name:
        return rng.choice(SOLVERS.split())
    if "problem" in name:
        return misspelt(rng.choice([*LISTED.split(), "mine.py"]), rng)
    if isinstance(kind, (click.Path, click.File)) or name in ("out", "folder", "run", "runs", "report", "folders"):
        return rng.choice(("here", "here", "proof.json", "there", "mine.py", "missing/deep"))
    return rng.choice(WORDS)


def misspelt(name: str, rng: random.Random) -> str:
    k = rng.randrange(len(name))
    return name[:k] + name[k + 1 :] if rng.random() < 0.08 else name


def command_line(rng: random.Random) -> list[str]:
    """One command with some of its options."""
    name = rng.choice(COMMANDS)
    if rng.random() < 0.02:
        return [misspelt(name, rng), *rng.sample(WORDS, 2)]
    command = cli.get_command(click.Context(cli), name)
    assert command is not None
    line = [name]
    if isinstance(command, click.Group):
        below = rng.choice([c for c in command.list_commands(click.Context(command)) if c != "test"])
        line.append(below)
        command = command.get_command(click.Context(command), below)
        assert command is not None
    for parameter in command.params:
        if parameter.name in SKIPPED:
            continue
        if isinstance(parameter, click.Argument):
            count = 1 if parameter.nargs == 1 else rng.choice((0, 1, 1, 2))
            line += [value_of(parameter, name, rng) for _ in range(count)]
        elif parameter.required or rng.random() < 0.08:
            option = rng.choice(parameter.opts)
            flag = isinstance(parameter, click.Option) and (parameter.is_flag or parameter.count)
            line += [option] if flag else [option, value_of(parameter, name, rng)]
    return line + SMALL.get(name, [])


def ended(line: list[str]) -> str:
    """The exit code, or what went wrong."""
    result = CliRunner().invoke(cli, line, prog_name="ncsolve")
    error = result.exception
    if error is not None and not isinstance(error, SystemExit):
        where = "".join(traceback.format_exception(error)[-3:])
        return f"{WRONG}{type(error).__name__}: {error}\n{where}"
    if "Traceback" in result.output:
        return f"{WRONG}a traceback in what it prints: {result.output[-800:]}"
    if result.exit_code not in (0, 1, 2, 3, 4, 5, 130):
        return f"{WRONG}exit code {result.exit_code}"
    if result.exit_code and not result.output.strip():
        return f"{WRONG}it fails without a word"
    return f"{line[0]:10} exit code {result.exit_code}"


def run(seed: int, numbers: range, title: str = "") -> Tally:
    """How some of the commands ended, and what went wrong."""

    def endings(k: int, kept: str) -> Iterator[str]:
        rng = random.Random(f"{seed} {k}")
        with tempfile.TemporaryDirectory() as folder, contextlib.chdir(folder):
            shutil.copytree(kept, folder, dirs_exist_ok=True)
            text = mutated(rng.choice(FILES), rng)
            Path("mine.py").write_text(text)
            line = command_line(rng)
            with warnings.catch_warnings(), contextlib.redirect_stderr(io.StringIO()):
                warnings.simplefilter("ignore")
                ending = ended(line)
        shown_file = f"--- mine.py\n{text}" if "mine.py" in line else ""
        yield f"{ending}\nncsolve {shlex.join(line)}\n{shown_file}" if ending.startswith(WRONG) else ending

    with tempfile.TemporaryDirectory() as kept:
        with contextlib.chdir(kept):
            Path("family.py").write_text(FAMILY)
            for line in KEPT:
                CliRunner().invoke(cli, line.split())
        return Tally().run(((str(k), partial(endings, k, kept)) for k in numbers), title)


def main() -> None:
    given = arguments(__doc__)
    tally = run(given.seed, range(given.first, given.first + given.count), "commands")
    tally.finish(f"{given.count} command lines, seed {given.seed}")


if __name__ == "__main__":
    main()
