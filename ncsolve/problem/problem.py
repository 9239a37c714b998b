"""The declaration of a problem: an immutable record, checked when it is made."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Mapping
from typing import Any, NoReturn, TypeVar

import numpy as np
import sympy as sp
from numpy.typing import ArrayLike, NDArray

from ncsolve.display import Displayed
from ncsolve.penalties import TotalPenalty
from ncsolve.problem.checks import (
    by_resolved_name,
    checked_blocks,
    checked_bounds,
    checked_data,
    checked_known,
    checked_mapping,
    checked_metrics,
    checked_parameters,
    checked_samples,
    checked_start,
    checked_text,
    choose_unknowns,
)
from ncsolve.problem.constraints import Constraint, all_of, checked_constraints
from ncsolve.problem.dropout import Dropout, checked_dropout
from ncsolve.problem.known import KnownPoint, checked_constants
from ncsolve.problem.penalty import Declared, checked_penalties, lay_out_penalties, symbols_of
from ncsolve.problem.sizes import sizes_of, with_sizes, without_sizes
from ncsolve.problem.start import Start
from ncsolve.problem.stored import with_stored
from ncsolve.problem.survey import checked_objective, survey
from ncsolve.problem.variables import Layout, Variable, by_name, lay_out

__all__ = ["Problem"]

Vector = NDArray[np.float64]
T = TypeVar("T")


class Problem(Displayed):
    """Minimise a scalar SymPy expression over real unknowns, packed into one vector x of shape (n,).

    Parameters
    ----------
    objective
        Scalar expression over `Symbol`, `IndexedBase` elements under `Sum`, and `MatrixSymbol` expressions.
    name, description
        What listings and results call it.
    variables
        The unknowns in their order in x. Without it: every free symbol that is neither data nor a parameter, by name
        (x1, x2, x10). An array is flattened in C order.
    parameters
        {Symbol: number}. `with_parameters` changes them without deriving again.
    data
        {IndexedBase or MatrixSymbol: array}. Copied; integers stay int64, everything else becomes float64. A large
        numpy.memmap, the path of a large .npy file or a dask array stays where it is and is read in blocks of rows: f
        must be a finite sum over these.
    bounds
        {variable: (low, high)}: numbers or arrays of the variable's shape, either side None.
    start
        {variable: number, array or sampler}, or an array of shape (n,). What it leaves out is drawn as `random_point`
        says.
    penalty
        Non-smooth terms with a proximal operator, added to the objective: `L1(0.1)`, or a list of them on different
        variables, `[L1(lam, on=w), NuclearNorm(1, on=M)]`. Numbers or expressions in parameters.
    equal, less
        Constraints h(x) = 0 and c(x) <= 0: scalar expressions, relations such as Eq(a, b) and a <= b, or one for each
        value of an index, (expression, (i, 0, n - 1)). See `ncsolve.constraints`.
    samples
        Index of the finite sum for stochastic solvers, a symbol or its name.
    dropout
        {variable: Dropout(p)}: weights that solvers by mini-batches leave out at random. See `Dropout`.
    blocks
        Groups of variables that block solvers treat in turn: each a variable or a sequence of them.
    known
        `Minimum`, `Saddle` and `Maximum` points; each is a test.
    constants
        Any of smoothness, pl, strong_convexity, hessian_lipschitz, jacobian_lipschitz, self_concordance, minimum.
    metrics
        {what it is: function of {variable name: values}}: numbers that a result reports of its point, such as a test
        error. They steer nothing.

    Sizes may be symbols, `MatrixSymbol("A", m, n)`, whose values follow from the shapes of data and starts or are given
    under parameters.

    Every key may be the symbol or its name. A SymPy assumption (positive=True) serves simplification and the random
    start only: what restricts the domain is `bounds`. Raises `ProblemError`.

    >>> x, y = sp.symbols("x y")
    >>> Problem((1 - x)**2 + 100 * (y - x**2)**2, start={x: -1.2, y: 1})
    <Problem 'problem': x, y; n = 2>
    """

    objective: sp.Expr
    name: str
    description: str
    variables: Layout
    n: int
    parameters: Mapping[sp.Symbol, float]
    data: Mapping[sp.Basic, NDArray[Any]]
    lower: Vector | None
    upper: Vector | None
    bounds: Mapping[str, tuple[Any, Any]]
    start: Start
    known: tuple[KnownPoint, ...]
    constants: Mapping[str, float]
    metrics: Mapping[str, Callable[[dict[str, Any]], float]]
    penalty: TotalPenalty | None
    declared_penalty: Declared
    equal: tuple[Constraint, ...]
    less: tuple[Constraint, ...]
    samples: sp.Basic | None
    dropout: Mapping[Variable, Dropout]
    blocks: tuple[tuple[str, ...], ...]
    derived: dict[Any, Any]
    source: str | None
    signs: Vector | None = None
    """Of a `MinMax` problem: +1 where f is minimised, -1 where it is maximised, shape (n,)."""

    def __init__(
        self,
        objective: Any,
        *,
        name: str = "problem",
        variables: Iterable[Any] | None = None,
        parameters: Mapping[Any, Any] | None = None,
        data: Mapping[Any, ArrayLike] | None = None,
        bounds: Mapping[Any, Any] | None = None,
        start: Any = None,
        penalty: Any = None,
        equal: Any = None,
        less: Any = None,
        samples: Any = None,
        dropout: Mapping[Any, Any] | None = None,
        blocks: Iterable[Any] | None = None,
        known: Iterable[KnownPoint] | KnownPoint = (),
        constants: Mapping[str, Any] | None = None,
        metrics: Mapping[str, Callable[[dict[str, Any]], float]] | None = None,
        description: str = "",
    ) -> None:
        data = with_stored(data)
        penalties = checked_penalties(penalty)
        expression = checked_objective(objective)
        equal, less = checked_constraints(equal, "equal", penalties), checked_constraints(less, "less", penalties)
        found = survey(all_of(expression, equal, less))
        if sizes := sizes_of(found, data, start, parameters):
            expression = with_sizes(expression, sizes)
            equal, less = (tuple(each.with_sizes(sizes) for each in group) for group in (equal, less))
            found = survey(all_of(expression, equal, less))
            parameters = without_sizes(parameters, sizes)
        found.check_closed()
        free = by_name(found.free)
        tables = by_resolved_name(data, free, "data")
        scalars = {**by_name(symbols_of(penalties)), **free}
        numbers = by_resolved_name(parameters, scalars, "parameters")
        layout = lay_out(choose_unknowns(free, {**tables, **numbers}, variables), start, found)
        box, lower, upper = checked_bounds(bounds, layout)
        chosen_numbers = checked_parameters(numbers, scalars)
        declared_penalty = lay_out_penalties(penalties, layout, chosen_numbers, lower, upper)
        self.__dict__.update(
            objective=expression,
            name=checked_text(name, "name"),
            description=checked_text(description, "description"),
            variables=layout,
            n=layout.n,
            parameters=chosen_numbers,
            data=checked_data(tables, free, found),
            bounds=box,
            lower=lower,
            upper=upper,
            start=checked_start(start, layout, lower, upper),
            penalty=declared_penalty.at(chosen_numbers),
            declared_penalty=declared_penalty,
            equal=equal,
            less=less,
            samples=checked_samples(samples, found),
            dropout=checked_dropout(dropout, layout),
            blocks=checked_blocks(blocks, layout),
            known=checked_known(known, layout, lower, upper),
            constants=checked_constants(checked_mapping(constants, "constants")),
            metrics=checked_metrics(checked_mapping(metrics, "metrics")),
            derived={},
            source=None,
        )

    def __setattr__(self, name: str, value: Any) -> NoReturn:
        raise AttributeError(f"A Problem is immutable: make a new one instead of setting '{name}'.")

    def __repr__(self) -> str:
        shapes = [v.name + (f"{list(v.shape)}" if v.shape else "") for v in self.variables[:8]]
        more = ", ..." if len(self.variables) > 8 else ""
        return f"<Problem '{self.name}': {', '.join(shapes)}{more}; n = {self.n}>"

    def __getstate__(self) -> dict[str, Any]:
        """What was derived (compiled code) stays behind when a problem is pickled, and so do functions."""
        return {**self.__dict__, "derived": {}, "metrics": {}}

    def once(self, key: Hashable, make: Callable[[], T]) -> T:
        """What `make` derives from the problem, made when it is first asked for and kept in `derived` under the key.

        Copies with other parameters share it: the key says for which parameters it was made, where that matters.
        """
        if key not in self.derived:
            self.derived[key] = make()
        found: T = self.derived[key]
        return found

    def replaced(self, **attributes: str) -> Problem:
        """Return a copy with another name, description or source. It shares what was derived."""
        return self._changed(attributes)

    def with_parameters(self, parameters: Mapping[Any, Any]) -> Problem:
        """Return the same problem with some parameters changed. Nothing is derived again: `derived` is shared.

        Known points and constants are dropped when a value changes, since they were stated for the old ones.
        """
        table = by_name(self.parameters)
        values = by_resolved_name(parameters, table, "with_parameters", "parameter")
        changed = {**self.parameters, **checked_parameters(values, table)}
        if changed == self.parameters:
            return self
        penalty = self.declared_penalty.at(changed)
        return self._changed({"parameters": changed, "penalty": penalty, "known": (), "constants": {}})

    def _changed(self, attributes: Mapping[str, Any]) -> Problem:
        other = object.__new__(type(self))
        other.__dict__.update(self.__dict__, **attributes)
        return other

    @property
    def constrained(self) -> bool:
        """Whether there are constraints besides bounds."""
        return bool(self.equal or self.less)

    def unconstrained(self) -> Problem:
        """Return the same problem with bounds only. It shares what was derived; nothing is known of it."""
        return self._changed({"equal": (), "less": (), "known": (), "constants": {}})

    def pack(self, values: Any, what: str = "point") -> Vector:
        """Return x of shape (n,) from {variable: number or array}, complete, or from an array of shape (n,).

        A number fills the whole of its variable. `what` begins the text of an error.
        """
        return self.variables.pack(values, what)

    def unpack(self, x: ArrayLike) -> dict[str, Any]:
        """Return {name: float or array} from x of shape (n,). A batch (m, n) gives arrays of shape (m, ...)."""
        return self.variables.unpack(x)

    def start_point(self, rng: np.random.Generator) -> Vector:
        """Return the first point, shape (n,): the declared start, samplers drawn, clipped into the bounds.

        What has no start is drawn as in `random_point`: the middle of a box, or 0, is too often a symmetric saddle.
        """
        return self.start.point(rng)

    def random_point(self, rng: np.random.Generator) -> Vector:
        """Return a random point inside the bounds, shape (n,): for many starts.

        By the first that applies: the declared sampler; uniform between two finite bounds; around the declared start s,
        or 0 without one, N(s, max(1, |s|)^2), folded inside where one side is bounded. A symbol that is positive or
        negative by assumption keeps its sign.
        """
        return self.start.random(rng)
