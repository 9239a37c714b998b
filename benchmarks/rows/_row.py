"""What a row of the table is: one objective, written for every contestant."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

import ncsolve as nc

Array = NDArray[np.float64]
COLUMNS = ("gradient", "hessian", "product", "batch")


class Skip(Exception):
    """Why a contestant or a column is left out."""


class Row:
    """One objective for all contestants. What a row cannot offer raises `Skip` with the reason."""

    name: ClassVar[str]
    elementwise: ClassVar[bool] = False  # no matrix products: a fused loop should win clearly
    batch_size: int = 0  # points of the batch column; 0 where a batch makes no sense
    n: int

    def problem(self) -> nc.Problem:
        raise NotImplementedError

    def point(self, rng: np.random.Generator) -> Array:
        """A point at which no term overflows."""
        return rng.normal(0.0, 0.5, self.n)

    def numpy(self, column: str) -> Callable[..., Any]:
        """Hand-written: (f, g) of x, H of x, H v of x and v, (f, g) of a batch."""
        function = getattr(self, f"numpy_{column}", None)
        if function is None:
            raise Skip("nobody writes it by hand")
        return function  # type: ignore[no-any-return]

    def jax(self, jnp: Any) -> tuple[Callable[..., Any], tuple[Array, ...]]:
        """f(x, *data) and the data."""
        raise NotImplementedError

    def casadi(self, ca: Any) -> tuple[Any, Any]:
        """The symbol x (n) and the expression f."""
        raise Skip("not written")

    def symengine(self, x: list[Any], se: Any) -> Any:
        """f over scalar symbols."""
        raise Skip("would have to be unrolled")

    def allows(self, peer: str, column: str) -> None:
        """Raises Skip for what is known not to be feasible."""
