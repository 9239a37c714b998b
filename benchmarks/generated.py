"""Generated objectives: no traceback, no hang, and every "minimum" is confirmed by an independent check.

    python benchmarks/generated.py [--count 10000] [--seed 0] [--solvers auto,lbfgs,gd]

Objective k depends on the seed and k alone. They are random trees of functions over scalars and arrays, with sums over
data, parameters and bounds. A run may end in any honest way; what must not happen is an exception that is no
NcsolveError, a solver that fails, a run that computes for more than three times its limit (judging comes on top), or a
minimum that is none:

- SymPy differentiates the objective with all sums written out, mpmath evaluates in 30 digits: the gradient at x must be
  within the tolerance and what rounding of x makes of it (where a bound holds x, of the right sign), and no eigenvalue
  of the Hessian in the free variables clearly negative;
- of 1000 random points close by, none may lie lower than the gradient explains; where one does, of 1000 still closer.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cached_property, partial

import mpmath
import numpy as np
import sympy as sp
from _campaign import WRONG, Tally, arguments

import ncsolve as nc
from ncsolve.errors import NcsolveError

ROWS, SECONDS = 5, 5.0
TOLERANCE, ROUNDING = 1e-6, 1e-27
RADII = (1e-5, 1e-6)  # a valley may be narrower than the first
a, b, lam = sp.symbols("a b lam")
v, A, y = sp.IndexedBase("v", shape=(3,)), sp.IndexedBase("A", shape=(ROWS, 3)), sp.IndexedBase("y", shape=(ROWS,))
i, j = sp.symbols("i j", integer=True)
SMOOTH = (sp.sin, sp.cos, sp.exp, sp.tanh, sp.atan, sp.asinh, sp.erf, lambda e: e**2, lambda e: e**3, lambda e: e**4)
CAREFUL = (
    lambda e: sp.log(1 + e**2), lambda e: sp.sqrt(1 + e**2), lambda e: 1 / (1 + e**2), lambda e: e**2 / (1 + e**2),
    lambda e: sp.log(1 + sp.exp(e)), sp.log, sp.sqrt, sp.cosh,
)  # fmt: skip
KINKED = (sp.Abs, lambda e: sp.Max(e, 0), lambda e: sp.Piecewise((e**2, e < 1), (2 * e - 1, True)))


@dataclass
class Generated:
    """An objective, and what checks it."""

    problem: nc.Problem
    probed: list[np.ndarray] = field(default_factory=list)
    """Minima around which no point lies lower: what another solver finds there needs no points of its own."""

    @cached_property
    def independent(self) -> Independent:
        return Independent(self.problem)


def generate(seed: int, k: int) -> Generated:
    """Objective k of a seed."""
    rng = np.random.default_rng([seed, k])
    kinds = [SMOOTH, SMOOTH, CAREFUL, KINKED] if rng.random() < 0.2 else [SMOOTH, SMOOTH, CAREFUL]

    def number() -> sp.Expr:
        return sp.Rational(int(rng.integers(-12, 13)) or 1, int(rng.integers(1, 5)))

    def tree(leaves: list[sp.Expr], depth: int) -> sp.Expr:
        if depth == 0 or rng.random() < 0.15:
            return leaves[rng.integers(len(leaves))] * (number() if rng.random() < 0.4 else 1)
        what = rng.random()
        if what < 0.45:
            functions = kinds[rng.integers(len(kinds))]
            return functions[rng.integers(len(functions))](tree(leaves, depth - 1) / int(rng.integers(1, 4)))
        left, right = tree(leaves, depth - 1), tree(leaves, depth - 1)
        return left * right if what < 0.6 else left + number() * right

    variables = [[a], [a, b], [v], [a, v]][rng.integers(4)]
    scalars = [s for s in variables if s.is_Symbol]
    f = tree([*scalars, *([v[0], v[1], v[2]] if v in variables else []), lam], int(rng.integers(1, 4)))
    data = {}
    if v in variables and rng.random() < 0.7:
        data = {A: rng.standard_normal((ROWS, 3)), y: rng.standard_normal(ROWS)}
        f += sp.Sum(tree([sp.Sum(A[i, j] * v[j], (j, 0, 2)) - y[i], y[i]], int(rng.integers(1, 3))), (i, 0, ROWS - 1))
    if rng.random() < 0.6:  # else it may well be unbounded, which must be noticed
        f += sum((s**2 for s in scalars), sp.S.Zero) + (sp.Sum(v[j] ** 4, (j, 0, 2)) if v in variables else 0)
    bounds = {s: (-1, 2) for s in variables if rng.random() < 0.2}
    if v in bounds:
        bounds[v] = (-1.0, np.array([0.5, 2.0, np.inf]))
    start = {s: rng.uniform(-1, 0.5, getattr(s, "shape", None) or ()) for s in variables}
    given = {"data": {s: d for s, d in data.items() if f.has(s)}, "parameters": {lam: 0.7} if f.has(lam) else {}}
    problem = nc.Problem(f, variables=variables, bounds=bounds, start=start, name=f"generated-{seed}-{k}", **given)
    return Generated(problem)


class Independent:
    """Value, gradient and Hessian in 30 digits, of the objective with its sums written out.

    `smooth`: whether the second derivatives exist everywhere.
    """

    def __init__(self, problem: nc.Problem) -> None:
        written_out = problem.objective.doit()
        numbers = {s: sp.Float(c, 30) for s, c in problem.parameters.items()}
        for base, array in problem.data.items():
            numbers |= {base[place]: sp.Float(float(c), 30) for place, c in np.ndenumerate(array)}
        unknowns = []
        for variable in problem.variables:
            places = np.ndindex(variable.shape) if variable.shape else ()
            unknowns += [variable.symbol[place] for place in places] or [variable.symbol]
        self.symbols = [sp.Dummy(f"u{k}", real=True) for k in range(problem.n)]
        f = written_out.xreplace(numbers).xreplace(dict(zip(unknowns, self.symbols, strict=True)))
        self.f = sp.lambdify(self.symbols, f, "mpmath")
        gradient = [sp.diff(f, s) for s in self.symbols]
        self.gradient = sp.lambdify(self.symbols, gradient, "mpmath")
        hessian = [[sp.diff(g, s) for s in self.symbols] for g in gradient]
        self.hessian = sp.lambdify(self.symbols, hessian, "mpmath")
        self.smooth = not sp.Matrix(hessian).has(sp.Abs, sp.Max, sp.Piecewise, sp.sign, sp.DiracDelta, sp.Heaviside)


def refutation(case: Generated, result: nc.Result, rng: np.random.Generator) -> str:
    """Why x is no minimum, "" where nothing speaks against it."""
    problem, x = case.problem, result.x
    check = case.independent
    lower = np.full(problem.n, -np.inf) if problem.lower is None else problem.lower
    upper = np.full(problem.n, np.inf) if problem.upper is None else problem.upper
    near = 4 * np.finfo(float).eps * (1 + np.abs(x))  # a bound that is met but for rounding is met
    x = np.where(x - lower <= near, lower, np.where(upper - x <= near, upper, x))
    with mpmath.workdps(30):
        at = [mpmath.mpf(float(c)) for c in x]
        f = check.f(*at)
        slope = 0.0
        if check.smooth:
            g = np.array([float(c) for c in check.gradient(*at)])
            free = ~(((x <= lower) & (g > 0)) | ((x >= upper) & (g < 0)))
            slope = float(np.abs(g[free]).max(initial=0))
            H = mpmath.matrix(check.hessian(*at))[:, :]
            # between x and the next float the gradient changes by eps |H| |x|: no double precision sees less
            blur = float(np.finfo(float).eps * max(abs(c) for c in H) * np.abs(x).max())
            # a run that was cut off is judged by the critical point close by
            if slope > 2 * TOLERANCE + 2 * blur and result.status is nc.Status.CONVERGED:
                return f"the gradient is {slope:.2e}"
            kept = [k for k in range(problem.n) if free[k] and lower[k] < x[k] < upper[k]]
            if kept:
                values = mpmath.eigsy(mpmath.matrix([[H[p, q] for q in kept] for p in kept]), eigvals_only=True)
                # x is near the critical point, not at it: eigenvalues may be off by its distance
                if min(values) < -1e-3 * max(1, max(abs(c) for c in values)):
                    return f"the Hessian has the eigenvalue {float(min(values)):.2e}"
        else:
            slope = TOLERANCE
        if any(np.abs(x - known).max() < RADII[-1] / 10 for known in case.probed):
            return ""
        for relative in RADII:
            radius = relative * (1 + float(np.abs(x).max()))
            lower_by = 0.0
            for direction in rng.standard_normal((1000 if check.smooth else 200, problem.n)):
                point = np.clip(x + radius * direction / np.linalg.norm(direction), lower, upper)
                value = check.f(*(mpmath.mpf(float(c)) for c in point))
                if mpmath.im(value) == 0 and f - value > 2 * np.sqrt(problem.n) * slope * radius + ROUNDING * abs(f):
                    lower_by = max(lower_by, float(f - value))
            if not lower_by:
                case.probed.append(x)
                return ""  # what lies lower at a larger distance lies beyond a hill
    return f"f is lower by {lower_by:.2e} at a distance of {radius:.1e}"


def ended(case: Generated, solver: str, k: int) -> str:
    """How one run ended, in a word or two; what must not be begins with "WRONG"."""
    began = time.process_time()  # a busy machine is nobody's fault; what waits for ever is ended by the alarm
    try:
        result = nc.solve(case.problem, solver, max_seconds=SECONDS, max_iterations=2000, gradient_tolerance=TOLERANCE)
    except NcsolveError as error:
        return f"refused: {type(error).__name__}"
    if time.process_time() - began > 3 * SECONDS:
        return f"{WRONG}{time.process_time() - began:.0f} s where {SECONDS:g} s are the limit"
    if result.status == "FAILED":
        return f"{WRONG}{result.message}"
    if result.point.kind == "minimum":
        why = refutation(case, result, np.random.default_rng(k))
        if why:
            return f"{WRONG}called a minimum, but {why} at x = {result.x.tolist()}"
    return f"{result.status} {result.point.kind}"


def run(seed: int, numbers: range, solvers: list[str], title: str = "") -> Tally:
    """How runs of some of the objectives ended, and what went wrong."""

    def endings(k: int) -> Iterator[str]:
        try:
            case = generate(seed, k)
        except NcsolveError as error:
            yield f"refused: {type(error).__name__}"
            return
        for solver in solvers:
            ending = ended(case, solver, k)
            yield f"{ending} by {solver}\n    {case.problem.objective}" if ending.startswith(WRONG) else ending

    return Tally().run(((str(k), partial(endings, k)) for k in numbers), title)


def main() -> None:
    given = arguments(__doc__, ("--solvers", {"default": "auto,lbfgs,gd"}))
    numbers = range(given.first, given.first + given.count)
    tally = run(given.seed, numbers, given.solvers.split(","), "objectives")
    tally.finish(f"{given.count} objectives x {given.solvers}, seed {given.seed}")


if __name__ == "__main__":
    main()
