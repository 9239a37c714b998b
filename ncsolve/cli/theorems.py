"""`ncsolve theorems`: the catalogue, one of them in full, or all of them checked on their own cases."""

from __future__ import annotations

import os
from time import perf_counter
from typing import TYPE_CHECKING, Any

import click

from ncsolve.cli.options import json_option
from ncsolve.cli.say import say

if TYPE_CHECKING:
    from ncsolve.theory import Theorem

FAILED = 5


@click.command("theorems", short_help="List the theorems, show one, or check the catalogue.")
@click.argument("name", required=False, help="A theorem to show, by name or id.")
@click.option("--check", is_flag=True, help="Check each on its witnesses and its negative controls.")
@click.option("--jobs", type=click.IntRange(min=1), help="With --check: at the same time. [default: one a core]")
@json_option
def command(name: str | None, check: bool, jobs: int | None, as_json: bool) -> None:
    """List the theorems; with NAME, show that one: statement, formula, proof sketch, demands, witness, control.

    Exit code of --check: 5 where a case ends with another verdict than it must.
    """
    from ncsolve.report.data import to_json
    from ncsolve.report.formula import readable
    from ncsolve.report.table import print_table
    from ncsolve.theorems import catalogue, find_theorem

    theorems = [find_theorem(name)] if name else catalogue()
    if check:
        run_checks(theorems, jobs or (1 if name else os.cpu_count() or 1), as_json)
    elif as_json:
        listed = [{**theorem.to_json(), "readable": readable(theorem.latex())} for theorem in theorems]
        say(to_json({"theorems": listed}))
    elif name:
        show(theorems[0])
    else:
        columns = ["theorem", "id", "kind", "solvers", "demands", "reference"]
        print_table(columns, [[t.name, t.id, t.kind, ", ".join(t.solvers), t.demand, t.reference] for t in theorems])


def show(theorem: Theorem) -> None:
    from ncsolve.report.formula import readable

    say(f"{theorem.name} ({theorem.id}): {theorem.words()}\n\n    {readable(theorem.latex())}\n")
    said = {
        "LaTeX": theorem.latex(),
        "proof": theorem.proof() or "see the reference",
        "kind of check": theorem.kind,
        "solvers": ", ".join(theorem.solvers),
        "demands": theorem.demand,
        "assumptions": "; ".join(theorem.assumptions) or "none",
        "constants": ", ".join(theorem.constants) or "none",
        "reference": theorem.reference,
        "holds on": ", ".join(dict.fromkeys(case.problem().name for case in theorem.positive())),
        "witness": ", ".join(dict.fromkeys(case.problem().name for case in theorem.positive() if case.witness)),
    }
    for word, text in said.items():
        say(f"{word:>14}: {text}")
    for case in theorem.controls():
        wrong = {**case.constants, **case.sabotage}
        what = ", ".join(f"{key} = {value}" for key, value in wrong.items()) or (
            "a run that is changed" if case.mutate else "as it is"
        )
        say(f"{'control':>14}: {case.problem().name}, {what}: {case.verdict}")


def run_checks(theorems: list[Theorem], jobs: int, as_json: bool) -> None:
    from ncsolve.executors import choose
    from ncsolve.report.data import to_json
    from ncsolve.report.table import print_table
    from ncsolve.theorems import check_catalogue

    start = perf_counter()
    results = list(check_catalogue(theorems, choose("processes", jobs)))
    rows: list[list[Any]] = [
        [r.theorem.name, r.role, r.verdict.problem, r.verdict.verdict, r.verdict.tightness, "" if r.ok else "WRONG"]
        for r in results
    ]
    columns = ["theorem", "role", "problem", "verdict", "tightness", "wrong"]
    if as_json:
        say(to_json({"cases": [dict(zip(columns, row, strict=True)) for row in rows]}))
    else:
        print_table(columns, rows)
        wrong = sum(not result.ok for result in results)
        took = f"{perf_counter() - start:.1f} s with --jobs {jobs}"
        say(f"{len(theorems)} theorems, {len(results)} cases, {wrong} wrong, {took}")
    click.get_current_context().exit(0 if all(result.ok for result in results) else FAILED)
