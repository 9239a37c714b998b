"""`ncsolve runs`: the runs that are kept below a folder."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import click

from ncsolve.cli.options import json_option
from ncsolve.cli.say import say
from ncsolve.errors import did_you_mean


@click.command("runs", short_help="List the runs that are kept below a folder.")
@click.argument(
    "folder",
    metavar="[DIR]",
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    default=Path("."),
    help="A folder of runs, of any depth.",
)
@click.option("--problem", help="Only runs of this problem: its name, its file or FILE.py:NAME.")
@click.option("--solver", help="Only runs of this solver, or of those that `auto` chose.")
@json_option
def command(folder: Path, problem: str | None, solver: str | None, as_json: bool) -> None:
    """List the runs below DIR. A run whose status is RUNNING goes on elsewhere, or was killed: `ncsolve resume`.

    Runs of one solver are told apart by the options in which they differ.
    """
    from ncsolve.report.data import to_json
    from ncsolve.report.labels import labels
    from ncsolve.report.table import print_table
    from ncsolve.store import listed_runs

    stored, faults = listed_runs(folder)
    for fault in faults:
        say(f"left out: {fault}", err=True)
    runs = [
        each
        for each in stored
        if (problem is None or problem in problem_names(each.run) or absolute_file(problem) in problem_names(each.run))
        and (solver is None or solver in solver_names(each.run))
    ]
    if not runs:
        say(nothing(folder, [each.run for each in stored], problem, solver), err=True)
    if as_json:
        say(to_json({"runs": [{"path": each.path, **each.run} for each in runs]}))
    elif runs:
        columns = ["path", "problem", "solver", "seed", "status", "point", "objective", "iterations", "seconds"]
        named = labels([each.run for each in runs])
        rows = [
            [each.path, *({**each.run, "solver": name}[column] for column in columns[1:])]
            for each, name in zip(runs, named, strict=True)
        ]
        print_table(columns, rows)


def problem_names(run: Mapping[str, Any]) -> list[str]:
    """What a problem answers to: its name, FILE.py:NAME and FILE.py."""
    reference = (run["source"] or "").split(" -p ")[0]
    return [run["problem"], reference, reference.rpartition(":")[0]]


def absolute_file(problem: str) -> str:
    """FILE.py or FILE.py:NAME as runs have it, whatever folder it was called from."""
    file, colon, name = problem.rpartition(":") if ".py:" in problem else (problem, "", "")
    return f"{Path(file).resolve()}{colon}{name}"


def solver_names(run: Mapping[str, Any]) -> list[str]:
    return [run["solver"], *(run["asked"] or "").split()[:1]]


def nothing(folder: Path, runs: Sequence[Mapping[str, Any]], problem: str | None, solver: str | None) -> str:
    """That there is no such run, and what there is."""
    if not runs:
        return f"There are no runs below {folder}: keep one with `ncsolve solve --out DIR`."
    said = [f"There is no such run below {folder}."]
    for key, asked in (("problem", problem), ("solver", solver)):
        there = sorted({run[key] for run in runs})
        if asked is not None and asked not in there:
            said.append(f"Its {key}s are {', '.join(there)}.{did_you_mean(asked, there)}")
    return " ".join(said)
