"""`ncsolve solvers`: list them, or show the options of one."""

from __future__ import annotations

import inspect
from typing import Any

import click

from ncsolve.cli.options import json_option, load_problem, param_option
from ncsolve.cli.say import say
from ncsolve.errors import NcsolveError, PluginError


@click.command("solvers", short_help="List the solvers, or show one with its options.")
@click.argument("name", required=False, help="A solver to show with its options.")
@click.option("--for", "problem", metavar="PROBLEM", help="Only those that can solve this problem.")
@param_option
@json_option
def command(name: str | None, problem: str | None, params: dict[str, str], as_json: bool) -> None:
    """List the solvers; with NAME, show what that solver does and its options."""
    from ncsolve.hooks import registry
    from ncsolve.report.data import to_json
    from ncsolve.report.table import print_table

    chosen = [registry().solver(name)] if name else list(registry().solvers().values())
    if problem:
        chosen = able_to_solve(chosen, problem, params)
    listed = [as_data(solver) for solver in chosen]
    if as_json:
        say(to_json({"solvers": listed}))
    elif name:
        for solver, data in zip(chosen, listed, strict=True):
            show(solver, data)
    else:
        print_table(["solver", "needs", "summary"], [[s["name"], ", ".join(s["needs"]), s["summary"]] for s in listed])


def able_to_solve(solvers: list[type], problem: str, params: dict[str, str]) -> list[type]:
    from ncsolve.oracle import compile
    from ncsolve.solving import check_needs

    oracle = compile(load_problem(problem, params))

    def is_able(solver: type) -> bool:
        try:
            check_needs(solver, oracle)
        except NcsolveError:
            return False
        return True

    return [solver for solver in solvers if is_able(solver)]


def as_data(solver: Any) -> dict[str, Any]:
    from ncsolve.solving import options_of, summary_of

    try:
        declared = options_of(solver)
    except PluginError as error:  # the others are to be listed
        return {"name": solver.name, "summary": str(error), "needs": [], "options": []}
    options = [
        {
            "name": option.name,
            "type": option.type_name,
            "default": option.default,
            "range": option.range,
            "help": option.help,
        }
        for option in declared
    ]
    needs = sorted(getattr(solver, "needs", ()))
    return {"name": solver.name, "summary": summary_of(solver), "needs": needs, "options": options}


def show(solver: type, data: dict[str, Any]) -> None:
    from ncsolve.report.table import print_table

    say(f"{data['name']}: {inspect.getdoc(solver)}\n")
    if data["needs"]:
        say(f"Needs: {', '.join(data['needs'])}.\n")
    if data["options"]:
        columns = ["option", "type", "default", "range", "help"]
        keys = ["name", *columns[1:]]
        print_table(columns, [[str(option[key]) for key in keys] for option in data["options"]])
