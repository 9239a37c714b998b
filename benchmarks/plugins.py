"""Broken plugins x problems x ways to run them: the message names the plugin, and nobody else is harmed.

    python benchmarks/plugins.py [--count 10000] [--seed 0]

A plugin is broken in one place (benchmarks/_faults.py): what its solver does at init, in its third step or in a loop of
its own, what it declares, what its module registers, or the backend that it brings. It meets a plain, a bounded, a
penalised, a constrained and a min-max problem and one over data, by `solve`, `solve --starts`, `compare`, and `solve
--out` with `resume`. Each command must end with a status that the fault deserves, or refuse with one message; name the
plugin; print strict JSON and no traceback; and hand back a point that is no worse than the start, with the objective
there. Afterwards a healthy plugin must give the same bits as before.

The count is of plugins, each of which meets some thirty commands; their order depends on the seed.
"""

from __future__ import annotations

import itertools
import json
import random
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from importlib.metadata import EntryPoint, entry_points
from pathlib import Path
from typing import Any

import _faults
import numpy as np
from _campaign import WRONG, Hang, Tally, arguments
from _faults import Fault
from click.testing import CliRunner, Result

from ncsolve import hooks
from ncsolve.cli import cli
from ncsolve.oracle import Oracle, compile

NEEDS = {
    "plain": {"gradient", "bounds", "constraints"},
    "penalised": {"gradient", "bounds", "prox"},
    "minmax": {"gradient", "bounds", "minmax"},
}
PROBLEMS = ("plain", "bounded", "penalised", "constrained", "data", "minmax")
WAYS = ("solve", "starts", "compare", "resume")
SOURCE = """
from functools import cache
import numpy as np
import sympy as sp
import ncsolve as nc

x, y = sp.symbols("x y")
w, A, b = sp.IndexedBase("w", shape=(2,)), sp.IndexedBase("A", shape=(6, 2)), sp.IndexedBase("b", shape=(6,))
i, j = sp.symbols("i j", integer=True)
f, start = (x - 1) ** 2 + (y - x**2) ** 2 + 3, {x: -1.0, y: 2.0}
rows = np.random.default_rng(0).standard_normal((6, 3))
loss = sp.Sum(sp.log(1 + (sp.Sum(A[i, j] * w[j], (j, 0, 1)) - b[i]) ** 2), (i, 0, 5))
PROBLEMS = dict(
    plain=nc.Problem(f, start=start),
    bounded=nc.Problem(f, start=start, bounds={x: (-1.5, 0.5), y: (-3, 3)}),
    penalised=nc.Problem(f, start=start, penalty=nc.L1(0.1)),
    constrained=nc.Problem(f, start=start, equal=[x + y - 1]),
    data=nc.Problem(loss, start={w: 1.0}, data={A: rows[:, :2], b: rows[:, 2]}),
    minmax=nc.MinMax(x**2 + x * y - y**2, min=[x], max=[y], start=start),
)

def ncsolve_register_problems(register):
    for name, problem in PROBLEMS.items():
        register(f"case-{name}", problem)
"""


class Distribution:
    """What an entry point is told to come from."""

    name, version = "broken-plugins", "1.0"


@contextmanager
def installed(folder: Path, **modules: str) -> Iterator[None]:
    """These modules as plugins beside those that are installed."""
    for name, text in modules.items():
        (folder / f"{name}.py").write_text(text)
    made = [EntryPoint(name, name, "ncsolve")._for(Distribution()) for name in modules]
    registry = sys.modules["ncsolve.hooks.registry"]
    registry.entry_points = lambda group: [*entry_points(group=group), *made]  # type: ignore[attr-defined]
    sys.path.insert(0, str(folder))
    forget()
    try:
        yield
    finally:
        sys.path.remove(str(folder))
        registry.entry_points = entry_points  # type: ignore[attr-defined]
        for name in modules:
            sys.modules.pop(name, None)
        forget()


def forget() -> None:
    hooks.registry.cache_clear()
    cli.plugins_loaded = False
    cli.commands.clear()


def kind(problem: str) -> str:
    """The solver that is made for a problem."""
    return problem if problem in NEEDS else "plain"


