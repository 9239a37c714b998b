"""`ncsolve show`: the objective, its gradient as a formula, the structure found, the generated source."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from shutil import get_terminal_size
from typing import TYPE_CHECKING

import click

from ncsolve.cli.options import backend_option, load_problem, param_option, problem_argument
from ncsolve.cli.say import say

if TYPE_CHECKING:
    import sympy

    from ncsolve.problem import Problem

EQUATIONS = 20  # of the gradient, before the rest is left out
OPERATIONS = 300  # of a formula that is still drawn in two dimensions
LETTERS = 2000  # of a longer one, written on a line
LIBRARIES = ("numpy", "numba", "jax", "casadi")  # of backends.export, which is imported late


class Show(click.Command):
    def parse_args(self, context: click.Context, args: list[str]) -> list[str]:
        """A bare --code, before the problem too, means numpy; a word after it is a library where another is PROBLEM."""

        def read(follows: Callable[[str], bool]) -> list[str]:
            pairs = zip(args, [*args[1:], ""], strict=True)
            return ["--code=numpy" if arg == "--code" and not follows(after) else arg for arg, after in pairs]

        words = read(LIBRARIES.__contains__)
        _, left_over, _ = self.make_parser(context).parse_args(list(words))
        return super().parse_args(context, read(lambda after: after[:1] not in ("", "-")) if left_over else words)


@click.command("show", cls=Show, short_help="Show an objective, its gradient and what was found in it.")
@problem_argument
@param_option
@click.option("--latex", is_flag=True, help="Print objective and gradient as LaTeX only.")
@click.option(
    "--code",
    metavar="[LIBRARY]",
    help="Print value, gradient and Hessian only, as a file that needs nothing but LIBRARY: numpy (the default), "
    "numba, jax or casadi.",
)
@backend_option
def command(problem: str, params: dict[str, str], latex: bool, code: str | None, backend: str) -> None:
    """Show the objective of PROBLEM, its gradient as a formula and the structure that was found."""
    from ncsolve.backends.export import export
    from ncsolve.oracle import compile

    declared = load_problem(problem, params)
    if latex:
        lines = [*formulas(declared), *(relation for relation, _ in constraints(declared))]
        say("\n".join(as_latex(formula) for formula in lines))
    if code:
        say(export(declared, code), nl=False)
    if not (latex or code):
        say("\n".join(describe(declared, compile(declared, backend).structure.summary())))


def formulas(problem: Problem) -> list[sympy.Eq]:
    """f = objective, and an equation for each variable's part of the gradient."""
    from ncsolve.graph.formula import gradient_formula, objective_formula

    return [objective_formula(problem), *gradient_formula(problem)]


def constraints(problem: Problem) -> Iterator[tuple[sympy.Basic, str]]:
    """h = 0 and c <= 0, each with the ranges of its indices in words."""
    import sympy

    for group, relation in ((problem.equal, sympy.Eq), (problem.less, sympy.Le)):
        for constraint in group:
            ranges = [f"{index} = {first}, ..., {last}" for index, first, last in constraint.limits]
            said = f"   for {', '.join(ranges)}" if ranges else ""
            yield relation(constraint.expression, 0, evaluate=False), said


def describe(problem: Problem, structure: list[str]) -> Iterator[str]:
    yield f"{problem.name}: {problem.description}" if problem.description else problem.name
    shown = formulas(problem)
    for formula in shown[: 1 + EQUATIONS]:
        yield f"\n{drawn(formula)}"
    if len(shown) > 1 + EQUATIONS:
        yield f"\n... and {len(shown) - 1 - EQUATIONS} more; --latex prints them all"
    if problem.constrained:
        yield "\nsubject to"
        yield from (f"\n{drawn(relation)}{ranges}" for relation, ranges in constraints(problem))
    if problem.signs is not None:
        players = {"minimised": 1.0, "maximised": -1.0}
        for player, sign in players.items():
            names = [variable.name for variable in problem.variables if (problem.signs[variable.slice] == sign).all()]
            yield f"\n{player} over {', '.join(names)}"
    if problem.penalty is not None:
        yield "\nplus the penalty"
        yield from (f"  {part}" for part in problem.penalty)
    yield "\nstructure"
    yield from (f"  {line}" for line in structure)


def drawn(formula: sympy.Basic) -> str:
    """In two dimensions, wrapped on a terminal; a very long one on a line, cut."""
    import sympy

    if formula.count_ops() > OPERATIONS:
        text = f"{sympy.sstr(formula.lhs)} = {sympy.sstr(formula.rhs)}"
        return text if len(text) <= LETTERS else f"{text[:LETTERS]} ..."
    width = get_terminal_size().columns if sys.stdout.isatty() else None
    unicode = sys.stdout.encoding.lower().startswith("utf")
    text = sympy.pretty(formula, use_unicode=unicode, num_columns=width, wrap_line=width is not None)
    return "\n".join(line.rstrip() for line in text.splitlines())


def as_latex(formula: sympy.Basic) -> str:
    import sympy

    return f"\\[ {sympy.latex(formula)} \\]"
