"""Value, gradient and Hessian of a problem as one program, for arithmetics with proven bounds.

A floating-point number of the objective is the binary fraction that it is, and the derivation keeps it exact; what a
float of the program only approximates, such as 1/3, is known by its neighbours. `Intervals` encloses over many boxes
in float64, `critical.balls.Balls` in ball arithmetic.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from copy import copy
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import sympy as sp
from numpy.typing import NDArray

from ncsolve.errors import ProblemError
from ncsolve.graph import intervals as iv
from ncsolve.graph.derivation import Derivation, derive, positions
from ncsolve.graph.differentiate import Block
from ncsolve.graph.enclosures import Boxes, Enclosures, Key, Places
from ncsolve.graph.graph import Graph
from ncsolve.graph.intervals import Array, Flags, Interval
from ncsolve.graph.nodes import Index, Leaf, Pointwise
from ncsolve.graph.program import Op, Program
from ncsolve.graph.singular import singularities

if TYPE_CHECKING:
    from ncsolve.problem import Problem

__all__ = ["Intervals", "System", "intervals_of", "system_of"]

Where = NDArray[np.int64]


@dataclass(frozen=True)
class Entries:
    """An operation whose values, over `indices`, are added to rows (and columns) of the result."""

    op: int
    indices: tuple[Index, ...]
    rows: Where
    columns: Where
    mirrored: bool = False


class _Smooth(Program):
    """A program whose logistic functions are operations: written with |z| they look as if they had a kink at 0."""

    def _logistic(self, head: type[sp.Function], z: int) -> int:
        return self.op(head.__name__, z)


class System:
    """grad f(x) = 0: the program, and where its values go."""

    def __init__(self, problem: Problem) -> None:
        refuse(problem)
        self.problem = problem
        self.n = problem.n
        derivation = exactly_derived(problem)
        graph = derivation.graph
        adjoint, blocks = derivation.adjoint, derivation.blocks
        nodes = [derivation.value, *adjoint.values(), *(b.coefficient for b in blocks)]
        self.program, ops = _Smooth.of(graph, nodes)
        self.value, gradient, hessian = ops[0], ops[1 : 1 + len(adjoint)], ops[1 + len(adjoint) :]
        self.gradient = [
            Entries(op, g.indices, positions(graph, g).ravel(), np.zeros(1, dtype=np.int64))
            for op, g in zip(gradient, adjoint, strict=True)
        ]
        self.hessian = [_block_entries(graph, b, op) for op, b in zip(hessian, blocks, strict=True)]
        rows = float(derivation.samples.size if derivation.samples else 0)
        self.parameters = {s.name: float(v) for s, v in problem.parameters.items()}
        self.parameters.update(_row_count=rows, _row_weight=1.0)
        self.exact, self.rounded = _numbers(problem.objective, graph, derivation)
        self.roots = ops

    def known(self, values: Array) -> tuple[Array, Array]:
        """The numbers that floats of the program stand for, from below and from above."""
        whole = (values == np.floor(values)) & (np.abs(values) < 2**20)
        exact = (whole | np.isin(np.abs(values), self.exact)) & ~np.isin(np.abs(values), self.rounded)
        below, above = np.nextafter(values, -np.inf), np.nextafter(values, np.inf)
        return np.where(exact, values, below), np.where(exact, values, above)


def system_of(problem: Problem) -> System:
    """The system of a problem, made once for its parameters."""
    return problem.once(("system", *problem.parameters.values()), lambda: System(problem))


def refuse(problem: Problem) -> None:
    """Only a smooth f without constraints has critical points in the sense of this package's proofs."""
    kinds = {
        "constraints": problem.constrained,
        "a penalty": problem.penalty is not None,
        "a min-max objective": problem.signs is not None,
    }
    if found := [kind for kind, has in kinds.items() if has]:
        raise ProblemError(
            f"'{problem.name}' has {' and '.join(found)}: critical points are proven for a smooth f without them."
        )


def exactly_derived(problem: Problem) -> Derivation:
    """Its derivation with every Float as the fraction that it is, since SymPy rounds when it multiplies Floats."""
    floats = problem.objective.atoms(sp.Float)
    if not floats:
        return derive(problem)
    other = copy(problem)
    other.__dict__["objective"] = problem.objective.xreplace({v: sp.Rational(v) for v in floats})
    return derive(other)


def _numbers(objective: sp.Expr, graph: Graph, derivation: Derivation) -> tuple[Array, Array]:
    """The numbers of all formulas as floats, without sign: those that are exact, and those that are rounded."""
    nodes = [derivation.value, *derivation.adjoint.values(), *(b.coefficient for b in derivation.blocks)]
    kernels = [n.kernel for n in graph.reachable(nodes) if isinstance(n, Pointwise)]
    numbers: set[sp.Expr] = set(objective.atoms(sp.Rational))
    for kernel in kernels:
        numbers |= kernel.atoms(sp.Number)
        numbers |= {a.primitive()[0] for a in kernel.atoms(sp.Add)}
    finite = [abs(v) for v in numbers if v.is_finite]
    exact = {float(v) for v in finite if sp.Rational(v) == sp.Rational(float(v))}
    rounded = {float(v) for v in finite} - exact
    rounded |= {float(v) for v in finite if sp.Rational(v) != sp.Rational(float(v))}
    return np.array(sorted(exact - rounded)), np.array(sorted(rounded))


