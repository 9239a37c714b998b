"""Sums in a product taken apart: a[i, j] c[l] + b[i, j] c[l] is c[l] times a sum on a smaller index space."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ncsolve.graph.program import Program

_LARGE = 100_000  # entries from which it is worth it


@dataclass
class _Term:
    """A product of operations divided by others, to be added or subtracted."""

    negative: bool
    above: list[int]
    below: list[int]


def parted(program: Program, k: int) -> list[int]:
    """The factors that all terms of an operation share, and the sum that they leave; itself where nothing is gained."""
    op = program.ops[k]
    if op.size < _LARGE or op.kind not in ("add", "sub", "neg"):
        return [k]
    terms = _terms(program, k, False)
    shared = [f for f in dict.fromkeys(terms[0].above) if all(f in term.above for term in terms[1:])]
    for term in terms:
        for factor in shared:
            term.above.remove(factor)
    left = {i for term in terms for a in (*term.above, *term.below) for i in program.ops[a].indices}
    if left >= set(op.indices):
        return [k]
    plus, minus = ([_product(program, t) for t in terms if t.negative == sign] for sign in (False, True))
    return [*shared, program.added(plus, minus)]


def _terms(program: Program, k: int, negative: bool) -> list[_Term]:
    """The terms of a sum, each as the factors above and below its line."""
    op = program.ops[k]
    if op.kind == "neg":
        return _terms(program, op.args[0], not negative)
    if op.kind in ("add", "sub"):
        first, second = op.args
        return _terms(program, first, negative) + _terms(program, second, negative != (op.kind == "sub"))
    term, stack = _Term(negative, [], []), [(k, False)]
    while stack:
        j, below = stack.pop()
        op = program.ops[j]
        if op.kind == "neg":
            term.negative = not term.negative
            stack.append((op.args[0], below))
        elif op.kind in ("mul", "div"):
            stack += [(op.args[0], below), (op.args[1], below != (op.kind == "div"))]
        else:
            (term.below if below else term.above).append(j)
    return [term]


def _product(program: Program, term: _Term) -> int:
    top = program.fold("mul", term.above) if term.above else program.const(1.0)
    return program.op("div", top, program.fold("mul", term.below)) if term.below else top