class Campaign:
    """All cases, in a folder that is thrown away."""

    def __init__(self, folder: Path, problems: Sequence[str] = PROBLEMS, ways: Sequence[str] = WAYS) -> None:
        self.folder, self.problems, self.ways = folder, problems, ways
        self.numbers = itertools.count()
        healthy = Fault("healthy", {})
        self.modules = {f"healthy_{k}": healthy.source("whole", f"healthy-{k}", needs) for k, needs in NEEDS.items()}
        (folder / "cases_of_all.py").write_text(SOURCE)
        sys.path.insert(0, str(folder))
        from cases_of_all import PROBLEMS as made

        self.oracles: dict[str, Oracle] = {name: compile(made[name]) for name in problems}
        self.modules["cases"] = "from cases_of_all import ncsolve_register_problems"
        with self.installed():
            self.reference = {name: self.healthy(name) for name in problems}

    def installed(self, **modules: str) -> Any:
        return installed(self.folder, **self.modules, **modules)

    def run(self, *line: str) -> Result:
        try:
            return CliRunner().invoke(cli, line, prog_name="ncsolve")
        except (Hang, KeyboardInterrupt):
            raise
        except BaseException as error:  # not even the test's runner expects it
            where = (type(error), error, error.__traceback__)
            return Result(CliRunner(), b"", b"", b"", None, 1, error, where)

    def healthy(self, problem: str) -> str:
        """What a solver that works prints, but for its time."""
        done = self.run("solve", f"case-{problem}", "-s", f"healthy-{kind(problem)}", "--max-iterations", "5", "--json")
        return json.dumps({**json.loads(done.stdout), "seconds": 0})

    # -- cases ---------------------------------------------------------------------------------------------------------

    def cases(self) -> list[tuple[str, Callable[[], Iterator[str]]]]:
        solvers = [
            (f"{fault.name}, {place}", partial(self.of_solver, fault, place))
            for fault in _faults.faults()
            for place in fault.places
        ]
        modules = [(f"module-{name}", partial(self.of_module, text)) for name, text in _faults.MODULES.items()]
        backends = [(f"backend-{name}", partial(self.of_backend, code)) for name, code in _faults.BACKENDS.items()]
        return [*solvers, *modules, *backends]

    def of_solver(self, fault: Fault, place: str) -> Iterator[str]:
        """One solver on all problems in all ways, and what becomes of others."""
        modules = {f"broken_{k}": fault.source(place, f"broken-{k}", needs) for k, needs in NEEDS.items()}
        with self.installed(**modules):
            for problem, way in itertools.product(self.problems, self.ways):
                name = f"broken-{kind(problem)}"
                limits = ["--max-iterations", "8"] + (["--max-seconds", str(fault.seconds)] if fault.seconds else [])
                done = self.by(way, problem, name, limits, resumable=place != "drive")
                ending = self.judged(done, problem, (name, name.replace("-", "_")), fault.ends, self.run_of(way, done))
                yield f"{way:8} {ending}" if not ending.startswith(WRONG) else f"{ending} [{problem}, {way}]"
            for line in (
                ("solvers",),
                ("solvers", "broken-plain"),
                ("plugins", "list"),
                ("solvers", "--for", "case-plain"),
            ):
                yield self.listed(self.run(*line), line)
            yield from self.others()

    def of_module(self, text: str) -> Iterator[str]:
        """A module that cannot be used is listed with its error."""
        with self.installed(broken_module=text):
            done = self.run("plugins", "list")
            ending = self.listed(done, ("plugins", "list"))
            row = next((row for row in done.stdout.splitlines() if row.startswith("broken_module")), "")
            yield ending if ending.startswith(WRONG) or row else f"{WRONG}it is not listed"
            for line in (("solve", "odd-problem"), ("problems",), ("theorems",), ("no-such-command",), ("--help",)):
                yield self.listed(self.run(*line), line)
            yield from self.others()

    def of_backend(self, code: str) -> Iterator[str]:
        """A backend on all problems in all ways."""
        with self.installed(broken_backend=_faults.filled(_faults.BACKEND, {"code": code})):
            for problem, way in itertools.product(self.problems, [way for way in self.ways if way != "compare"]):
                limits = ["--max-iterations", "8", "--backend", "odd"]
                done = self.by(way, problem, f"healthy-{kind(problem)}", limits)
                ending = self.judged(done, problem, ("odd",), _faults.ANY, self.run_of(way, done))
                yield f"{way:8} {ending}" if not ending.startswith(WRONG) else f"{ending} [{problem}, {way}]"
                for oracle in self.oracles.values():
                    oracle.problem.derived.pop("evaluator:odd", None)
            yield from self.others()

    def by(self, way: str, problem: str, solver: str, limits: list[str], resumable: bool = True) -> Result:
        before = ("--max-iterations", "2") if resumable else ()
        begin = (f"case-{problem}", "-s", solver)
        if way == "starts":
            return self.run("solve", *begin, *limits, "--starts", "2", "--json")
        if way == "compare":
            return self.run("compare", *begin, "-s", f"healthy-{kind(problem)}", *limits, "--json")
        if way == "solve":
            return self.run("solve", *begin, *limits, "--json")
        out = str(self.folder / f"run{next(self.numbers)}")
        first = self.run("solve", *begin, *limits, *before, "--out", out, "--checkpoint", "0", "--json")
        if not (before and first.exit_code == 3 and Path(out, "checkpoint.npz").exists()):
            return first
        return self.run("resume", out, "--max-iterations", "8", "--json")

    # -- what must hold ------------------------------------------------------------------------------------------------

    def run_of(self, way: str, done: Result) -> dict[str, Any]:
        """The run in what a command prints, {} where it prints none."""
        try:
            data = json.loads(done.stdout, parse_constant=refuse)
        except ValueError:
            return {}
        return dict(data["runs"][0] if way == "compare" and data["runs"] else data)

    def judged(
        self, done: Result, problem: str, names: tuple[str, ...], ends: tuple[str, ...], run: dict[str, Any]
    ) -> str:
        """How a command ended, or what is wrong with that."""
        if wrong := failing(done, (0, 2, 3, 4, 130)):
            return wrong
        if done.exit_code == 2:
            named = any(name in done.stderr for name in names) or "its own words" in done.stderr
            return "refused" if named else f"{WRONG}no plugin is named in: {done.stderr}"
        if not run:
            return f"{WRONG}no strict JSON: {done.stdout[:300]}"
        status, message = run["status"], run["message"]
        if status not in ends:
            return f"{WRONG}{status} instead of {' or '.join(ends)}: {message}"
        if status == "FAILED" and not any(name in message for name in names):
            return f"{WRONG}no plugin is named in: {message}"
        return self.of_point(run, problem) or status

    def of_point(self, run: dict[str, Any], problem: str) -> str:
        """What is wrong with the point that is handed back."""
        oracle = self.oracles[problem]
        if None in run["x"] or run["objective"] is None:
            return f"{WRONG}{run['status']} with x = {run['x']}, where f is {run['objective']}: {run['message']}"
        value = oracle.objective(np.array(run["x"]))
        if not np.isclose(value, run["objective"], rtol=1e-9):
            return f"{WRONG}{run['status']} with the objective {run['objective']}, where it is {value}"
        first = oracle.objective(oracle.problem.start_point(np.random.default_rng(0)))
        if problem not in ("constrained", "minmax") and value > first + 1e-9:
            return f"{WRONG}{run['status']} with the objective {value}, above {first} at the start: {run['message']}"
        return ""

    def listed(self, done: Result, line: tuple[str, ...]) -> str:
        return failing(done, (0, 2)) or f"{' '.join(line)}: exit code {done.exit_code}"

    def others(self) -> Iterator[str]:
        """Whether a healthy plugin still does what it did."""
        for problem, before in self.reference.items():
            now = self.healthy(problem)
            yield "others work" if now == before else f"{WRONG}a healthy plugin is harmed: {now}"


