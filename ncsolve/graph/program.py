"""Programs: nodes as a list of primitive operations in single-assignment form, which is what backends print.

Value numbering makes every operation unique, across value and derivatives, so that a common sub-expression is computed
once, on the smallest index space that it lives on. Contractions are split into products of two factors, the cheapest
first.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass, field
from typing import Any

import sympy as sp
from sympy.functions.elementary.piecewise import ExprCondPair

from ncsolve.errors import ProblemError
from ncsolve.graph import kernels
from ncsolve.graph.factoring import parted
from ncsolve.graph.graph import Graph
from ncsolve.graph.nodes import Contract, Gather, Index, Leaf, MatrixFunction, Node, Peak, Pointwise, Relabel, unique
from ncsolve.graph.walks import reachable

_UNARY = {
    sp.exp: "exp", sp.log: "log", sp.sin: "sin", sp.cos: "cos", sp.tan: "tan", sp.asin: "asin", sp.acos: "acos",
    sp.atan: "atan", sp.sinh: "sinh", sp.cosh: "cosh", sp.tanh: "tanh", sp.asinh: "asinh", sp.acosh: "acosh",
    sp.atanh: "atanh", sp.Abs: "abs", sp.sign: "sign", sp.floor: "floor", sp.ceiling: "ceil", sp.erf: "erf",
    sp.erfc: "erfc", sp.gamma: "gamma", sp.loggamma: "loggamma", sp.digamma: "digamma",
}  # fmt: skip
_NARY = {sp.atan2: "atan2", sp.Max: "max", sp.Min: "min", sp.And: "and", sp.Or: "or", sp.Not: "not", sp.Mod: "mod"}
_COMPARISONS = {
    sp.StrictLessThan: "lt", sp.LessThan: "le", sp.StrictGreaterThan: "gt", sp.GreaterThan: "ge",
    sp.Equality: "eq", sp.Unequality: "ne",
}  # fmt: skip
MATRIX = frozenset({"inverse", "det", "logdet", "logabsdet", "detsign"})


@dataclass(frozen=True)
class Op:
    """One operation: its arguments are earlier operations, `indices` is the index space that its value lives on.

    `detail` is the value of a "const", (leaf, subscripts) of a "gather", the exponent of a "pow" by a number, the
    summed indices of a "sum", "contract" or "peak", the pairs (old, new) of a "relabel", and the axes of a
    MATRIX function's argument with those of its result. `level` is 0 for constants and data, 1 with parameters, 2 with
    variables.
    """

    id: int
    kind: str
    args: tuple[int, ...]
    indices: tuple[Index, ...]
    level: int
    detail: Any = None

    @property
    def size(self) -> int:
        size = 1
        for index in self.indices:
            size *= index.size
        return size


@dataclass
class Program:
    """The operations that compute some nodes of a graph."""

    graph: Graph
    ops: list[Op] = field(default_factory=list)
    _numbers: dict[Hashable, int] = field(default_factory=dict)
    _of_node: dict[int, int] = field(default_factory=dict)
    _of_kernel: dict[sp.Basic, int] = field(default_factory=dict)
    _sums: dict[frozenset[tuple[sp.Expr, sp.Expr]], int] = field(default_factory=dict)  # {(coefficient, term)}

    @classmethod
    def of(cls, graph: Graph, roots: Sequence[Node]) -> tuple[Program, list[int]]:
        """A program and, for each root, the operation that computes it."""
        program = cls(graph)
        for node in graph.reachable(roots):
            program._of_node[node.id] = program._node(node)
            program._of_kernel[node.symbol] = program._of_node[node.id]
        return program, [program._of_node[node.id] for node in roots]

    # -- operations --------------------------------------------------------------------------------------------------

    def op(
        self, kind: str, *args: int, detail: Hashable = None, indices: tuple[Index, ...] | None = None, level: int = 0
    ) -> int:
        if kind in ("mul", "div", "contract", "neg") and any(self.ops[a].kind == "neg" for a in args):
            signs = sum(self.ops[a].kind == "neg" for a in args) + (kind == "neg")
            bare = [self.ops[a].args[0] if self.ops[a].kind == "neg" else a for a in args]
            result = bare[0] if kind == "neg" else self.op(kind, *bare, detail=detail, indices=indices, level=level)
            return self.op("neg", result) if signs % 2 else result  # a sign moves out: both signs share their product
        key = (kind, args, detail)
        if key not in self._numbers:
            inputs = [self.ops[a] for a in args]
            if indices is None:
                indices = unique(i for o in sorted(inputs, key=lambda o: -len(o.indices)) for i in o.indices)
            level = max([level, *(o.level for o in inputs)])
            self._numbers[key] = len(self.ops)
            self.ops.append(Op(len(self.ops), kind, args, indices, level, detail))
        return self._numbers[key]

    def const(self, value: float) -> int:
        return self.op("const", detail=float(value))

    def _node(self, node: Node) -> int:
        if isinstance(node, Gather):
            level = {"data": 0, "parameter": 1, "stored": 1}.get(node.leaf.role, 2)
            return self.op("gather", detail=(node.leaf, node.subscripts), indices=node.indices, level=level)
        if isinstance(node, Pointwise):
            return self._kernel(node.kernel)
        if isinstance(node, Contract):
            return self._contract([self._of_node[o.id] for o in node.operands], node.over)
        if isinstance(node, Relabel):
            arg = self._of_node[node.operand.id]
            indices = tuple(node.names.get(i, i) for i in self.ops[arg].indices)
            return self.op("relabel", arg, detail=tuple(sorted(node.names.items())), indices=indices)
        if isinstance(node, MatrixFunction):
            arg = self._of_node[node.operand.id]
            indices = (*(i for i in self.ops[arg].indices if i not in node.axes), *node.results)
            return self.op(node.function, arg, detail=(node.axes, node.results), indices=indices)
        assert isinstance(node, Peak)
        return self.op("peak", self._of_node[node.operand.id], detail=node.over, indices=node.indices)

    # -- kernels -----------------------------------------------------------------------------------------------------

    def _kernel(self, e: sp.Basic) -> int:
        """The operation of a kernel; kernels are shallow, but their derivatives need not be: no recursion."""
        stack = [e]
        while stack:
            top = stack[-1]
            if top in self._of_kernel:
                stack.pop()
                continue
            pending = [part for part in _arguments(top) if part not in self._of_kernel]
            if pending:
                stack.extend(pending)
            else:
                self._of_kernel[top] = self._operation(top)
        return self._of_kernel[e]

    def _operation(self, e: sp.Basic) -> int:
        if e.is_Number or e.is_NumberSymbol:
            return self.const(float(e))
        if e in (sp.true, sp.false):
            return self.const(float(e == sp.true))
        if e.is_Add:
            return self._sum(e)
        if e.is_Mul:
            return self._product(e)
        if e.is_Pow:
            return self._power(self._of_kernel[e.args[0]], e.args[1])
        if isinstance(e, sp.Piecewise):
            return self._piecewise(e)
        args = [self._of_kernel[a] for a in e.args]
        head = type(e)
        if head in _UNARY:
            return self.op(_UNARY[head], args[0])
        if head in (kernels.sigmoid, kernels.softplus):
            return self._logistic(head, args[0])
        if head in kernels.FUNCTIONS and head not in _DERIVED:
            return self.op(head.__name__, *args)
        if head in _COMPARISONS:
            return self.op(_COMPARISONS[head], *args)
        if head is sp.Heaviside:
            return self.op("step", args[0])
        if head is sp.ITE:
            return self.op("where", *args)
        if head is sp.polygamma:
            return self.op("digamma", args[1]) if e.args[0] == 0 else self.op("polygamma", *args)
        if head is sp.atan2 or head is sp.Mod or head is sp.Not:
            return self.op(_NARY[head], *args)
        if head in _NARY:
            return self.fold(_NARY[head], args)
        if head in _DERIVED:
            return self._kernel(_DERIVED[head](*e.args))
        raise ProblemError(f"the function {head.__name__} is not supported: write {e} by others")

    def _ordered(self, args: Sequence[int]) -> list[int]:
        """Small index spaces first, so that products of constants and scalars are formed before they meet arrays."""
        return sorted(args, key=lambda a: (self.ops[a].size, self.ops[a].level, a))

    def fold(self, kind: str, args: Sequence[int]) -> int:
        """One operation after another."""
        first, *rest = self._ordered(args)
        for a in rest:
            first = self.op(kind, first, a)
        return first

    def _sum(self, e: sp.Add) -> int:
        terms = [term.as_coeff_Mul() for term in e.args]
        if all(c.is_Rational and c not in (1, -1) for c, _ in terms):
            content, primitive = (
                e.primitive()
            )  # SymPy spreads 2*(a - b) out; its factor is shared more often than its sum
            if content != 1:
                return self.op("mul", self.const(float(content)), self._kernel(primitive))
        if (opposite := self._sums.get(frozenset((-c, rest) for c, rest in terms))) is not None:
            return self.op("neg", opposite)
        plus: list[int] = []
        minus: list[int] = []
        for term, (c, rest) in zip(e.args, terms, strict=True):
            if rest is sp.S.One:
                (plus if c >= 0 else minus).append(self.const(abs(float(c))))
            elif c < 0:
                minus.append(self._kernel(rest if c == -1 else sp.Mul._from_args((-c, *sp.Mul.make_args(rest)))))
            else:
                plus.append(self._of_kernel[term])
        total = self.added(plus, minus)
        self._sums[frozenset(terms)] = total
        return total

    def added(self, plus: Sequence[int], minus: Sequence[int]) -> int:
        """The sum of operations minus that of others."""
        if not plus:
            return self.op("neg", self.fold("add", minus))
        total = self.fold("add", plus)
        return self.op("sub", total, self.fold("add", minus)) if minus else total

    def _product(self, e: sp.Mul) -> int:
        above, below, sign = [], [], 1.0
        for factor in e.args:
            if factor.is_Number:
                value = float(factor)
                if value < 0:
                    sign, value = -sign, -value
                if value != 1:
                    above.append(self.const(value))
            elif factor.is_Pow and factor.args[1].is_Integer and factor.args[1] < -1:
                above.append(self._of_kernel[factor])
            elif factor.is_Pow and factor.args[1].is_Number and factor.args[1] < 0:
                below.append(self._power(self._of_kernel[factor.args[0]], -factor.args[1]))
            else:
                above.append(self._of_kernel[factor])
        top = self.fold("mul", above) if above else self.const(1.0)
        if below:
            top = self.op("div", top, self.fold("mul", below))
        return self.op("neg", top) if sign < 0 else top

    def _power(self, base: int, exponent: sp.Expr) -> int:
        if exponent.is_Number:
            if exponent.is_Integer and exponent < -1:  # powers of one reciprocal share its division
                return self._power(self.op("div", self.const(1.0), base), -exponent)
            if exponent < 0:
                return self.op("div", self.const(1.0), self._power(base, -exponent))
            if exponent == sp.Rational(1, 2):
                return self.op("sqrt", base)
            if exponent == sp.Rational(3, 2):
                return self.op("mul", base, self.op("sqrt", base))
            if exponent.is_Integer and exponent <= 64:
                return self._integer_power(base, int(exponent))
        return self.op("pow", base, self._kernel(exponent))

    def _integer_power(self, base: int, exponent: int) -> int:
        """By squaring: x**6 is (x**2)**2 * x**2, which shares its squares with the derivatives."""
        if exponent == 1:
            return base
        half = self._integer_power(base, exponent // 2)
        square = self.op("square", half)
        return self.op("mul", square, base) if exponent % 2 else square

    def _logistic(self, head: type[sp.Function], z: int) -> int:
        """sigmoid(z), sigmoid(-z) and softplus(z) from one exponential, e = exp(-|z|), which cannot overflow."""
        flipped = self.ops[z].kind == "neg"
        y = self.ops[z].args[0] if flipped else z
        one, zero = self.const(1.0), self.const(0.0)
        e = self.op("exp", self.op("neg", self.op("abs", y)))
        if head is kernels.softplus:
            return self.op("add", self.op("max", zero, z), self.op("log1p", e))
        large = self.op("div", one, self.op("add", one, e))
        small = self.op("mul", e, large)
        pair = (small, large) if flipped else (large, small)
        return self.op("where", self.op("ge", y, zero), *pair)

    def _piecewise(self, e: sp.Piecewise) -> int:
        pieces = list(e.args)
        last = pieces.pop() if pieces[-1].cond is sp.true or pieces[-1].cond == sp.true else None
        result = self._of_kernel[last.expr] if last is not None else self.const(float("nan"))
        for piece in reversed(pieces):
            result = self.op("where", self._of_kernel[piece.cond], self._of_kernel[piece.expr], result)
        return result

    # -- contractions ------------------------------------------------------------------------------------------------

    def _contract(self, factors: list[int], over: tuple[Index, ...]) -> int:
        """Two factors at a time, the pair with the smallest result first."""
        factors = [part for f in factors for part in parted(self, f)]
        remaining = set(over)
        while len(factors) > 1:
            for k, f in enumerate(factors):  # an index that a single factor has is summed there first
                alone = [i for i in self.ops[f].indices if i in remaining and not self._elsewhere(factors, k, i)]
                if alone:
                    factors[k] = self._reduce(f, tuple(alone))
                    remaining -= set(alone)
            a, b, gone = min(
                (self._pair(factors, j, k, remaining) for j in range(len(factors)) for k in range(j)),
                key=lambda pair: self._cost(factors, pair),
            )
            left, right = factors[a], factors[b]
            if gone:
                space = unique((*self.ops[left].indices, *self.ops[right].indices))
                kept = tuple(i for i in space if i not in gone)
                merged = self.op("contract", left, right, detail=gone, indices=kept)
            else:
                merged = self.op("mul", *self._ordered([left, right]))
            remaining -= set(gone)
            factors = [f for k, f in enumerate(factors) if k not in (a, b)] + [merged]
        return self._reduce(factors[0], tuple(i for i in over if i in remaining))

    def _reduce(self, factor: int, over: tuple[Index, ...]) -> int:
        if not over:
            return factor
        kept = tuple(i for i in self.ops[factor].indices if i not in over)
        return self.op("sum", factor, detail=over, indices=kept)

    def _elsewhere(self, factors: list[int], k: int, index: Index) -> bool:
        return any(index in self.ops[f].indices for j, f in enumerate(factors) if j != k)

    def _pair(self, factors: list[int], a: int, b: int, remaining: set[Index]) -> tuple[int, int, tuple[Index, ...]]:
        """A pair of factors and the indices that are summed when it is formed."""
        others = {i for k, f in enumerate(factors) if k not in (a, b) for i in self.ops[f].indices}
        both = unique((*self.ops[factors[a]].indices, *self.ops[factors[b]].indices))
        return a, b, tuple(sorted(i for i in both if i in remaining and i not in others))

    def _cost(self, factors: list[int], pair: tuple[int, int, tuple[Index, ...]]) -> tuple[int, int, int, int]:
        """The size of the product's space before and after the summation; constants and parameters first."""
        a, b, gone = pair
        left, right = self.ops[factors[a]], self.ops[factors[b]]
        before = after = 1
        for i in unique((*left.indices, *right.indices)):
            before *= i.size
            after *= 1 if i in gone else i.size
        return before + after, max(left.level, right.level), a, b

    # -- facts -------------------------------------------------------------------------------------------------------

    def operation_of(self, node: Node) -> int | None:
        """The operation that computes a node, if any does."""
        return self._of_node.get(node.id)

    def used(self, roots: Sequence[int]) -> list[Op]:
        """The operations that the roots need, in order."""
        return [self.ops[k] for k in sorted(reachable(roots, lambda k: self.ops[k].args))]

    def leaves(self, roots: Sequence[int]) -> list[Leaf]:
        return list(dict.fromkeys(o.detail[0] for o in self.used(roots) if o.kind == "gather"))