def _block_entries(graph: Graph, block: Block, op: int) -> Entries:
    space = block.indices
    own = tuple(dict.fromkeys(block.columns))
    rows = _over(positions(graph, block.row), block.row.indices, space)
    columns = _over(positions(graph, block.column, block.columns), own, space)
    return Entries(op, space, rows.ravel(), columns.ravel(), block.mirrored)


def _over(values: Where, own: tuple[Index, ...], space: tuple[Index, ...]) -> Where:
    present = [i for i in space if i in own]
    values = values.transpose([own.index(i) for i in present])
    return np.broadcast_to(values.reshape([i.size if i in own else 1 for i in space]), [i.size for i in space])


# -- float64 over many boxes -------------------------------------------------------------------------------------------


class Intervals(Enclosures):
    """Encloses f's derivatives over m boxes, rounded outward."""

    def __init__(self, system: System) -> None:
        super().__init__(system.program, system.parameters)
        self.system = system
        derivatives = [e.op for e in (*system.gradient, *system.hessian)]
        self.singular = [s for s in singularities(self.program, [system.value, *derivatives]) if not s.overflow]
        used = self.program.used([system.value, *derivatives])
        self._plans: dict[frozenset[int], list[Op]] = {}
        self._fixed: dict[Key, Interval] = {}
        self.kinks = [op for op in used if op.kind in _KINKS and op.level == 2]

    @np.errstate(all="ignore")
    def gradient(self, lower: Array, upper: Array) -> Interval:
        """(m, n); nan where f is defined nowhere in a box."""
        entries = self.system.gradient
        found = self.over(Boxes(lower, upper), [e.op for e in entries])
        total = Interval(np.zeros(lower.shape), np.zeros(lower.shape))
        for e in entries:
            self._scatter(total, e, found[e.op])
        return total

    @np.errstate(all="ignore")
    def hessian(self, lower: Array, upper: Array) -> tuple[Interval, Flags]:
        """(m, n, n), and (m,) whether f is twice differentiable all over a box."""
        m, n = lower.shape
        entries = self.system.hessian
        asked = {e.op for e in entries} | {a for s in self.singular for a in s.args}
        asked |= {a for op in self.kinks for a in op.args}
        found = self.over(Boxes(lower, upper), asked)
        total = Interval(np.zeros((m, n, n)), np.zeros((m, n, n)))
        for e in entries:
            self._scatter(total, e, found[e.op])
        smooth = np.ones(m, dtype=bool)
        for s in self.singular:
            smooth &= ~self._anywhere(s.may, s.args, found, m)
        for op in self.kinks:
            smooth &= ~self._anywhere(_KINKS[op.kind], op.args, found, m)
        return total, smooth

    @np.errstate(all="ignore")
    def over(self, boxes: Boxes, roots: Iterable[int], places: Places | None = None) -> dict[int, Interval]:
        """As in `Enclosures`, of all places; what does not depend on the boxes is computed once."""
        asked = frozenset(roots)
        if asked not in self._plans:
            self._plans[asked] = self.program.used(sorted(asked))
        values: dict[Key, Interval] = dict(self._fixed)
        for op in self._plans[asked]:
            key = (op.id, ())
            if key in values:
                continue
            args = [values[a, ()] for a in op.args]
            if op.kind in _QUICK and all(self.program.ops[a].indices == op.indices for a in op.args):
                values[key] = _QUICK[op.kind](*args)
            else:
                values[key] = self._enclosure(key, boxes, {}, values)
            if op.level < 2:
                self._fixed[key] = values[key]
        return {root: values[root, ()] for root in asked}

    @np.errstate(all="ignore")
    def rough(self, lower: Array, upper: Array) -> list[str]:
        """The operations that may be undefined or not smooth somewhere in one box, (n,) each side."""
        asked = {a for s in self.singular for a in s.args} | {a for op in self.kinks for a in op.args}
        found = self.over(Boxes(lower[None], upper[None]), asked)
        met = {self.program.ops[s.op].kind for s in self.singular if self._anywhere(s.may, s.args, found, 1).any()}
        met |= {op.kind for op in self.kinks if self._anywhere(_KINKS[op.kind], op.args, found, 1).any()}
        return sorted({_NAMES.get(kind, kind) for kind in met})

    def _scatter(self, total: Interval, e: Entries, value: Interval) -> None:
        if not e.indices:
            self._add_to(total, e, value.map(lambda v: v.reshape(-1, 1)))
            return
        spread = self.aligned(value, self.program.ops[e.op].indices, e.indices)
        shape = (len(spread.lo), *(i.size for i in e.indices))
        flat = spread.map(lambda v: np.broadcast_to(v, shape).reshape(len(v), -1))
        self._add_to(total, e, flat)

    @staticmethod
    def _add_to(total: Interval, e: Entries, flat: Interval) -> None:
        for k, (r, c) in enumerate(np.broadcast(e.rows, e.columns)):
            for place in {(r, c), (c, r)} if e.mirrored and r != c else {(r, c)}:
                at = (slice(None), *place) if total.lo.ndim == 3 else (slice(None), r)
                twice = 2.0 if e.mirrored and r == c else 1.0
                total.lo[at] = np.nextafter(total.lo[at] + twice * flat.lo[:, k], -np.inf)
                total.hi[at] = np.nextafter(total.hi[at] + twice * flat.hi[:, k], np.inf)

    def _anywhere(
        self, test: Callable[..., Flags], args: tuple[int, ...], found: Mapping[int, Interval], m: int
    ) -> Flags:
        """Whether it holds somewhere in the operation's index space, (m,); undefined values count."""
        ops = self.program.ops
        axes = tuple(dict.fromkeys(i for a in args for i in ops[a].indices))
        values = [self.aligned(found[a], ops[a].indices, axes) for a in args]
        flags = [np.asarray(test(*values)), *(np.isnan(v.lo) for v in values)]  # of matrices or of their entries
        met = [np.broadcast_to(flag.reshape(len(flag), -1).any(axis=1), m) for flag in flags]
        return np.asarray(np.any(met, axis=0))

    def _enclosure(self, key: Key, boxes: Boxes, places: Places, values: Mapping[Key, Interval]) -> Interval:
        op = self.program.ops[key[0]]
        if op.kind == "const":
            return Interval(*self.system.known(np.full(1, op.detail)))
        if op.kind == "gather" and is_computed(op.detail[0]):
            exact = super()._enclosure(key, boxes, places, values)
            return Interval(*self.system.known(exact.lo))
        if op.kind in _QUICK:
            args = self.arguments(key)
            axes = self.axes(key)
            aligned = {a: self.aligned(values[a], self.axes(a), axes) for a in args}
            return _QUICK[op.kind](*(aligned[a] for a in args))
        return super()._enclosure(key, boxes, places, values)


