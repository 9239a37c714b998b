"""The trace of H from few products. [Hutch++: Meyer, Musco, Musco & Woodruff 2021]

    trace H = trace(Q^T H Q) + E g^T (I - Q Q^T) H (I - Q Q^T) g

with Q an orthonormal basis of H S, S random: what Q holds is exact, the rest is Hutchinson's estimate.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

__all__ = ["trace_of"]

Array = NDArray[np.float64]


def trace_of(
    product: Callable[[Array], Array], size: int, products: int, rng: np.random.Generator
) -> tuple[float, float]:
    """The trace and half the width of its 95% confidence interval, by at most so many products (of rows (m, n)).

    Student's interval over the samples of the part that is estimated; 0 where Q holds everything.
    """
    from scipy.stats import t

    third = max(2, products // 3)
    Q, R = np.linalg.qr(product(rng.choice([-1.0, 1.0], (min(third, size), size))).T)
    Q = Q[:, np.abs(np.diag(R)) > 1e-12 * np.abs(np.diag(R)).max(initial=0.0)]
    exact = float(np.einsum("nk,kn->", Q, product(np.ascontiguousarray(Q.T)))) if Q.size else 0.0
    if Q.shape[1] == size:
        return exact, 0.0
    G = rng.choice([-1.0, 1.0], (third, size))
    G = np.ascontiguousarray(G - (G @ Q) @ Q.T)
    rest = np.einsum("mn,mn->m", G, product(G))
    half = float(t.ppf(0.975, third - 1) * rest.std(ddof=1) / np.sqrt(third))
    return exact + float(rest.mean()), half
