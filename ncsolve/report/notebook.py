"""Problems, results, points, landscapes and verdicts in a notebook: HTML without scripts, and LaTeX."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import singledispatch
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ncsolve.critical.point import CriticalPoint
from ncsolve.errors import MissingExtra
from ncsolve.landscapes.result import Landscape
from ncsolve.problem.problem import Problem
from ncsolve.report.page.barriers import barrier_graph
from ncsolve.report.page.formula import OPERATIONS, check_extra, objective_html, short
from ncsolve.report.page.html import Html, join, number, numbers, tag
from ncsolve.report.page.runs import Run
from ncsolve.report.page.thin import thinned
from ncsolve.report.page.words import answer, badge, besides_points, eigenvalues, place, point_names
from ncsolve.solving.result import Result
from ncsolve.theory.verdict import Verdict

__all__ = ["as_html", "as_latex"]

ROWS, ENTRIES = 20, 6  # of a table, and of a point
WIDTH, HEIGHT = 420, 150  # of curves
LETTERS = {"smoothness": "L", "pl": r"\mu", "strong_convexity": "m", "hessian_lipschitz": "M", "minimum": "f^*"}
STYLE = """
.ncsolve { max-width: 60em } .ncsolve table { border-collapse: collapse } .ncsolve .note { opacity: 0.75 }
.ncsolve th, .ncsolve td { padding: 2px 10px; text-align: left; white-space: nowrap }
.ncsolve svg { max-width: min(100%, 36em); overflow: visible }
.ncsolve svg text { fill: currentColor; font-size: 12px } .ncsolve svg path { stroke: currentColor; fill: none }
.ncsolve svg .grid { opacity: 0.2 } .ncsolve svg circle { fill: #00805c }
.ncsolve .kind-minimum, .ncsolve .kind-minmax, .ncsolve .holds { color: #009e73 } .ncsolve .violated { color: #d55e00 }
.ncsolve .kind-saddle, .ncsolve .kind-not-minmax { color: #c77d00 } .ncsolve .kind-maximum { color: #d55e00 }
"""


def _framed(*parts: object) -> str:
    return tag("div", tag("style", Html(STYLE)), *parts, class_="ncsolve")


def _table(columns: Sequence[str], rows: Iterable[Sequence[object]]) -> Html:
    head = tag("tr", *(tag("th", name) for name in columns))
    return tag("table", head, *(tag("tr", *(tag("td", cell) for cell in row)) for row in rows))


@singledispatch
def as_html(shown: Any) -> str:
    """An object as HTML in which all texts are escaped."""
    return tag("pre", repr(shown))


@as_html.register
def _(problem: Problem) -> str:
    names = [v.name + (f"[{', '.join(map(str, v.shape))}]" if v.shape else "") for v in problem.variables[:8]]
    more = ", …" if len(problem.variables) > 8 else ""
    try:
        check_extra()
        formula = objective_html(problem)
    except MissingExtra:  # a notebook sets LaTeX, too
        formula = tag("p", as_latex(problem))
    said = f"{problem.n} real variable{'s' * (problem.n > 1)}: {', '.join(names)}{more}"
    description = tag("p", problem.description) if problem.description else None
    return _framed(tag("strong", problem.name), description, formula, tag("p", said, class_="note"))


@as_html.register
def _(point: CriticalPoint) -> str:
    where = place(point.x.tolist(), [])
    head = [badge(point.kind), " at ", where, ", f = ", tag("b", number(point.objective, 8)), ". "]
    said = eigenvalues({**vars(point), "eigenvalues": point.eigenvalues.tolist()}, point.x.size)
    return _framed(tag("p", *head, said), tag("p", point.explanation, class_="note"))


@as_html.register
def _(result: Result) -> str:
    names = point_names(list(result.values), result.x.size)
    explained = tag("p", f"{result.status}: {result.message}. ", result.point.explanation, class_="note")
    hints = [tag("p", f"Hint: {hint}", class_="note") for hint in result.hints]
    said = answer(Run("", result.to_json()), names)
    whole = tag("details", tag("summary", "all numbers"), tag("pre", result.summary()))
    return _framed(
        tag("p", tag("b", result.problem), ": ", said), explained, *hints, _ends(result, names), _curves(result), whole
    )


def _ends(result: Result, names: Sequence[str]) -> Html | None:
    """Where the runs from several starts ended."""
    if len(result.ends) < 2:
        return None
    rows = [
        (number(end.objective, 8), badge(end.kind), place(end.x.tolist(), names), end.count)
        for end in result.ends[:ROWS]
    ]
    left = len(result.ends) - ROWS
    more = tag("p", f"… {left} more", class_="note") if left > 0 else None
    return join(_table(["f", "kind", "at", "runs"], rows), more)


def _curves(result: Result) -> Html | None:
    """|f - f at the answer|, which need not be the lowest under constraints, and gradient norm, on logarithmic axes."""
    if result.trace.rows < 3:
        return None
    f, g = result.trace["objective"], result.trace["gradient_norm"]
    gap = np.abs(f - result.objective)
    kept = thinned([f, g], 600)
    shown = (("|f − f at the answer|", gap), ("|∇f|", g))
    drawn = [_curve(name, result.trace["iteration"][kept], y[kept]) for name, y in shown]
    return tag("div", *drawn)


def _curve(name: str, x: NDArray[Any], y: NDArray[Any]) -> Html:
    shown = np.isfinite(y) & (y > 0)
    if shown.sum() < 2:
        return Html("")
    x, heights = x[shown], np.log10(y[shown])
    low, high = heights.min(), max(heights.max(), heights.min() + 1e-9)
    across = 60 + (x - x[0]) / max(x[-1] - x[0], 1) * (WIDTH - 70)
    down = 24 + (high - heights) / (high - low) * (HEIGHT - 50)
    path = "M" + "L".join(f"{a:.1f} {b:.1f}" for a, b in zip(across, down, strict=True))
    ends = [(54, 28, "end", f"{10**high:.2g}"), (54, HEIGHT - 24, "end", f"{10**low:.2g}"),
            (60, HEIGHT - 8, "start", f"iteration {x[0]}"), (WIDTH - 10, HEIGHT - 8, "end", x[-1])]  # fmt: skip
    texts = [tag("text", text, x=a, y=b, text_anchor=anchor) for a, b, anchor, text in ends]
    title = tag("text", name, x=60, y=14)
    view = f"0 0 {WIDTH} {HEIGHT}"
    return tag("svg", title, tag("path", d=path), *texts, viewBox=view, width=WIDTH, height=HEIGHT, role="img")


@as_html.register
def _(found: Landscape) -> str:
    rows = [
        (k, badge(p.kind), number(p.objective, 8), place(p.x.tolist(), [], ENTRIES), p.index,
         numbers(p.eigenvalues, ENTRIES), "proven" if p.certified else "found")
        for k, p in enumerate(found.points[:ROWS])
    ]  # fmt: skip
    left = len(found.points) - ROWS
    more = tag("p", f"… {left} more", class_="note") if left > 0 else None
    table = _table(["", "kind", "f", "at", "index", "eigenvalues", "evidence"], rows)
    title = tag("strong", found.summary().partition("\n")[0])
    return _framed(title, table, more, barrier_graph(found), tag("pre", besides_points(found)))


@as_html.register
def _(verdict: Verdict) -> str:
    state = tag("b", verdict.verdict, class_=verdict.verdict.lower())
    rows = [(name, number(c.value), c.provenance) for name, c in verdict.constants.items()]
    measured = (("tightness", verdict.tightness), ("measured rate", verdict.measured_rate),
                ("theoretical rate", verdict.theoretical_rate))  # fmt: skip
    rows += [(name, number(value), "") for name, value in measured if value == value]
    violation = verdict.first_violation
    parts = [tag("p", tag("b", verdict.theorem), " about ", verdict.solver or "a solver", ": ", state)]
    parts.append(tag("p", join(verdict.reason), class_="note"))
    parts.append(_table(["", "", "known by"], rows) if rows else Html(""))
    return _framed(*parts, None if violation is None else tag("p", str(violation)))


@singledispatch
def as_latex(shown: Any) -> str:
    """An object as one displayed formula."""
    return rf"$\displaystyle \text{{{_text(repr(shown))}}}$"


@as_latex.register
def _(problem: Problem) -> str:
    import sympy

    names, signs = [sympy.latex(v.symbol) for v in problem.variables[:8]], problem.signs
    low = [
        name for name, v in zip(names, problem.variables, strict=False) if signs is None or signs[v.slice].flat[0] > 0
    ]
    high = [name for name in names if name not in low]
    over = rf"\min_{{{', '.join(low)}}}" + (rf" \max_{{{', '.join(high)}}}" if high else "")
    f = sympy.latex(short(problem.objective)) if problem.objective.count_ops() <= OPERATIONS else r"f(x)"
    f += "".join(rf" + \text{{{_text(str(part))}}}" for part in problem.penalty or ())
    limits = [(c, relation) for group, relation in ((problem.equal, "= 0"), (problem.less, r"\le 0")) for c in group]
    subject = ", ".join(f"{sympy.latex(short(c.expression))} {relation}" for c, relation in limits)
    end = rf" \quad \text{{subject to}} \quad {subject}" if subject else ""
    return rf"$\displaystyle {over} {f}{end}$"


@as_latex.register
def _(point: CriticalPoint) -> str:
    values = {"x": point.x, r"\lambda(\nabla^2 f(x))": point.eigenvalues}
    formulas = [f"{name} = {_vector(each)}" for name, each in values.items() if each.size]
    formulas.insert(1, f"f(x) = {_number(point.objective)}")
    return rf"$\displaystyle {', '.join(formulas)}: \text{{{_text(point.kind)}}}$"


@as_latex.register
def _(result: Result) -> str:
    return as_latex(result.point)


@as_latex.register
def _(found: Landscape) -> str:
    rows = [rf"\text{{{p.kind}}} & {_number(p.objective)} & {_vector(p.x)} & {_vector(p.eigenvalues)}"
            for p in found.points[:ROWS]]  # fmt: skip
    head = r"\text{kind} & f(x) & x & \lambda(\nabla^2 f(x)) \\ \hline "
    return r"$\displaystyle \begin{array}{llll} " + head + r" \\ ".join(rows) + r" \end{array}$"


@as_latex.register
def _(verdict: Verdict) -> str:
    names = {name: LETTERS.get(name, rf"\text{{{_text(name)}}}") for name in verdict.constants}
    constants = [f"{names[name]} = {_number(c.value)}" for name, c in verdict.constants.items()]
    said = rf"\text{{{_text(verdict.theorem)}}}: \text{{{_text(verdict.verdict)}}}"
    return rf"$\displaystyle {', '.join([said, *constants])}$"


def _number(value: float) -> str:
    if not np.isfinite(value):
        return r"\text{not finite}"
    mantissa, _, exponent = f"{value + 0.0:.6g}".partition("e")
    return rf"{mantissa} \times 10^{{{int(exponent)}}}" if exponent else mantissa


def _vector(values: NDArray[Any]) -> str:
    shown = [_number(float(value)) for value in values[:ENTRIES]]
    return r"\left(" + ", ".join([*shown, *([r"\ldots"] if len(values) > ENTRIES else [])]) + r"\right)"


def _text(text: str) -> str:
    """Letters that mean something to LaTeX, escaped."""
    special = {"\\": r"\textbackslash{}", "~": r"\textasciitilde{}", "^": r"\textasciicircum{}"}
    special |= {letter: f"\\{letter}" for letter in "&%$#_{}"}
    return "".join(special.get(letter, letter) for letter in text)
