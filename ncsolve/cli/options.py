"""Arguments and options that several commands share."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from ncsolve.problem import Problem

Decorator = Callable[[Callable[..., Any]], Callable[..., Any]]


def key_values(ctx: click.Context, param: click.Parameter, pairs: tuple[str, ...]) -> dict[str, str]:
    """("n=10", "a=b=c") -> {"n": "10", "a": "b=c"}."""
    values: dict[str, str] = {}
    for pair in pairs:
        key, equals, value = pair.partition("=")
        if not (key and equals):
            raise click.BadParameter(f"{pair!r} is not KEY=VALUE.", ctx, param)
        if key in values:
            raise click.BadParameter(f"{key!r} is given twice.", ctx, param)
        values[key] = value
    return values


problem_argument: Decorator = click.argument("problem", help="FILE.py, FILE.py:NAME or a name of the library.")

param_option: Decorator = click.option(
    "-p",
    "--param",
    "params",
    metavar="KEY=VALUE",
    multiple=True,
    callback=key_values,
    help="Argument of the problem's function, such as n=100; repeatable.",
)

solver_options_option: Decorator = click.option(
    "-o",
    "--option",
    "options",
    metavar="KEY=VALUE",
    multiple=True,
    callback=key_values,
    help="Option of the solver, such as step_size=0.1 (`ncsolve solvers NAME` lists them); repeatable.",
)

backend_option: Decorator = click.option(
    "--backend",
    default="auto",
    show_default=True,
    help="What evaluates the derivatives: auto, numpy or a plugin's.",
)

certify_option: Decorator = click.option(
    "--certify", is_flag=True, help="Prove the kind of the point in ball arithmetic; needs python-flint."
)

json_option: Decorator = click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")

report_option: Decorator = click.option(
    "--out",
    metavar="FILE",
    type=click.Path(path_type=Path),
    help="Write what is proven: `ncsolve recheck FILE` proves it again.",
)

LIMITS: tuple[Decorator, ...] = (
    click.option("--max-iterations", type=click.IntRange(min=0), help="Stop after this many iterations."),
    click.option("--max-evaluations", type=click.IntRange(min=1), help="Stop after this many evaluated points."),
    click.option("--max-seconds", type=click.FloatRange(min=0, min_open=True), help="Stop after this time."),
    click.option(
        "--tolerance",
        "gradient_tolerance",
        type=click.FloatRange(min=0, min_open=True),
        default=1e-6,
        show_default=True,
        help="Converged where the infinity norm of the gradient is at most this.",
    ),
    click.option(
        "--escape/--no-escape", default=True, show_default=True, help="Step off a saddle or a maximum and go on."
    ),
)


def jobs_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Where work is done whose parts do not depend on each other."""
    where = "serial, processes, dask (a cluster on this machine) or dask://HOST:PORT."
    command = click.option("--executor", default="processes", show_default=True, metavar="NAME", help=where)(command)
    return click.option(
        "--jobs", type=click.IntRange(min=1), default=1, show_default=True, help="Parts of the work at the same time."
    )(command)


def run_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """The limits, the tolerance and the escape of a run: `solve` and `compare` take the same."""
    for option in reversed(LIMITS):
        command = option(command)
    return command


def needs_certify(out: Path | None, certify: bool) -> None:
    if out and not certify:
        raise click.UsageError("--out writes what is proven: it needs --certify.")


def load_problem(reference: str, params: dict[str, str]) -> Problem:
    """The problem of a file, of the library or of a plugin."""
    from ncsolve.hooks import registry
    from ncsolve.problem import load

    return load(reference, params, registry().problems())
