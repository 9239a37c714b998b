"""SymPy to graph: expressions become kernels over nodes, sums become contractions, and nothing is unrolled.

`Lowering` walks an expression without recursion and returns for every sub-expression a kernel: a SymPy expression over
the symbols of nodes. A kernel that grows large is cut, that is, made a node of its own, so that differentiation works
on small kernels and the chain rule on the graph does the rest.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import sympy as sp

from ncsolve.errors import ProblemError
from ncsolve.graph.graph import Graph
from ncsolve.graph.indices import Ranges, Scope, lower_subscript, range_values
from ncsolve.graph.kernels import log_of_sum, logarithm_of, power, stabilise, step
from ncsolve.graph.matrices import SCALARS, Matrices
from ncsolve.graph.nodes import ROW_WEIGHT, Affine, Index, Leaf, Node
from ncsolve.graph.program import SUPPORTED
from ncsolve.graph.reroll import MANY_TERMS, REPEATS, reroll
from ncsolve.graph.squares import Squares

if TYPE_CHECKING:
    from ncsolve.problem import Problem

_CUT_WEIGHT = 20  # operations in a kernel before it becomes a node
_CUT_DEPTH = 6
_MANY_FACTORS = 12

_UNSUPPORTED = (sp.Integral, sp.Derivative, sp.Limit, sp.Subs)

_REAL: dict[type[sp.Basic], Callable[..., sp.Expr]] = {  # everything is real
    sp.re: lambda z: z,
    sp.im: lambda z: sp.S.Zero,
    sp.conjugate: lambda z: z,
    sp.arg: lambda z: sp.Piecewise((0, z >= 0), (sp.pi, True)),
    sp.Heaviside: lambda z, h: (
        step(z) if h == sp.Rational(1, 2) else sp.Piecewise((0, z < 0), (h, sp.Eq(z, 0)), (1, True))
    ),
}


@dataclass
class Lowered:
    """A kernel with its number of operations and its depth."""

    kernel: sp.Expr
    weight: int = 1
    depth: int = 0


@dataclass
class Lowering:
    """Lowers the expressions of one problem into one graph."""

    problem: Problem
    finite_sum: bool = True
    graph: Graph = field(default_factory=Graph)
    samples: Index | None = None
    samples_name: str | None = None

    def __post_init__(self) -> None:
        self._variables = {v.symbol: Leaf("variable", v.name, v.shape, v.offset) for v in self.problem.variables}
        self._data = {symbol: self.graph.data(str(symbol), array) for symbol, array in self.problem.data.items()}
        self._labels = {
            base.label: base for base in (*self._variables, *self._data) if isinstance(base, sp.IndexedBase)
        }
        self._matrices = Matrices(self)
        self.packed = Leaf("variable", "x", (self.problem.n,))

    def node(self, expression: sp.Expr, scope: Scope | None = None) -> Node:
        """The node of an expression whose bound symbols have the meaning that the scope gives them."""
        return self.graph.pointwise(self.kernel(expression, scope or Scope()))

    # -- expressions -------------------------------------------------------------------------------------------------

    def kernel(self, root: sp.Expr, scope: Scope) -> sp.Expr:
        done: dict[sp.Basic, Lowered] = {}
        stack: list[sp.Basic] = [root]
        while stack:
            expression = stack[-1]
            if expression in done:
                stack.pop()
                continue
            if (special := self._special(expression, scope)) is not None:
                done[expression] = special
                continue
            pending = [a for a in expression.args if a not in done]
            if pending:
                stack.extend(pending)
            else:
                done[expression] = self._combine(expression, [done[a] for a in expression.args])
        return done[root].kernel

    def _special(self, expression: sp.Basic, scope: Scope) -> Lowered | None:
        """What does not become a kernel of its arguments: atoms, subscripts, sums, log-sum-exp, long sums of terms."""
        if expression.is_Symbol:
            return Lowered(self._symbol(expression, scope))
        if not expression.args:
            return Lowered(expression)
        if isinstance(expression, sp.Indexed):
            return Lowered(self._indexed(expression, scope).symbol)
        if isinstance(expression, sp.Sum):
            return Lowered(self.graph.inline(self._sum(expression, scope)))
        if isinstance(expression, sp.log) or expression.is_Mul:
            kernel = self._softmax(expression, scope) if expression.is_Mul else self._log_sum_exp(expression, scope)
            if kernel is not None:
                return Lowered(kernel)
        if (
            isinstance(expression, sp.log)
            and (kernel := self._matrices.log_determinant(expression.args[0], scope)) is not None
        ):
            return Lowered(kernel)
        if isinstance(expression, SCALARS):
            return Lowered(self.graph.inline(self._matrices.scalar(expression, scope)))
        if isinstance(expression, sp.Product):
            return Lowered(self._product(expression, scope).symbol)
        if expression.is_Add and len(expression.args) >= (REPEATS if scope else MANY_TERMS):
            nodes, rest = reroll(self, expression.args, scope)
            if nodes:
                terms = [self.graph.inline(n) for n in nodes]
                return Lowered(sp.Add(*terms, *(self._cut(self.kernel(term, scope)) for term in rest)))
        if isinstance(expression, _UNSUPPORTED):
            raise ProblemError(f"{type(expression).__name__} has no place in an objective: {_short(expression)}")
        return None

    def _combine(self, expression: sp.Basic, args: list[Lowered]) -> Lowered:
        kernels = [a.kernel for a in args]
        if (rule := _REAL.get(expression.func)) is not None:
            return Lowered(rule(*kernels))
        if isinstance(expression, sp.core.function.Application) and type(expression) not in SUPPORTED:
            name = expression.func.__name__
            raise ProblemError(f"the function {name} is not supported in an objective: {_short(expression)}")
        if isinstance(expression, (sp.Max, sp.Min)) and len(args) > 2:
            return Lowered(self._extreme(expression.func, kernels))
        if len(args) > _MANY_FACTORS:
            kernels = [self._shortened(a.kernel) if a.weight > 3 else a.kernel for a in args]
            weight, depth = len(args), 1
        else:
            weight, depth = 1 + sum(a.weight for a in args), 1 + max(a.depth for a in args)
        changed = any(new is not old for new, old in zip(kernels, expression.args, strict=True))
        kernel = stabilise(expression.func(*kernels) if changed else expression)
        if kernel.is_Pow and self._has_kink(*kernel.args):
            kernel = power(*kernel.args)
        if (weight > _CUT_WEIGHT or depth > _CUT_DEPTH) and isinstance(kernel, sp.Expr) and kernel.free_symbols:
            return Lowered(self.graph.pointwise(kernel).symbol)
        return Lowered(kernel, weight, depth)

    def _extreme(self, function: type[sp.Max | sp.Min], kernels: list[sp.Expr]) -> sp.Expr:
        """A maximum by pairs, so that where several are equal the derivatives' weights add up to 1."""
        while len(kernels) > 1:
            pairs = (kernels[k : k + 2] for k in range(0, len(kernels), 2))
            kernels = [self._cut(function(*pair)) for pair in pairs]
        return kernels[0]

    def _has_kink(self, base: sp.Expr, exponent: sp.Expr) -> bool:
        """Whether a power is like the norm sqrt(x**2 + ...): of a sum of squares or an absolute value that may be 0."""
        if not exponent.is_Number or exponent.is_Integer or exponent < 0:
            return False
        if isinstance(base, sp.Abs):
            return True
        parameters = {s.name: value for s, value in self.problem.parameters.items()}
        squares = Squares(self.graph, parameters).of(base)
        return bool(squares) and all(any(n.dependent for n in self.graph.nodes_of(s.root)) for s in squares or [])

    def _shortened(self, kernel: sp.Expr) -> sp.Expr:
        """A node in the kernel's place; an exponential is still seen as one, for the logarithm of a sum of them."""
        return sp.exp(self._cut(kernel.args[0])) if isinstance(kernel, sp.exp) else self._cut(kernel)

    def _cut(self, kernel: sp.Expr) -> sp.Expr:
        return self.graph.pointwise(kernel).symbol if kernel.free_symbols else kernel

    def _symbol(self, symbol: sp.Symbol, scope: Scope) -> sp.Expr:
        if self.graph.knows(symbol):
            return symbol
        if symbol in scope:
            subscript = scope[symbol]
            values = self.graph.table(range_values(subscript, self.graph).astype(float))
            subscripts = tuple(Affine(i, 1, 0) for i in subscript.indices)
            node = self.graph.gather(values, subscripts)
            self.graph.explain(node, symbol, scope)
            return node.symbol
        if symbol in self._variables:
            return self.graph.gather(self._variables[symbol]).symbol
        if symbol in self.problem.parameters:
            return self.graph.gather(Leaf("parameter", symbol.name, ())).symbol
        if (base := self._labels.get(symbol)) is not None:
            raise ProblemError(f"{symbol} stands without an index in the objective: write {base}[i] under a Sum over i")
        raise ProblemError(
            f"'{symbol}' in the objective is neither a variable, a parameter, data nor the index of a Sum"
        )

    def leaf(self, array: sp.Basic) -> Leaf:
        """The leaf of an IndexedBase or a MatrixSymbol."""
        leaf = self._variables.get(array) or self._data.get(array)
        if leaf is None:
            raise ProblemError(f"the array '{array}' in the objective is neither a variable nor data")
        return leaf

    def _indexed(self, expression: sp.Indexed, scope: Scope) -> Node:
        base, leaf = expression.base, self.leaf(expression.base)
        if len(expression.indices) != len(leaf.shape):
            raise ProblemError(f"{expression} has {len(expression.indices)} indices, but {base} has shape {leaf.shape}")
        subscripts = tuple(
            lower_subscript(index, scope, self.graph, self._data, expression, axis, leaf.shape)
            for axis, index in enumerate(expression.indices)
        )
        return self.graph.gather(leaf, subscripts)

    # -- sums --------------------------------------------------------------------------------------------------------

    def _sum(self, expression: sp.Sum, scope: Scope) -> Node:
        ranges = Ranges.of(expression, scope, self)
        if ranges.empty:
            return self.graph.zero
        total = self._sum_over(ranges.body, ranges)
        if self.samples in ranges.over:  # rows of a finite sum: a subset of them stands for all
            total = self.graph.pointwise(self.graph.gather(ROW_WEIGHT).symbol * self.graph.inline(total))
        return total

    def _sum_over(self, body: sp.Expr, ranges: Ranges) -> Node:
        kernel = self.kernel(body, ranges.scope)
        if ranges.mask is not None:
            kernel = sp.Piecewise((kernel, ranges.mask.symbol > 0), (0, True))
        return self.contract_kernel(kernel, ranges.over)

    def contract_kernel(self, kernel: sp.Expr, over: tuple[Index, ...]) -> Node:
        """The sum of a kernel over indices: products of factors on different index spaces become contractions."""
        plain, results = [], []
        for term in sp.Add.make_args(kernel):
            factors = [self.graph.pointwise(factor) for factor in sp.Mul.make_args(term)]
            spaces = {frozenset(f.indices) for f in factors if f.indices}
            if kernel.is_Add and (len(spaces) > 1 or _is_positive_square(term)):
                results.append(self.graph.contract(factors, over))
            else:
                plain.append(term)
        if len(plain) == 1:
            results.append(self.graph.contract([self.graph.pointwise(f) for f in sp.Mul.make_args(plain[0])], over))
        elif plain:
            results.append(self.graph.contract([self.graph.pointwise(sp.Add(*plain))], over))
        return self.graph.add(results)

    def _log_sum_exp(self, logarithm: sp.Expr, scope: Scope) -> sp.Expr | None:
        """log of products and sums of Sum(w exp(z)), which none of them needs to be formed for."""
        return self._logarithm(logarithm.args[0], scope) if _is_over_sums(logarithm.args[0]) else None

    def _softmax(self, product: sp.Expr, scope: Scope) -> sp.Expr | None:
        """exp(z) / Sum(exp(z)) as exp(z - log(Sum(exp(z))))."""
        below = [f for f in product.args if f.is_Pow and f.args[1].is_negative and _is_over_sums(f)]
        above = [f for f in product.args if isinstance(f, sp.exp)]
        if not below or not above:
            return None
        logarithms = [self._logarithm(f, scope) for f in below]
        if any(part is None for part in logarithms):
            return None
        exponent = sp.Add(*logarithms, *(self.kernel(f.args[0], scope) for f in above))
        rest = sp.Mul(*(f for f in product.args if f not in below and f not in above))
        return self._cut(sp.exp(exponent)) * self.kernel(rest, scope)

    def _logarithm(self, argument: sp.Expr, scope: Scope) -> sp.Expr | None:
        """The logarithm of an argument that is written by exponentials, their sums and positive numbers; else None."""
        if isinstance(argument, sp.Sum):
            return self._log_of_sum(argument, scope)
        if isinstance(argument, sp.exp):
            return self.kernel(argument.args[0], scope)
        if not _is_over_sums(argument):
            return logarithm_of(self.kernel(argument, scope))
        if argument.is_Pow and argument.args[1].is_Number:
            inner = self._logarithm(argument.args[0], scope)
            return None if inner is None else argument.args[1] * inner
        if not (argument.is_Mul or argument.is_Add):
            return None
        parts = [self._logarithm(part, scope) for part in argument.args]
        if any(part is None for part in parts):
            return None
        return sp.Add(*parts) if argument.is_Mul else self._cut(log_of_sum([self._cut(part) for part in parts]))

    def _log_of_sum(self, total: sp.Sum, scope: Scope) -> sp.Expr | None:
        """log(Sum(w exp(z))) as m + log(Sum(w exp(z - m))) with m = max z."""
        ranges = Ranges.of(total, scope, self)
        factors = sp.Mul.make_args(ranges.body)
        exponents = [f.args[0] for f in factors if isinstance(f, sp.exp)]
        if ranges.empty or ranges.mask is not None or len(exponents) != 1:
            return None
        z = self.graph.pointwise(self.kernel(exponents[0], ranges.scope))
        varying = tuple(i for i in ranges.over if i in z.indices)
        peak = self.graph.peak(z, varying) if varying else z
        weights = self.kernel(sp.Mul(*(f for f in factors if not isinstance(f, sp.exp))), ranges.scope)
        shifted = self.graph.pointwise(sp.exp(z.symbol - peak.symbol))
        total_node = self.graph.contract([shifted, self.graph.pointwise(weights)], ranges.over)
        return peak.symbol + sp.log(total_node.symbol)

    def _product(self, expression: sp.Product, scope: Scope) -> Node:
        """A product over a range of numbers, written out (its derivative is no sum of independent terms)."""
        factors = [expression.function]
        for symbol, low, high in expression.limits:
            if not (low.is_Integer and high.is_Integer):
                raise ProblemError(f"the range of {symbol} in a Product must be given by numbers, not {low} to {high}")
            factors = [f.xreplace({symbol: sp.Integer(k)}) for f in factors for k in range(int(low), int(high) + 1)]
        nodes = [self.graph.pointwise(self.kernel(factor, scope)) for factor in factors] or [self.graph.one]
        while len(nodes) > 1:
            nodes = [
                self.graph.pointwise(sp.Mul(*(n.symbol for n in nodes[k : k + 4]))) for k in range(0, len(nodes), 4)
            ]
        return nodes[0]

    # -- facts that the ranges of a sum need -------------------------------------------------------------------------

    @property
    def data_leaves(self) -> Mapping[sp.Basic, Leaf]:
        return self._data

    def claims_samples(self, symbol: sp.Symbol, body: sp.Expr, scope: Scope, size: int) -> bool:
        """Whether an outermost sum is the finite sum of stochastic solvers; the first one found decides."""
        varying = {getattr(v, "label", v) for v in self._variables} & body.free_symbols
        if scope or not varying or not self.finite_sum:
            return False
        if self.samples is not None:
            return symbol.name == self.samples_name and size == self.samples.size
        wanted = self.problem.samples
        if wanted is not None:
            return bool(symbol.name == str(wanted))
        data = [base for base, leaf in self._data.items() if leaf.role == "stored"] or self._data
        return any(symbol in e.free_symbols and e.base in data for e in body.atoms(sp.Indexed))


def _is_over_sums(expression: sp.Expr, depth: int = 3) -> bool:
    """Whether an expression is a Sum, or a sum, product or power of some, without looking far."""
    if isinstance(expression, sp.Sum):
        return True
    inside = expression.is_Add or expression.is_Mul or expression.is_Pow
    return depth > 0 and inside and any(_is_over_sums(a, depth - 1) for a in expression.args[:_MANY_FACTORS])


def _is_positive_square(term: sp.Expr) -> bool:
    """c r**2 with c > 0: summed apart it cancels with nothing, and it is a dot product."""
    number, rest = term.as_coeff_Mul()
    return bool(number > 0 and rest.is_Pow and rest.args[1] == 2)


def _short(expression: sp.Basic, limit: int = 80) -> str:
    text = str(expression)
    return text if len(text) <= limit else text[: limit - 3] + "..."