def intervals_of(problem: Problem) -> Intervals:
    """The enclosures of a problem, made once for its parameters."""
    return problem.once(("intervals", *problem.parameters.values()), lambda: Intervals(system_of(problem)))


def is_computed(leaf: Leaf) -> bool:
    """Whether the lowering made the array: of numbers of the formula, rounded where they are no floats."""
    return leaf.role == "data" and leaf.name.startswith("_t")


def _outward(lo: Array, hi: Array) -> Interval:
    return Interval(np.nextafter(lo, -np.inf), np.nextafter(hi, np.inf))


def _add(a: Interval, b: Interval) -> Interval:
    return _outward(a.lo + b.lo, a.hi + b.hi)


def _sub(a: Interval, b: Interval) -> Interval:
    return iv.ZERO if a is b else _outward(a.lo - b.hi, a.hi - b.lo)


def _mul(a: Interval, b: Interval) -> Interval:
    """Every product rounded, which is faster than to look which are exact."""
    if a is b:
        return _square(a)
    if b.lo is b.hi:
        a, b = b, a
    products = [a.lo * b.lo, a.lo * b.hi]
    if a.lo is not a.hi:
        products += [a.hi * b.lo, a.hi * b.hi]
    lo, hi = products[0], products[0]
    for p in products[1:]:
        lo, hi = np.minimum(lo, p), np.maximum(hi, p)
    if np.isnan(lo).any():
        return iv.mul(a, b)
    return _outward(lo, hi)


def _square(a: Interval) -> Interval:
    low, high = a.mignitude, a.magnitude
    return Interval(np.maximum(np.nextafter(low * low, -np.inf), 0.0), np.nextafter(high * high, np.inf))


_QUICK: dict[str, Callable[..., Interval]] = {"add": _add, "sub": _sub, "mul": _mul, "square": _square}


def _touches_zero(a: Interval) -> Flags:
    return a.contains(0)


def _overlap(a: Interval, b: Interval) -> Flags:
    return np.asarray((a.lo <= b.hi) & (b.lo <= a.hi))


def _crosses_integer(a: Interval) -> Flags:
    return np.asarray(np.floor(a.hi) >= np.ceil(a.lo))


_NAMES = {"div": "division", "quotient": "division", "where": "Piecewise", "step": "Heaviside", "pow": "a power"}
_KINKS: dict[str, Callable[..., Flags]] = {
    "abs": _touches_zero,
    "sign": _touches_zero,
    "step": _touches_zero,
    "max": _overlap,
    "min": _overlap,
    "floor": _crosses_integer,
    "ceil": _crosses_integer,
    "where": lambda condition, a, b: np.asarray(condition.lo != condition.hi),
    "hypot": lambda a, b: a.contains(0) & b.contains(0),
    "cosine": lambda a, b: a.contains(0) & b.contains(0),
    "quotient": lambda a, b: b.contains(0),
    "atan2": lambda y, x: np.asarray(y.contains(0) & (x.lo <= 0)),
    "mod": lambda a, b: _crosses_integer(iv.div(a, b)) | b.contains(0),
}
"""Where an operation is not smooth, though defined."""
