"""The page as one file: markup from here, style and scripts from `assets/`, and the data that scripts draw."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from importlib.resources import files
from pathlib import Path

from ncsolve.errors import OptionError
from ncsolve.report.page.figures import convergence, landscape_figure
from ncsolve.report.page.formula import check_extra, objective_html
from ncsolve.report.page.html import Html, embedded, join, tag
from ncsolve.report.page.runs import grouped, read_runs
from ncsolve.report.page.section import Asked, Section, is_of, make_section
from ncsolve.report.page.tables import critical_points, provenance, run_table, verdict_table
from ncsolve.report.page.words import answer, names_of
from ncsolve.solving.result import versions

__all__ = ["Asked", "Page", "make_page"]

THEME = (
    'document.documentElement.dataset.theme = matchMedia("(prefers-color-scheme: dark)").matches ? "dark" : "light";'
)
"""Runs before anything is painted."""
SCRIPTS = ("core.js", "curves.js", "contour.js", "surface.js", "page.js")


@dataclass(frozen=True)
class Page:
    """The text of a page, and what it tells of."""

    html: str
    runs: int
    problems: int
    faults: list[str]
    """Runs that could not be read, and why."""


def make_page(folders: Sequence[Path], asked: Asked, title: str | None = None) -> Page:
    """A page about all runs in and below the folders. Raises StoreError without a run, OptionError, MissingExtra."""
    check_extra()
    runs, faults = read_runs(folders)
    groups = grouped(runs)
    if asked.problem is not None and not any(is_of(group, asked.problem) for group in groups):
        others = ", ".join(dict.fromkeys(f"'{run.data['problem']}'" for run in runs))
        raise OptionError(f"--problem: no run is of '{asked.problem.name}', they are of {others}.")
    sections = [make_section(group, asked, len(runs), len(groups)) for group in groups]
    names = dict.fromkeys(str(section.best.data["problem"]) for section in sections)
    title = title or (", ".join(names) if len(names) <= 3 else f"{len(names)} problems")
    body = [_header(title, len(runs), len(sections)), _contents(sections)]
    body += [tag("p", f"Left out: {fault}", class_="note") for fault in faults]
    body += [_section(k, section, title) for k, section in enumerate(sections)]
    body.append(_footer())
    main = tag("main", join(*body))
    return Page(_document(title, main), len(runs), len(sections), faults)


def _document(title: str, main: Html) -> str:
    style = tag("style", Html(_asset("page.css")))
    script = tag("script", Html('"use strict";\n' + "\n".join(map(_asset, SCRIPTS))))
    head = tag(
        "head",
        tag("meta", charset="utf-8"),
        tag("meta", name="viewport", content="width=device-width, initial-scale=1"),
        tag("meta", name="color-scheme", content="light dark"),
        tag("meta", name="generator", content=f"ncsolve {versions()['ncsolve']}"),
        tag("title", title),
        style,
        tag("script", Html(THEME)),
    )
    return f"<!doctype html>\n{tag('html', head, tag('body', main, script), lang='en')}\n"


def _asset(name: str) -> str:
    return (files("ncsolve.report.page") / "assets" / name).read_text(encoding="utf-8")


def _header(title: str, runs: int, problems: int) -> Html:
    count = f"{runs} run{'s' * (runs > 1)} of {problems} problem{'s' * (problems > 1)}"
    themes = [("auto", "as the system"), ("light", "light"), ("dark", "dark")]
    buttons = [
        tag("button", name, type="button", data_theme_choice=name, aria_label=f"Colours: {said}",
            aria_pressed="true" if name == "auto" else "false")
        for name, said in themes
    ]  # fmt: skip
    switch = tag("div", *buttons, class_="buttons screen-only", role="group", aria_label="Colours")
    return tag("header", tag("div", tag("h1", title), tag("p", count, class_="note")), switch, class_="top")


def _contents(sections: Sequence[Section]) -> Html | None:
    if len(sections) < 2:
        return None
    links = [tag("a", section.best.data["problem"], href=f"#problem-{k}") for k, section in enumerate(sections)]
    return tag("nav", *links, aria_label="Problems", class_="screen-only")


def _section(k: int, section: Section, title: str) -> Html:
    problem = section.problem
    name = str(section.best.data["problem"])
    said = [tag("h2", name)] if name != title else []
    if problem is not None:
        said += [tag("p", problem.description, class_="description") if problem.description else Html("")]
        said += [objective_html(problem), tag("p", _domain(section), class_="note")]
    parts = [
        tag("header", *said),
        tag("div", tag("p", answer(section.best, names_of(problem))), _explained(section), class_="answer card"),
        *(tag("p", note, class_="note warning") for note in section.notes),
        landscape_figure(k, section),
        convergence(k, section),
        critical_points(section),
        verdict_table(section),
        run_table(section),
        provenance(section),
        tag("script", embedded(section.to_json()), type="application/json", class_="data"),
    ]
    return tag("section", *parts, id=f"problem-{k}", class_="problem", data_section=k)


def _explained(section: Section) -> Html | None:
    explanation = section.best.point.get("explanation")
    return tag("p", "Judged: ", explanation, class_="note") if explanation else None


def _domain(section: Section) -> str:
    problem = section.problem
    assert problem is not None
    variables = [v.name + (f"[{', '.join(map(str, v.shape))}]" if v.shape else "") for v in problem.variables[:8]]
    more = ", …" if len(problem.variables) > 8 else ""
    said = f"{problem.n} real variable{'s' * (problem.n > 1)}: {', '.join(variables)}{more}"
    return f"{said}, within bounds" if problem.lower is not None else said


def _footer() -> Html:
    made = datetime.now().astimezone().isoformat(sep=" ", timespec="seconds")
    return tag("footer", f"Made by ncsolve {versions()['ncsolve']} on {made}.", class_="note")
