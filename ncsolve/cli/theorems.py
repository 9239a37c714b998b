"""`ncsolve theorems`: the catalogue, one of them in full, or all of them checked on their own cases."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from ncsolve.cli.options import json_option

if TYPE_CHECKING:
    from ncsolve.theory import Theorem

FAILED = 5


@click.command("theorems", short_help="List the theorems, show one, or check the catalogue.")
@click.argument("name", required=False, help="A theorem to show, by name or id.")
@click.option("--check", is_flag=True, help="Check each on its witnesses and its negative controls.")
@json_option
def command(name: str | None, check: bool, as_json: bool) -> None:
    """List the theorems; with NAME, show that one: statement, demands, witness and negative control."""
    from ncsolve.report.data import to_json
    from ncsolve.report.table import print_table
    from ncsolve.theorems import catalogue, find_theorem

    theorems = [find_theorem(name)] if name else catalogue()
    if check:
        run_checks(theorems, as_json)
    elif as_json:
        click.echo(to_json({"theorems": [theorem.to_json() for theorem in theorems]}))
    elif name:
        show(theorems[0])
    else:
        columns = ["theorem", "id", "kind", "solvers", "demands", "reference"]
        print_table(columns, [[t.name, t.id, t.kind, ", ".join(t.solvers), t.demand, t.reference] for t in theorems])


def show(theorem: Theorem) -> None:
    click.echo(f"{theorem.name} ({theorem.id}): {theorem.statement()}\n")
    said = {
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
        click.echo(f"{word:>14}: {text}")
    for case in theorem.controls():
        wrong = {**case.constants, **case.sabotage}
        what = ", ".join(f"{key} = {value}" for key, value in wrong.items()) or (
            "a run that is changed" if case.mutate else "as it is"
        )
        click.echo(f"{'control':>14}: {case.problem().name}, {what}: {case.verdict}")


def run_checks(theorems: list[Theorem], as_json: bool) -> None:
    from ncsolve.report.data import to_json
    from ncsolve.report.table import print_table
    from ncsolve.theorems import check_catalogue

    results = list(check_catalogue(theorems))
    rows: list[list[Any]] = [
        [r.theorem.name, r.role, r.verdict.problem, r.verdict.verdict, r.verdict.tightness, "" if r.ok else "WRONG"]
        for r in results
    ]
    columns = ["theorem", "role", "problem", "verdict", "tightness", "wrong"]
    if as_json:
        click.echo(to_json({"cases": [dict(zip(columns, row, strict=True)) for row in rows]}))
    else:
        print_table(columns, rows)
        seconds = sum(result.seconds for result in results)
        wrong = sum(not result.ok for result in results)
        click.echo(f"{len(theorems)} theorems, {len(results)} cases, {wrong} wrong, {seconds:.1f} s")
    click.get_current_context().exit(0 if all(result.ok for result in results) else FAILED)