def _arguments(e: sp.Basic) -> list[sp.Basic]:
    """What an expression is computed from: of a branch of Piecewise, its value and its condition."""
    return [part for a in e.args for part in (a.args if isinstance(a, ExprCondPair) else (a,))]


_DERIVED: dict[type[sp.Basic], Callable[..., sp.Expr]] = {
    sp.sec: lambda z: 1 / sp.cos(z),
    sp.csc: lambda z: 1 / sp.sin(z),
    sp.cot: lambda z: 1 / sp.tan(z),
    sp.sech: lambda z: 1 / sp.cosh(z),
    sp.csch: lambda z: 1 / sp.sinh(z),
    sp.coth: lambda z: 1 / sp.tanh(z),
    kernels.power: lambda s, p: s**p,
    kernels.xlog1py: lambda x, y: sp.Piecewise((0, sp.Eq(x, 0)), (x * kernels.log1p(y), True)),
    sp.factorial: lambda z: sp.gamma(z + 1),
    sp.KroneckerDelta: lambda i, j: sp.Piecewise((1, sp.Eq(i, j)), (0, True)),
}
_SPECIAL = (sp.Heaviside, sp.ITE, sp.polygamma, sp.Piecewise)
SUPPORTED = frozenset({*_UNARY, *_NARY, *_COMPARISONS, *_DERIVED, *kernels.FUNCTIONS, *_SPECIAL})
