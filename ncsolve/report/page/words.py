"""What a page says in sentences."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from ncsolve.landscapes.words import plural
from ncsolve.report.page.html import Html, join, number, numbers, tag
from ncsolve.report.page.runs import Run

if TYPE_CHECKING:
    from ncsolve.landscapes import Landscape
    from ncsolve.problem import Problem

__all__ = ["SYMBOLS", "answer", "badge", "besides_points", "eigenvalues", "landscape_said", "names_of", "place",
           "point_names"]  # fmt: skip

KINDS = {
    "minimum": ("A minimum", True),
    "maximum": ("A maximum", True),
    "saddle": ("A saddle point", True),
    "minmax": ("A local equilibrium", True),
    "not-minmax": ("A critical point that is no equilibrium", True),
    "degenerate": ("A degenerate critical point", True),
    "not-critical": ("No critical point", False),
    "undecided": ("A point whose kind rounding leaves open", False),
}
"""What a sentence calls it, and whether it is a critical point."""
SYMBOLS = {"minimum": "●", "minmax": "✚", "maximum": "▲", "saddle": "✖", "not-minmax": "✖", "degenerate": "◆"}
SPECTRUM = 300
"""Variables up to which a point holds all eigenvalues; see `CriticalPoint`."""
COUNTED = {"hessian": "Hessian", "hvp": "Hessian-vector product"}
"""What is evaluated, where its key is no word."""
ENTRIES = 4  # of a point in a sentence
WHY = {
    "ITERATIONS": "the limit on iterations was reached",
    "EVALUATIONS": "the limit on evaluations was reached",
    "TIME": "the time was used up",
    "STALLED": "it made no progress any more",
    "NONFINITE": "the objective is not finite there",
    "INTERRUPTED": "it was interrupted",
    "FAILED": "the solver failed",
    "RUNNING": "it had not ended",
}


def answer(run: Run, names: Sequence[str]) -> Html:
    """What was found, where, by whom, and which eigenvalues say so."""
    said, found = KINDS.get(run.kind, ("No answer", False))
    head = tag("strong", said, class_=f"verdict kind-{run.kind}" if run.kind else None)
    where = place(run.data.get("x"), names)
    between = " at " if found else ": the run ended at "
    parts = [head, *((between, where) if where else ()), ", where ", tag("var", "f"), " = "]
    parts += [tag("b", number(run.data.get("objective"), 8)), ". "]
    n = SPECTRUM + 1 if run.data.get("x_file") else len(run.data.get("x") or ())
    if spectrum := eigenvalues(run.point, n):
        parts += [spectrum, " "]
    evaluations = run.data.get("evaluations") or {}
    counted = ", ".join(plural(count, COUNTED.get(name, name)) for name, count in evaluations.items() if count)
    effort = plural(run.data.get("iterations") or 0, "iteration") + (f" ({counted})" if counted else "")
    parts += ["Found by " if found else "Made by ", tag("b", run.solver), f" in {effort}; gradient norm "]
    parts.append(number(run.data.get("gradient_norm"), 3))
    if not run.converged:
        parts.append(join("; not converged: ", WHY.get(str(run.data["status"]), str(run.data["status"]))))
    return join(*parts, ".")


def eigenvalues(point: Any, n: int) -> Html | None:
    """ "Both eigenvalues of the Hessian are positive: 25.7, 82.3." For n > 300 only three of them are known."""
    values = [value for value in point.get("eigenvalues") or () if value is not None]
    if not values:
        return None
    said = _signs(point, len(values), n)
    proof = " This is proven in ball arithmetic." if point.get("certified") else ""
    return join(f"{said}: ", tag("b", numbers(values), class_="numbers"), ".", proof)


def _signs(point: Any, count: int, n: int) -> str:
    index, nullity = point.get("index") or 0, point.get("nullity") or 0
    if point.get("kind") in ("minmax", "not-minmax"):
        return "Eigenvalues of the Hessian in the variables of each player"
    if count < n and n > SPECTRUM:
        verb = "is" if index == 1 else "are"
        counted = f"{plural(index, 'eigenvalue')} of the Hessian {verb} negative, {nullity} zero"
        return f"{counted}; the lowest, the one nearest to zero and the highest are"
    if nullity == 0 and index in (0, count):
        whole = {1: "The only eigenvalue", 2: "Both eigenvalues"}.get(count, f"All {count} eigenvalues")
        return f"{whole} of the Hessian {'is' if count == 1 else 'are'} {'negative' if index else 'positive'}"
    signs = {"negative": index, "zero": nullity, "positive": max(count - index - nullity, 0)}
    each = ", ".join(f"{k} {'is' if k == 1 else 'are'} {sign}" for sign, k in signs.items() if k)
    return f"Of the {plural(count, 'eigenvalue')} of the Hessian {each}"


def names_of(problem: Problem | None) -> list[str]:
    """What a point of a problem is called."""
    return [] if problem is None else point_names([variable.name for variable in problem.variables], problem.n)


def point_names(variables: Sequence[str], n: int) -> list[str]:
    """What a point (n,) is called: x, y of two variables, the one name of an array; none where it is just x."""
    return list(variables) if len(variables) == 1 or len(variables) == n <= ENTRIES else []


def place(x: Any, names: Sequence[str], entries: int = ENTRIES) -> Html | None:
    """(x, y) = (3, 2), or x = (1, 1, ...) with the first entries."""
    if not x:
        return None
    called = tag("var", ", ".join(names) or "x")
    if len(x) == 1:
        return join(called, " = ", number(x[0]))
    more = ", …" if len(x) > entries else ""
    inside = join("(", numbers(x[:entries], entries), more, ")")
    return join("(", called, ") = ", inside) if len(names) > 1 else join(called, " = ", inside)


def badge(kind: str) -> Html:
    """A kind of point with the mark that figures show."""
    return join(tag("span", SYMBOLS.get(kind, "■"), class_=f"mark kind-{kind}", aria_hidden="true"), " ", kind)


def landscape_said(found: Landscape) -> str:
    """How many of each kind, and whether that is all."""
    counts = ", ".join(plural(count, kind) for kind, count in found.counts.items()) or "no critical points"
    if found.complete:
        return f"In the box: {counts}, and no others: this is proven."
    return f"In the box: {counts}. {found.message[:1].upper()}{found.message[1:].rstrip('.')}."


def besides_points(found: Landscape) -> str:
    """Barriers, undecided regions and whether the list is complete, as lines of text."""
    return found.summary().partition("\n\n")[2].rpartition("\n  time")[0]
