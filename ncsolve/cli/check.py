"""`ncsolve check`: is a problem file right? Its values, its derivatives, its known points."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING

import click

from ncsolve.cli.options import backend_option, json_option, load_problem, param_option, problem_argument

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from ncsolve.oracle import Oracle
    from ncsolve.problem.known import KnownPoint

    Vector = NDArray[np.float64]

FAILED = 5
POINTS = 3  # the start and random ones
SLOPES = {"gradient": (2, 1.8), "Hessian": (3, 2.7)}  # order of the Taylor remainder, and what still passes for it
HALVINGS, ROUNDING = 34, 5  # steps h = 1/2, 1/4, ...; the last few show rounding only


@dataclass(frozen=True)
class Check:
    """One thing looked at."""

    check: str
    ok: bool
    detail: str


@click.command("check", short_help="Check a problem: values, derivatives, known points.")
@problem_argument
@param_option
@backend_option
@json_option
def command(problem: str, params: dict[str, str], backend: str, as_json: bool) -> None:
    """Check PROBLEM: its declaration, gradient and Hessian by the slope of Taylor remainders, and every known point.

    Exit code: 0 all checks hold; 5 one failed; 2 bad input.
    """
    from ncsolve.oracle import compile
    from ncsolve.report.data import to_json
    from ncsolve.report.table import print_table

    oracle = compile(load_problem(problem, params), backend)
    checks = list(all_checks(oracle))
    ok = all(check.ok for check in checks)
    if as_json:
        click.echo(to_json({"problem": oracle.problem.name, "ok": ok, "checks": [asdict(check) for check in checks]}))
    else:
        print_table(
            ["check", "", "detail"], [[each.check, "ok" if each.ok else "FAILED", each.detail] for each in checks]
        )
    click.get_current_context().exit(0 if ok else FAILED)


def all_checks(oracle: Oracle) -> Iterator[Check]:
    import numpy as np

    rng = np.random.default_rng(0)
    problem = oracle.problem
    places = ["start", *(f"random point {k}" for k in range(1, POINTS))]
    for place in places:
        x = problem.start_point(rng) if place == "start" else problem.random_point(rng)
        yield from derivatives(oracle, x, place, rng)
    for k, known in enumerate(problem.known, start=1):
        yield known_point(oracle, known, f"known {known.kind} {k}")


def derivatives(oracle: Oracle, x: Vector, place: str, rng: np.random.Generator) -> Iterator[Check]:
    """At x, along a random direction v: f(x + hv) less its Taylor polynomial falls as h^2, then as h^3.

    Rounding limits how small h can be; a remainder that is rounding from the start is as good.
    """
    import numpy as np

    f, g = oracle.value_and_gradient(x)
    if not (np.isfinite(f) and np.isfinite(g).all()):
        yield Check(f"value at the {place}", False, oracle.explain_nonfinite(x))
        return
    v = rng.standard_normal(oracle.n)
    v *= max(1.0, np.abs(x).max()) / np.linalg.norm(v)
    h = 0.5 ** np.arange(1, HALVINGS + 1)
    first = np.array([oracle.value(x + step * v) for step in h]) - f - h * (g @ v)
    for name, remainder in (("gradient", first), ("Hessian", first - h**2 / 2 * (v @ oracle.hvp(x, v)))):
        order, least = SLOPES[name]
        slope = slope_of(remainder)
        exact = "remainder within rounding" if np.isinf(slope) else f"slope of the Taylor remainder {slope:.2f}"
        yield Check(f"{name} at the {place}", slope >= least, f"{exact} (should be {order})")


def slope_of(remainder: Vector) -> float:
    """The exponent p of |remainder| ~ h^p over the smallest steps that rounding leaves; inf where it leaves none."""
    import numpy as np

    size = np.abs(remainder)
    floor = 10 * np.nanmax(size[-ROUNDING:])
    clear = np.flatnonzero(np.isfinite(size) & (size > floor))
    steps = clear[:-1][np.diff(clear) == 1][-6:]
    return float(np.median(np.log2(size[steps] / size[steps + 1]))) if len(steps) else np.inf


def known_point(oracle: Oracle, known: KnownPoint, name: str) -> Check:
    """The declared kind, index and value against what is found there."""
    from ncsolve.critical import classify

    point = classify(oracle, oracle.pack(known.point))
    ok = point.kind == known.kind
    if known.index is not None:
        ok = ok and point.index == known.index
    detail = f"{point.kind}, index {point.index}, objective {point.objective:.10g}"
    if known.value is not None and abs(point.objective - known.value) > 1e-6 * max(1.0, abs(known.value)):
        ok, detail = False, f"{detail}, declared {known.value:.10g}"
    return Check(name, ok, detail if ok else f"{detail}: {point.explanation}")
