"""The objective as set mathematics: MathML, which browsers draw without a script. Needs the extra `report`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ncsolve.errors import MissingExtra
from ncsolve.report.page.html import Html, join, tag

if TYPE_CHECKING:
    import sympy

    from ncsolve.problem import Problem

__all__ = ["check_extra", "objective_html", "short"]

OPERATIONS = 600  # of an expression that is still set
DIGITS = 6  # of a decimal
LETTERS = 2000  # of a longer one, written on a line


def check_extra() -> None:
    """Raise MissingExtra before anything is computed."""
    try:
        import latex2mathml.converter  # noqa: F401
    except ImportError:
        raise MissingExtra("latex2mathml", "report") from None


def objective_html(problem: Problem) -> Html:
    """min f = ..., the penalty and the constraints."""
    import sympy

    parts = [_set(sympy.Eq(sympy.Symbol("f"), short(problem.objective), evaluate=False))]
    if problem.signs is not None:
        low, high = ([v.name for v in problem.variables if problem.signs[v.slice].flat[0] == sign] for sign in (1, -1))
        parts.append(tag("p", f"minimised over {', '.join(low)}, maximised over {', '.join(high)}", class_="note"))
    if problem.penalty is not None:
        parts.append(tag("p", "plus the penalty ", ", ".join(str(part) for part in problem.penalty), class_="note"))
    for group, relation in ((problem.equal, sympy.Eq), (problem.less, sympy.Le)):
        for constraint in group:
            limits = [f"{index} = {first}, …, {last}" for index, first, last in constraint.limits]
            parts.append(_set(relation(short(constraint.expression), 0, evaluate=False)))
            parts.append(tag("p", "for ", ", ".join(limits), class_="note") if limits else Html(""))
    if problem.constrained:
        parts.insert(1, tag("p", "subject to", class_="note"))
    return join(*parts)


def short(expression: sympy.Basic) -> sympy.Basic:
    """With `DIGITS` of its decimals: 1/0.3 is no row of threes."""
    import sympy

    return expression.xreplace({each: sympy.Float(each, DIGITS) for each in expression.atoms(sympy.Float)})


def _set(formula: sympy.Basic) -> Html:
    """MathML of a formula; a very long one as text, cut."""
    import sympy

    if formula.count_ops() > OPERATIONS:
        text = f"{formula.lhs} = {formula.rhs}"
        return tag("pre", text if len(text) <= LETTERS else f"{text[:LETTERS]} …", class_="formula")
    from latex2mathml.converter import convert

    latex = sympy.latex(formula)
    return tag("div", Html(convert(latex, display="block")), class_="formula", tabindex=0, role="math")