def refuse(word: str) -> Any:
    raise ValueError(word)


def failing(done: Result, codes: tuple[int, ...]) -> str:
    """What no command may do."""
    if done.exception is not None and not isinstance(done.exception, SystemExit):
        return f"{WRONG}{type(done.exception).__name__}: {_faults.in_words(done.exception)}"
    if "Traceback" in done.output:
        return f"{WRONG}a traceback in what it prints: {done.output[-800:]}"
    if done.exit_code not in codes:
        return f"{WRONG}exit code {done.exit_code}: {done.output[-300:]}"
    return "" if done.output.strip() else f"{WRONG}not a word"


def run(
    seed: int,
    wanted: Callable[[str], bool] = lambda name: True,
    count: int | None = None,
    title: str = "",
    **limited: Sequence[str],
) -> Tally:
    """So many of the plugins that are wanted, in the order of a seed; on some `problems` in some `ways`, or in all."""
    with tempfile.TemporaryDirectory() as folder:
        campaign = Campaign(Path(folder), **limited)
        try:
            cases = [case for case in campaign.cases() if wanted(case[0])]
            random.Random(seed).shuffle(cases)
            return Tally().run(cases[:count], title, every=10)
        finally:
            sys.path.remove(folder)
            sys.modules.pop("cases_of_all", None)


def main() -> None:
    given = arguments(__doc__, ("--only", {"default": "", "help": "part of the name of a fault"}))
    tally = run(given.seed, lambda name: given.only in name, given.count, "plugins")
    tally.finish(f"{sum(tally.counts.values())} commands with broken plugins, seed {given.seed}")


if __name__ == "__main__":
    main()
