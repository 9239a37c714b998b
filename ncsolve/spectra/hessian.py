"""`nc.spectrum`: the eigenvalues of the Hessian of f at a point, for any number of variables."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from ncsolve.errors import DomainError, OptionError, ProblemError
from ncsolve.oracle import Oracle, compile
from ncsolve.spectra.quadrature import Density, density_of, ritz_pairs
from ncsolve.spectra.traces import trace_of

if TYPE_CHECKING:
    from ncsolve.problem import Problem

__all__ = ["Spectrum", "spectrum"]

Array = NDArray[np.float64]

EXACT = 1000  # variables up to which all eigenvalues are computed
MEMORY = 50_000_000  # numbers in a Lanczos basis
BLUR = 5e-3  # of the density, relative to the range of the eigenvalues
RIPPLE = 0.8  # of it, in units of range / nodes: half the distance of Lanczos' nodes, so that they are not told apart
GRID = 401
KRYLOV = 120  # steps of Lanczos for the ends


@dataclass(frozen=True, eq=False, repr=False)
class Spectrum:
    """Eigenvalues of the Hessian of f at x: all of them, or the ends and the density."""

    problem: Problem
    x: Array
    objective: float
    gradient_norm: float
    exact: bool
    """Whether `eigenvalues` are all of them."""
    eigenvalues: Array
    """Ascending: all, or k at each end."""
    vectors: Array
    """(m, n): unit eigenvectors of the k at each end, lowest first."""
    residuals: Array
    """(m,): |H v - lam v| of each of these."""
    trace: float
    trace_error: float
    """Half the width of a 95% confidence interval, 0 where it is exact."""
    density: Density
    products: int
    """Hessian-vector products that it took."""

    @property
    def width(self) -> float:
        """The standard deviation by which the density is blurred."""
        low, high = float(self.eigenvalues[0]), float(self.eigenvalues[-1])
        blur = BLUR if self.exact else max(BLUR, RIPPLE / self.density.nodes.shape[1])
        return blur * (high - low) or blur * max(1.0, abs(high))

    def smooth(self) -> tuple[Array, Array, Array]:
        """Places (p,), density (p,) and its standard error (p,)."""
        margin = 4 * self.width
        at = np.linspace(self.eigenvalues[0] - margin, self.eigenvalues[-1] + margin, GRID)
        return at, *self.density.smooth(at, self.width)

    def negative(self) -> tuple[float, float]:
        """The part of the eigenvalues that is negative, and its standard error.

        Where they are not all known, the part below -`width`: nearer to 0 quadrature does not tell their signs.
        """
        if self.exact:
            return float(np.mean(self.eigenvalues < 0)), 0.0
        return self.density.below(-self.width)

    def __repr__(self) -> str:
        return self.summary()

    def to_json(self) -> dict[str, Any]:
        """What `ncsolve spectrum --json` prints."""
        at, height, error = self.smooth()
        keys = ("objective", "gradient_norm", "exact", "eigenvalues", "residuals", "trace", "trace_error", "products")
        return {
            "problem": self.problem.name,
            "n": self.problem.n,
            **{key: getattr(self, key) for key in keys},
            "negative": list(self.negative()),
            "density": {"at": at, "height": height, "error": error, "width": self.width},
        }

    def summary(self) -> str:
        """The ends of the spectrum, the trace and the part that is negative."""
        half = len(self.vectors) // 2
        low, high = self.eigenvalues[:half], self.eigenvalues[len(self.eigenvalues) - half :][::-1]
        how = "all, by a dense Hessian" if self.exact else f"the ends, by {self.products} Hessian-vector products"
        share, error = self.negative()
        below = "" if self.exact else f", of those below {-self.width:.2g}"
        lines = [
            f"Hessian of '{self.problem.name}', {self.problem.n} variables: f = {self.objective:.8g}, "
            f"|grad f| = {self.gradient_norm:.3g}",
            f"  eigenvalues   {how}",
            f"  lowest        {'  '.join(f'{v:.6g}' for v in low)}",
            f"  highest       {'  '.join(f'{v:.6g}' for v in high)}",
            f"  trace         {self.trace:.8g}" + (f" +- {self.trace_error:.2g} (95%)" if self.trace_error else ""),
            f"  negative      {100 * share:.3g} %" + (f" +- {196 * error:.2g} (95%)" if error else "") + below,
        ]
        if not self.exact:
            lines.append(f"  residual      at most {self.residuals.max(initial=0.0):.2g} of the eigenpairs shown")
        return "\n".join(lines)


def spectrum(
    problem: Problem, x: Any, top: int = 5, probes: int = 5, steps: int = 60, products: int = 60, seed: int = 0
) -> Spectrum:
    """The spectrum of the Hessian of f at x: exact up to 1000 variables, else from Hessian-vector products.

    Parameters
    ----------
    x
        {variable: value} or an array (n,). It need not be critical.
    top
        Eigenpairs at each end, by 120 steps of Lanczos' method, which sees a multiple eigenvalue once. Their residuals
        tell how exact they are.
    probes, steps
        Of stochastic Lanczos quadrature: random vectors, and products with each.
    products
        Of the estimate of the trace (Hutch++).

    A penalty, bounds and constraints are not looked at. Raises `DomainError` where the Hessian is not finite.
    """
    for name, value in (("top", top), ("probes", probes), ("steps", steps), ("products", products)):
        if value < 1:
            raise OptionError(f"spectrum: {name} must be at least 1, not {value}.")
    if problem.signs is not None:
        raise ProblemError(f"spectrum: '{problem.name}' is a min-max problem, whose field has no symmetric derivative.")
    oracle, point = compile(problem), problem.pack(x, "x")
    rng = np.random.default_rng(seed)
    with oracle.uncounted():
        f, g = oracle.value_and_gradient(point)
        head: dict[str, Any] = {
            "problem": problem,
            "x": point,
            "objective": float(f),
            "gradient_norm": float(np.abs(g).max()),
        }
        if problem.n <= EXACT:
            return Spectrum(**head, **_dense(oracle, point, top))
        return Spectrum(**head, **_by_products(oracle, point, top, probes, steps, products, rng))


def _dense(oracle: Oracle, x: Array, top: int) -> dict[str, Any]:
    H = oracle.hessian(x, dense=True)
    if not np.isfinite(H).all():
        raise DomainError(_where(oracle, x))
    values, vectors = np.linalg.eigh(H)
    k = min(top, values.size)
    ends = np.concatenate([vectors[:, :k], vectors[:, values.size - k :]], axis=1).T
    at = np.concatenate([values[:k], values[values.size - k :]])
    return {
        "exact": True,
        "eigenvalues": values,
        "vectors": ends,
        "residuals": np.linalg.norm(ends @ H - at[:, None] * ends, axis=1),
        "trace": float(np.trace(H)),
        "trace_error": 0.0,
        "density": Density(values[None], np.full((1, values.size), 1 / values.size)),
        "products": 0,
    }


def _by_products(
    oracle: Oracle, x: Array, top: int, probes: int, steps: int, products: int, rng: np.random.Generator
) -> dict[str, Any]:
    taken = 0

    def product(v: Array) -> Array:
        nonlocal taken
        taken += len(v) if v.ndim == 2 else 1
        return oracle.hvp(x, v)

    if not np.isfinite(product(rng.standard_normal(x.size))).all():
        raise DomainError(_where(oracle, x))
    most = max(2 * top, min(KRYLOV, MEMORY // x.size))
    values, vectors = ritz_pairs(product, rng.standard_normal(x.size), most)
    ends = np.r_[: min(top, len(values)), max(top, len(values) - top) : len(values)]
    values, vectors = values[ends], vectors[ends]
    trace, error = trace_of(product, x.size, products, rng)
    density = density_of(product, x.size, probes, min(steps, max(10, MEMORY // x.size)), rng)
    return {
        "exact": False,
        "eigenvalues": values,
        "vectors": vectors,
        "residuals": np.linalg.norm(product(vectors) - values[:, None] * vectors, axis=1),
        "trace": trace,
        "trace_error": error,
        "density": density,
        "products": taken,
    }


def _where(oracle: Oracle, x: Array) -> str:
    reason = oracle.explain_nonfinite(x)
    return f"spectrum: the Hessian of '{oracle.problem.name}' is not finite at this point" + (
        f": {reason}" if reason else "."
    )
