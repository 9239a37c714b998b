"""`ncsolve show`: the objective, its gradient as a formula, the structure found, the generated source."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from ncsolve.cli.options import backend_option, load_problem, param_option, problem_argument

if TYPE_CHECKING:
    import sympy

    from ncsolve.problem import Problem


@click.command("show", short_help="Show an objective, its gradient and what was made of them.")
@problem_argument
@param_option
@click.option("--latex", is_flag=True, help="Print objective and gradient as LaTeX only.")
@click.option("--code", is_flag=True, help="Print the generated source only.")
@backend_option
def command(problem: str, params: dict[str, str], latex: bool, code: bool, backend: str) -> None:
    """Show the objective of PROBLEM, its gradient as a formula and the structure that was found."""
    from ncsolve.oracle import compile

    declared = load_problem(problem, params)
    if latex:
        click.echo(formulas_as_latex(declared))
    elif code:
        click.echo(compile(declared, backend).source)
    else:
        click.echo(describe(declared, compile(declared, backend).structure.summary()))


def formulas(problem: Problem) -> list[sympy.Eq]:
    """f = objective, and an equation for each variable's part of the gradient."""
    import sympy

    from ncsolve.graph.formula import gradient_formula

    return [sympy.Eq(sympy.Symbol("f"), problem.objective, evaluate=False), *gradient_formula(problem)]


def formulas_as_latex(problem: Problem) -> str:
    import sympy

    return "\n".join(sympy.latex(formula, mode="equation*") for formula in formulas(problem))


def describe(problem: Problem, structure: list[str]) -> str:
    import sympy

    lines = [f"{problem.name}: {problem.description}" if problem.description else problem.name, ""]
    for formula in formulas(problem):
        lines += [sympy.pretty(formula, use_unicode=True, wrap_line=False), ""]
    return "\n".join([*lines, "structure", *(f"  {line}" for line in structure)])
