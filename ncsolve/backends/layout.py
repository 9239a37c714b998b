"""Arrays with named axes as strings of NumPy code: alignment, gathers and contractions.

A `Piece` is an expression and the order of its axes. The printer decides axis orders as it goes, so that views stay
views and matrix products find their operands as they are.
"""

from __future__ import annotations

from dataclasses import dataclass

from ncsolve.graph.nodes import Index

BATCH = Index(0, "batch")
ATOM, UNARY, PRODUCT, SUM, LOOSE = 5, 4, 3, 2, 1  # how tightly an expression binds

Axes = tuple[Index, ...]


@dataclass(frozen=True)
class Piece:
    """Code, its axes in order, how tightly the code binds, and whether its value is a sparse matrix."""

    code: str
    axes: Axes = ()
    binds: int = ATOM
    sparse: bool = False

    def within(self, binds: int) -> str:
        return self.code if self.binds >= binds else f"({self.code})"

    def transposed(self, axes: Axes) -> Piece:
        """The same axes in another order."""
        if axes == self.axes:
            return self
        if len(axes) == 2:
            return Piece(f"{self.within(ATOM)}.T", axes, sparse=self.sparse)
        order = ", ".join(str(self.axes.index(i)) for i in axes)
        return Piece(f"{self.within(ATOM)}.transpose({order})", axes)

    def aligned(self, axes: Axes) -> Piece:
        """Broadcastable against the axes: in their order, with new axes of length one where it has none."""
        piece = self.transposed(tuple(i for i in axes if i in self.axes))
        missing = [i not in piece.axes for i in axes]
        while missing and missing[0]:  # leading axes broadcast by themselves
            missing = missing[1:]
        if not any(missing):
            return piece
        key = ", ".join("None" if new else ":" for new in missing)
        return Piece(f"{piece.within(ATOM)}[{key}]", axes)


def union(pieces: list[Piece]) -> Axes:
    """The axes of an element-wise result: those of the widest operand first, the batch leading."""
    found: dict[Index, None] = {}
    for piece in sorted(pieces, key=lambda p: -len(p.axes)):
        found.update(dict.fromkeys(piece.axes))
    axes = tuple(found)
    return (BATCH, *(i for i in axes if i is not BATCH)) if BATCH in found else axes


def contraction(a: Piece, b: Piece, over: Axes) -> Piece:
    """The product of two pieces summed over axes: a dot, a matrix product, a tensordot, or an einsum for the rest."""
    shared = [i for i in a.axes if i in b.axes and i not in over]
    left = tuple(i for i in a.axes if i not in b.axes)
    right = tuple(i for i in b.axes if i not in a.axes)
    if shared:
        return _batched(a, b, over, tuple(shared), left, right)
    if len(over) == 1 and len(left) <= 1 and len(right) <= 1:
        if left or right:
            if not left and b.axes[0] != over[0]:  # vector times matrix as the matrix lies
                return Piece(f"{b.within(ATOM)} @ {a.within(ATOM)}", right, PRODUCT)
            return Piece(
                f"{a.transposed((*left, *over)).within(ATOM)} @ {b.transposed((*over, *right)).within(ATOM)}",
                (*left, *right),
                PRODUCT,
            )
        return Piece(f"float({a.within(ATOM)} @ {b.within(ATOM)})")
    if not left and not right:
        return Piece(f"float(np.vdot({a.code}, {b.transposed(a.axes).code}))")
    axes = [[p.axes.index(i) for i in over] for p in (a, b)]
    return Piece(f"np.tensordot({a.code}, {b.code}, axes=({axes[0]}, {axes[1]}))", (*left, *right))


def _batched(a: Piece, b: Piece, over: Axes, shared: Axes, left: Axes, right: Axes) -> Piece:
    """A product that is element-wise along the shared axes."""
    if len(over) == 1 and len(left) <= 1 and len(right) <= 1 and (left or right):
        m = a.transposed((*shared, *left, *over)) if left else a.transposed((*shared, *over))
        n = b.transposed((*shared, *over, *right)) if right else b.transposed((*shared, *over))
        if left and right:
            return Piece(f"{m.within(ATOM)} @ {n.within(ATOM)}", (*shared, *left, *right), PRODUCT)
        name = "matvec" if left else "vecmat"
        return Piece(f"np.{name}({m.code}, {n.code})", (*shared, *left, *right))
    letters = {i: chr(97 + k) for k, i in enumerate(dict.fromkeys((*a.axes, *b.axes)))}
    out = (*shared, *left, *right)
    spell = ["".join(letters[i] for i in axes) for axes in (a.axes, b.axes, out)]
    return Piece(f'np.einsum("{spell[0]},{spell[1]}->{spell[2]}", {a.code}, {b.code})', out)
