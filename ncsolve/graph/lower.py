"""SymPy to graph: expressions become kernels over nodes, sums become contractions, and nothing is unrolled.

`Lowering` walks an expression without recursion and returns for every sub-expression a kernel: a SymPy expression over
the symbols of nodes. A kernel that grows large is cut, that is, made a node of its own, so that differentiation works
on small kernels and the chain rule on the graph does the rest.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import sympy as sp

from ncsolve.errors import ProblemError
from ncsolve.graph.indices import Ranges, Scope, lower_subscript, range_values
from ncsolve.graph.kernels import stabilise
from ncsolve.graph.matrices import SCALARS, Matrices
from ncsolve.graph.nodes import ROW_WEIGHT, Affine, Graph, Index, Leaf, Node
from ncsolve.graph.program import SUPPORTED
from ncsolve.graph.reroll import MANY_TERMS, reroll

if TYPE_CHECKING:
    from ncsolve.problem import Problem

_CUT_WEIGHT = 40  # operations in a kernel before it becomes a node
_CUT_DEPTH = 12
_MANY_FACTORS = 12

_UNSUPPORTED = (sp.Integral, sp.Derivative, sp.Limit, sp.Subs, sp.re, sp.im, sp.arg, sp.conjugate)


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
        self._labels = {base.label: base for base in (*self._variables, *self._data) if isinstance(base, sp.IndexedBase)}
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
        if isinstance(expression, sp.log) and (node := self._log_sum_exp(expression.args[0], scope)) is not None:
            return Lowered(node.symbol)
        if isinstance(expression, sp.log) and (kernel := self._matrices.log_determinant(expression.args[0], scope)) is not None:
            return Lowered(kernel)
        if isinstance(expression, SCALARS):
            return Lowered(self.graph.inline(self._matrices.scalar(expression, scope)))
        if isinstance(expression, sp.Product):
            return Lowered(self._product(expression, scope).symbol)
        if expression.is_Add and len(expression.args) >= MANY_TERMS and not scope:
            nodes, rest = reroll(self, expression.args)
            if nodes:
                terms = [self.graph.inline(n) for n in nodes]
                return Lowered(sp.Add(*terms, *(self._cut(self.kernel(term, scope)) for term in rest)))
        if isinstance(expression, _UNSUPPORTED):
            raise ProblemError(f"{type(expression).__name__} has no place in an objective: {_short(expression)}")
        return None

    def _combine(self, expression: sp.Basic, args: list[Lowered]) -> Lowered:
        kernels = [a.kernel for a in args]
        if isinstance(expression, sp.core.function.Application) and type(expression) not in SUPPORTED:
            raise ProblemError(f"the function {expression.func.__name__} is not supported in an objective: {_short(expression)}")
        if isinstance(expression, (sp.Max, sp.Min)) and len(args) > 2:
            return Lowered(self._extreme(expression.func, kernels))
        if len(args) > _MANY_FACTORS:
            kernels = [self._cut(a.kernel) if a.weight > 3 else a.kernel for a in args]
            weight, depth = len(args), 1
        else:
            weight, depth = 1 + sum(a.weight for a in args), 1 + max(a.depth for a in args)
        changed = any(new is not old for new, old in zip(kernels, expression.args, strict=True))
        kernel = stabilise(expression.func(*kernels) if changed else expression)
        if (weight > _CUT_WEIGHT or depth > _CUT_DEPTH) and isinstance(kernel, sp.Expr) and kernel.free_symbols:
            return Lowered(self.graph.pointwise(kernel).symbol)
        return Lowered(kernel, weight, depth)

    def _extreme(self, function: type[sp.Max | sp.Min], kernels: list[sp.Expr]) -> sp.Expr:
        """A maximum by pairs, so that where several are equal the derivatives' weights add up to 1."""
        while len(kernels) > 1:
            pairs = (kernels[k : k + 2] for k in range(0, len(kernels), 2))
            kernels = [self._cut(function(*pair)) for pair in pairs]
        return kernels[0]

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
        raise ProblemError(f"'{symbol}' in the objective is neither a variable, a parameter, data nor the index of a Sum")

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
            if len(spaces) > 1 and kernel.is_Add:
                results.append(self.graph.contract(factors, over))
            else:
                plain.append(term)
        if len(plain) == 1:
            results.append(self.graph.contract([self.graph.pointwise(f) for f in sp.Mul.make_args(plain[0])], over))
        elif plain:
            results.append(self.graph.contract([self.graph.pointwise(sp.Add(*plain))], over))
        return self.graph.add(results)

    def _log_sum_exp(self, argument: sp.Expr, scope: Scope) -> Node | None:
        """log(c Sum(w exp(z))) as log(c) + m + log(Sum(w exp(z - m))) with m = max z."""
        coefficient, total = argument.as_coeff_Mul()
        if not isinstance(total, sp.Sum) or not coefficient.is_positive:
            return None
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
        return self.graph.pointwise(sp.log(coefficient) + peak.symbol + sp.log(total_node.symbol))

    def _product(self, expression: sp.Product, scope: Scope) -> Node:
        """A product over a range of numbers, written out (its derivative is no sum of independent terms)."""
        factors = [expression.function]
        for symbol, low, high in expression.limits:
            if not (low.is_Integer and high.is_Integer):
                raise ProblemError(f"the range of {symbol} in a Product must be given by numbers, not {low} to {high}")
            factors = [f.xreplace({symbol: sp.Integer(k)}) for f in factors for k in range(int(low), int(high) + 1)]
        nodes = [self.graph.pointwise(self.kernel(factor, scope)) for factor in factors] or [self.graph.one]
        while len(nodes) > 1:
            nodes = [self.graph.pointwise(sp.Mul(*(n.symbol for n in nodes[k : k + 4]))) for k in range(0, len(nodes), 4)]
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
            return symbol.name == str(wanted)
        return any(symbol in e.free_symbols and e.base in self._data for e in body.atoms(sp.Indexed))


def _short(expression: sp.Basic, limit: int = 80) -> str:
    text = str(expression)
    return text if len(text) <= limit else text[: limit - 3] + "..."
