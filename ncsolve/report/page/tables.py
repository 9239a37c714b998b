"""The tables of a page: critical points, verdicts, runs, provenance."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from ncsolve.report.page.barriers import barrier_graph
from ncsolve.report.page.html import Html, join, number, numbers, tag
from ncsolve.report.page.section import Section
from ncsolve.report.page.words import SYMBOLS, badge, besides_points, landscape_said, names_of, place
from ncsolve.theory import NOT_APPLICABLE

__all__ = ["critical_points", "provenance", "run_table", "verdict_table"]

MOST_POINTS, MOST_RUNS = 200, 500
ENTRIES = 6
MOST_ENDS = 8


def table(columns: Sequence[str], rows: Iterable[Html], **attributes: Any) -> Html:
    """A table that can be sorted by its columns and scrolled sideways."""
    heads = [tag("th", tag("button", name, type="button"), scope="col", aria_sort="none") for name in columns]
    inner = tag("table", tag("thead", tag("tr", *heads)), tag("tbody", *rows), **attributes)
    return tag("div", inner, class_="scroll", tabindex=0)


def cell(value: object, sort: object = None, wraps: bool = False) -> Html:
    """Numbers stand right and are sorted as numbers; `sort` is the number where a cell shows it set."""
    value = "" if value is None else value
    numeric = sort is not None or (isinstance(value, int | float) and not isinstance(value, bool))
    return tag("td", value, class_="number" if numeric else "wraps" if wraps else None, data_sort=sort)


def critical_points(section: Section) -> Html | None:
    """All points by kind, and the barrier graph beside them."""
    points = section.points
    if not points:
        return None
    order = {kind: k for k, kind in enumerate(SYMBOLS)}
    ranked = sorted(enumerate(points), key=lambda pair: order.get(pair[1].kind, len(order)))
    rows = []
    for k, p in ranked[:MOST_POINTS]:
        ends = [section.labels[run] for run in p.runs]
        counts = {name: ends.count(name) for name in ends}
        reached = ", ".join(name if count == 1 else f"{name} ×{count}" for name, count in counts.items())
        where = place(list(p.x), names_of(section.problem), ENTRIES)
        spectrum = cell(numbers(p.eigenvalues or (), 6), wraps=True)
        cells = [cell(k), cell(badge(p.kind)), cell(number(p.objective, 8), p.objective), cell(where), cell(p.index),
                 cell(p.nullity), spectrum, cell(p.proof), cell(reached)]  # fmt: skip
        rows.append(tag("tr", *cells, data_point=k, tabindex=0))
    columns = ["", "kind", "f", "at", "index", "nullity", "eigenvalues", "evidence", "reached by"]
    said = [tag("p", landscape_said(section.landscape), class_="note")] if section.landscape else []
    if len(points) > MOST_POINTS:
        said.append(tag("p", f"The first {MOST_POINTS} of {len(points)}.", class_="note"))
    said.append(table(columns, rows, class_="points"))
    if section.landscape is not None:
        rest = tag("pre", besides_points(section.landscape))
        said.append(tag("details", tag("summary", "Barriers, and what is undecided"), rest))
    graph = None if section.landscape is None else barrier_graph(section.landscape)
    figure = None
    if graph is not None:
        caption = "Barrier graph: minima, by their numbers, hang from the saddle over which they are connected."
        figure = tag("figure", graph, tag("figcaption", caption), class_="card")
    return tag("div", tag("h3", "Critical points"), *said, figure)


def verdict_table(section: Section) -> Html | None:
    """What theorems promise, on runs that were made for it."""
    if not section.verdicts:
        return None
    rows: dict[bool, list[Html]] = {True: [], False: []}
    for v in section.verdicts:
        constants = ", ".join(f"{name} = {c.value:.6g} ({c.provenance})" for name, c in v.constants.items())
        because = join(v.reason, tag("div", constants, class_="note") if constants else None)
        state = tag("span", v.verdict, class_=f"state {v.verdict.lower()}")
        rate = None if v.measured_rate != v.measured_rate else number(v.measured_rate, 4)
        row = tag("tr", *(cell(c) for c in (v.theorem, v.solver, state, because)), cell(rate or ""))
        rows[v.verdict != NOT_APPLICABLE].append(row)
    said = ("On runs of their own, from the same start; ", tag("code", "ncsolve verify"), " tells more.")
    columns = ["theorem", "solver", "verdict", "because", "rate"]
    parts = [tag("h3", "Theorems"), tag("p", *said, class_="note")]
    if rows[True]:
        parts.append(table(columns, rows[True]))
    if rows[False]:
        summary = tag("summary", f"{len(rows[False])} that do not apply, and why")
        parts.append(tag("details", summary, table(columns, rows[False])))
    return tag("div", *parts)


def run_table(section: Section) -> Html:
    rows = []
    for k, run in enumerate(section.runs[:MOST_RUNS]):
        data = run.data
        counts = data.get("evaluations") or {}
        f, g, seconds = (data.get(name) for name in ("objective", "gradient_norm", "seconds"))
        cells = [
            cell(section.labels[k]),
            cell(data.get("seed")),
            cell(tag("span", data["status"], class_=f"state {str(data['status']).lower()}")),
            cell(badge(run.kind) if run.kind else ""),
            cell(number(f, 8) if "objective" in data else "", f),
            cell(number(g, 3) if "gradient_norm" in data else "", g),
            cell(data.get("iterations")),
            cell(sum(count for count in counts.values() if isinstance(count, int)) if counts else None),
            cell("" if seconds is None else number(seconds, 3), seconds),
            cell(tag("code", run.path)),
        ]
        rows.append(tag("tr", *cells, data_run=k))
    columns = ["solver", "seed", "status", "kind", "f", "|gradient|", "iterations", "evaluations", "seconds", "folder"]
    left = len(section.runs) - MOST_RUNS
    note = tag("p", f"The first {MOST_RUNS}; {left} more are not listed.", class_="note") if left > 0 else None
    return tag("div", tag("h3", "Runs"), table(columns, rows, class_="runs"), note, *_ends(section))


def _ends(section: Section) -> Iterator[Html]:
    """Where several starts of one run ended."""
    for run in section.runs:
        ends = run.data.get("ends") or []
        if len(ends) < 2:
            continue
        shown = [join(number(end["objective"], 8), f" ({end['kind']}, {end['count']})") for end in ends[:MOST_ENDS]]
        values = join(*(join(", " * (k > 0), each) for k, each in enumerate(shown)), ", …" * (len(ends) > MOST_ENDS))
        said = f": {sum(end['count'] for end in ends)} starts ended at {len(ends)} points, f = "
        yield tag("p", tag("code", run.path), said, values, ".", class_="note")


def provenance(section: Section) -> Html:
    """Where the numbers come from: source, digest, versions, machine, when, options."""
    best = section.best.data
    fingerprint = (best.get("fingerprint") or {}).get("all")
    rows = [("problem", best.get("source") or "declared in Python"), ("digest", fingerprint)]
    for name in ("versions", "machine"):
        rows.append((name, _pairs(_same(section, name))))
    written = sorted({str(run.data["written"]) for run in section.runs if run.data.get("written")})
    rows.append(("written", " to ".join([*written[:1], *written[1:][-1:]])))
    for label, data in {label: run.data for label, run in zip(section.labels, section.runs, strict=True)}.items():
        given = {**(data.get("options") or {}), **(data.get("criteria") or {})}
        rows.append((label, _pairs({name: value for name, value in given.items() if value is not None})))
    body = [tag("tr", tag("th", name, scope="row"), tag("td", tag("code", said))) for name, said in rows if said]
    inner = tag("div", tag("table", tag("tbody", *body)), class_="scroll", tabindex=0)
    return tag("details", tag("summary", tag("h3", "Provenance")), inner, class_="provenance")


def _same(section: Section, name: str) -> dict[str, Any]:
    """By key the value of the runs, or all of them where they differ."""
    values: dict[str, list[Any]] = {}
    for run in section.runs:
        for key, value in (run.data.get(name) or {}).items():
            values.setdefault(key, []).append(value)
    return {key: " or ".join(dict.fromkeys(map(str, each))) for key, each in values.items()}


def _pairs(values: dict[str, Any]) -> str:
    return ", ".join(f"{key} {value if isinstance(value, str) else json.dumps(value)}" for key, value in values.items())
