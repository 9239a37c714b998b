"""What kind of point x is, and the evidence."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import numpy as np
from numpy.typing import NDArray

from ncsolve.display import Displayed

if TYPE_CHECKING:
    from ncsolve.critical.certificate import Certificate
    from ncsolve.critical.kkt import KKT

__all__ = ["CriticalPoint", "Kind"]

Kind = Literal["minimum", "maximum", "saddle", "degenerate", "not-critical", "undecided", "minmax", "not-minmax"]


@dataclass(frozen=True, eq=False)
class CriticalPoint(Displayed):
    """The judgement of a point x of shape (n,).

    On a face of the bounds, Hessian means the Hessian in the variables that are free there. With constraints it means
    that of the Lagrangian, on the null space of the gradients of the active ones.
    A singular Hessian gives kind "degenerate", unless higher derivatives or a symmetry decide it: then the decided
    kind, with nullity > 0.
    """

    kind: Kind
    """What x is, up to the distance that the explanation names; "undecided" when rounding leaves it open."""

    index: int
    """Number of negative eigenvalues of the Hessian."""

    nullity: int
    """Number of eigenvalues that are zero within rounding."""

    eigenvalues: NDArray[np.float64]
    """Of the Hessian, ascending: all of them, or for n > 300 the lowest, the one nearest to zero and the highest."""

    tolerance: float
    """An eigenvalue of at most this size counts as zero."""

    explanation: str
    """One sentence with the numbers that decided."""

    x: NDArray[np.float64]
    """The point that was judged, shape (n,)."""

    objective: float
    """f(x)"""

    gradient_norm: float
    """Infinity norm of the gradient, projected onto the bounds; with constraints the largest residual of `kkt`."""

    witness: NDArray[np.float64] | None = None
    """A direction (n,) along which f falls, when there is one: f(x + witness) < f(x), unless rounding hides it."""

    certified: bool = False
    """Whether the kind is proven in ball arithmetic."""

    kkt: KKT | None = None
    """Residuals and multipliers of the KKT conditions, where there are constraints."""

    certificate: Certificate | None = None
    """What is proven, where it is `certified`."""
