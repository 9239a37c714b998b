"""Problems whose constants are known exactly: witnesses, showcases and controls of the theorems."""

from __future__ import annotations

from functools import cache

import numpy as np
import sympy as sp

from ncsolve.problem import Minimum, Problem

i, j = sp.symbols("i j", integer=True)
t = sp.Symbol("t", real=True)
PL_SINE = 0.1755297
"""A certified lower bound of the pl constant of t^2 + 3 sin^2 t on the whole line; the true one is below 0.1755311."""


def rotation(n: int) -> np.ndarray:
    return np.linalg.qr(np.random.default_rng(1).standard_normal((n, n)))[0]


def quadratic_form(H: np.ndarray, x0: np.ndarray, name: str) -> Problem:
    """x'Hx/2 from x0: minimum 0 at 0."""
    n = len(H)
    x, A = sp.IndexedBase("x", shape=(n,)), sp.IndexedBase("A", shape=(n, n))
    f = sp.Sum(A[i, j] * x[i] * x[j], (i, 0, n - 1), (j, 0, n - 1)) / 2
    definite = float(np.linalg.eigvalsh(H)[0]) >= -1e-12
    return Problem(
        f, name=name, data={A: H}, start={x: x0}, known=[Minimum({x: 0.0}, value=0.0)] if definite else (),
        constants={"minimum": 0} if definite else None,
    )  # fmt: skip


@cache
def parabola(curvature: float = 1.0, x0: float = 1.0) -> Problem:
    """curvature x^2 / 2: every bound by curvature is attained."""
    return quadratic_form(np.array([[curvature]]), np.array([x0]), "parabola")


@cache
def quadratic(*eigenvalues: float, along: int | None = None) -> Problem:
    """A rotated quadratic with these eigenvalues, from the eigenvector `along`, or from the sum of all."""
    w = np.array(eigenvalues)
    Q = rotation(len(w))
    H = (Q * w) @ Q.T
    start = Q.sum(axis=1) if along is None else Q[:, along]
    shown = eigenvalues if len(w) <= 6 else f"({w[0]:g}, ..., {w[-1]:g})"
    return quadratic_form((H + H.T) / 2, start, f"quadratic{shown}")


@cache
def degenerate(along: int = 1) -> Problem:
    """Least squares of deficient rank: eigenvalues 0, 1 and 4, minimisers on a line."""
    return quadratic(0.0, 1.0, 4.0, along=along)


@cache
def pl_sine(x0: float = 4.0, pl: float = PL_SINE) -> Problem:
    """x^2 + 3 sin^2 x, not convex: L = 8, M = 12, f* = 0. [Karimi, Nutini & Schmidt 2016]"""
    x = sp.Symbol("x", real=True)
    return Problem(
        x**2 + 3 * sp.sin(x) ** 2,
        name="pl-sine",
        start={x: x0},
        known=[Minimum({x: 0.0}, value=0.0)],
        constants={"smoothness": 8, "pl": pl, "hessian_lipschitz": 12, "minimum": 0},
    )


@cache
def composition() -> Problem:
    """sum_i p((Ax)_i), p(t) = t^2 + 3 sin^2 t, A 3 x 5: not convex, minimisers on a plane, L = 8 s_max^2."""
    A_ = np.random.default_rng(2).standard_normal((3, 5))
    s = np.linalg.svd(A_, compute_uv=False)
    x, A = sp.IndexedBase("x", shape=(5,)), sp.IndexedBase("A", shape=(3, 5))
    u = sp.Sum(A[i, j] * x[j], (j, 0, 4))
    return Problem(
        sp.Sum(u**2 + 3 * sp.sin(u) ** 2, (i, 0, 2)),
        name="composition",
        data={A: A_},
        start={x: np.array([2.0, -1.0, 1.5, 0.5, -2.0])},
        known=[Minimum({x: 0.0}, value=0.0)],
        constants={"smoothness": 8 * s[0] ** 2, "pl": PL_SINE * s[-1] ** 2, "minimum": 0},
    )


@cache
def rotated_sum(scale: float = 1.0, n: int = 4) -> Problem:
    """sum_i p((Qx)_i), Q orthogonal: L = 8, pl as p, Hessian 12-Lipschitz, f* = 0."""
    x, A = sp.IndexedBase("x", shape=(n,)), sp.IndexedBase("A", shape=(n, n))
    u = sp.Sum(A[i, j] * x[j], (j, 0, n - 1))
    return Problem(
        sp.Sum(u**2 + 3 * sp.sin(u) ** 2, (i, 0, n - 1)),
        name="rotated-sum",
        data={A: rotation(n)},
        start={x: scale * np.linspace(0.5, 2.0, n)},
        known=[Minimum({x: 0.0}, value=0.0)],
        constants={"smoothness": 8, "pl": PL_SINE, "hessian_lipschitz": 12, "minimum": 0},
    )


@cache
def log_square(x0: float = 5.0) -> Problem:
    """log(1 + x^2): not convex, L = 2, f* = 0, flat far out."""
    x = sp.Symbol("x", real=True)
    return Problem(
        sp.log(1 + x**2), name="log-square", start={x: x0}, known=[Minimum({x: 0.0}, value=0.0)],
        constants={"smoothness": 2, "minimum": 0},
    )  # fmt: skip


@cache
def huber(steps: int) -> Problem:
    """Huber's function with tau = 1 / (2 steps + 1) from 1: gradient descent with 1/L attains the bound at `steps`."""
    x, tau = sp.Symbol("x", real=True), sp.Rational(1, 2 * steps + 1)
    f = sp.Piecewise((x**2 / 2, sp.Abs(x) <= tau), (tau * sp.Abs(x) - tau**2 / 2, True))
    return Problem(
        f, name="huber", start={x: 1.0}, known=[Minimum({x: 0.0}, value=0.0)],
        constants={"smoothness": 1, "minimum": 0},
    )  # fmt: skip


@cache
def root_sum(n: int = 4, x0: float = 3.0) -> Problem:
    """sum (sqrt(1 + x_i^2) - 1): convex, L = 1, Hessian 0.8587-Lipschitz, f* = 0."""
    x = sp.IndexedBase("x", shape=(n,))
    return Problem(
        sp.Sum(sp.sqrt(1 + x[i] ** 2) - 1, (i, 0, n - 1)),
        name="root-sum",
        start={x: x0 * np.linspace(-1.0, 1.0, n + 1)[1:]},
        known=[Minimum({x: 0.0}, value=0.0)],
        constants={"smoothness": 1, "hessian_lipschitz": 48 / 5**2.5, "minimum": 0},
    )


@cache
def euclidean_norm() -> Problem:
    """|x|: the Polyak step attains its bound."""
    x = sp.IndexedBase("x", shape=(3,))
    return Problem(
        sp.sqrt(sp.Sum(x[i] ** 2, (i, 0, 2))), name="norm", start={x: np.array([1.0, -2.0, 2.0])},
        known=[Minimum({x: 0.0}, value=0.0)], constants={"minimum": 0},
    )  # fmt: skip


@cache
def quartic(x0: float = 1.0) -> Problem:
    """x^4 / 4: not PL, gradient descent is sublinear."""
    x = sp.Symbol("x", real=True)
    return Problem(x**4 / 4, name="quartic", start={x: x0}, known=[Minimum({x: 0.0}, value=0.0)])


@cache
def hyperbola(u: float = 1.5, v: float = 0.4) -> Problem:
    """(uv - 1)^2 / 2: minima on a hyperbola, curvature u^2 + v^2 at each."""
    a, b = sp.symbols("u v", real=True)
    return Problem((a * b - 1) ** 2 / 2, name="hyperbola", start={a: u, b: v}, constants={"minimum": 0})


@cache
def saddle_well() -> Problem:
    """x^2/2 + y^4/4 - y^2/2: a strict saddle at 0 between two minima, f* = -1/4."""
    x, y = sp.symbols("x y", real=True)
    return Problem(
        x**2 / 2 + y**4 / 4 - y**2 / 2, name="saddle-well", start={x: 1.0, y: 0.3},
        known=[Minimum({x: 0.0, y: 1.0}, value=-0.25), Minimum({x: 0.0, y: -1.0}, value=-0.25)],
    )  # fmt: skip


@cache
def logistic_ridge(m: float = 0.05, n: int = 4, rows: int = 20) -> Problem:
    """sum log(1 + exp(-a_i'x)) + m |x|^2 / 2: m-strongly convex, L = m + s_max(A)^2 / 4; f* by Newton's method."""
    from scipy.special import expit

    data = np.random.default_rng(4).standard_normal((rows, n))
    x, A = sp.IndexedBase("x", shape=(n,)), sp.IndexedBase("A", shape=(rows, n))
    margin = sp.Sum(A[i, j] * x[j], (j, 0, n - 1))
    f = sp.Sum(sp.log(1 + sp.exp(-margin)), (i, 0, rows - 1)) + sp.Rational(m) * sp.Sum(x[i] ** 2, (i, 0, n - 1)) / 2
    z = np.zeros(n)
    for _ in range(50):
        p = expit(-data @ z)
        z = z - np.linalg.solve(data.T @ (data * (p * (1 - p))[:, None]) + m * np.eye(n), m * z - data.T @ p)
    value = float(np.logaddexp(0, -data @ z).sum() + m * z @ z / 2)
    return Problem(
        f, name="logistic-ridge", data={A: data}, start={x: np.full(n, 3.0)}, known=[Minimum({x: z}, value=value)],
        constants={
            "smoothness": m + np.linalg.norm(data, 2) ** 2 / 4, "strong_convexity": m, "minimum": value,
        },
    )  # fmt: skip


@cache
def chain(n: int = 200) -> Problem:
    """Nesterov's worst function, x'Tx/2 - x_1, T tridiagonal (-1, 2, -1): the gradient reaches one variable a step."""
    x = sp.IndexedBase("x", shape=(n,))
    f = (x[0] ** 2 + sp.Sum((x[i] - x[i + 1]) ** 2, (i, 0, n - 2)) + x[n - 1] ** 2) / 2 - x[0]
    return Problem(f, name="nesterov-chain", start={x: 0.0})


@cache
def three_cycle(x0: float = 3.3) -> Problem:
    """f' = 25x (x < 1), x + 24 (1 <= x < 2), 25x - 24 (x >= 2): heavy ball cycles. [Lessard, Recht & Packard 2016]"""
    x = sp.Symbol("x", real=True)
    f = sp.Piecewise(
        (25 * x**2 / 2, x < 1), (x**2 / 2 + 24 * x - 12, x < 2), (25 * x**2 / 2 - 24 * x + 36, True)
    )  # fmt: skip
    return Problem(
        f, name="three-cycle", start={x: x0}, known=[Minimum({x: 0.0}, value=0.0)],
        constants={"smoothness": 25, "strong_convexity": 1, "minimum": 0},
    )  # fmt: skip


@cache
def falling_exponential() -> Problem:
    """-exp(x), unbounded below: the gradient grows by a constant factor along equal steps."""
    x = sp.Symbol("x", real=True)
    return Problem(-sp.exp(x), name="falling-exponential", start={x: 0.0})


@cache
def cubic_bowl(x0: float = -0.2) -> Problem:
    """4x^2 + 2x^3 near its minimum 0: H(0) = 8, M = 12, Newton's method attains its bound from the left."""
    x = sp.Symbol("x", real=True)
    return Problem(
        4 * x**2 + 2 * x**3, name="cubic-bowl", start={x: x0}, known=[Minimum({x: 0.0}, value=0.0)],
        constants={"hessian_lipschitz": 12, "minimum": 0},
    )  # fmt: skip


@cache
def cubic_hill() -> Problem:
    """-x^2/2 + x^3/6 from beside its maximum 0: cubic regularisation with M = 1 falls by M r^3 / 12 and no more."""
    x = sp.Symbol("x", real=True)
    return Problem(
        x**3 / 6 - x**2 / 2, name="cubic-hill", start={x: 1e-6},
        known=[Minimum({x: 2.0}, value=sp.Rational(-2, 3))], constants={"hessian_lipschitz": 1},
    )  # fmt: skip


@cache
def barrier(x0: float = 0.6) -> Problem:
    """x - log x: Newton's step squares the error exactly."""
    x = sp.Symbol("x", positive=True)
    return Problem(x - sp.log(x), name="barrier", start={x: x0}, known=[Minimum({x: 1.0}, value=1.0)])


@cache
def scatter(rows: int = 200, x0: float = 2.0) -> Problem:
    """mean of (x - a_i)^2 / 2, a normal quantiles: the noise of its rows is additive, L = mu = 1."""
    from scipy.stats import norm

    a, x = sp.IndexedBase("a", shape=(rows,)), sp.Symbol("x", real=True)
    quantiles = norm.ppf((np.arange(rows) + 0.5) / rows)
    f = sp.Sum((x - a[i]) ** 2, (i, 0, rows - 1)) / (2 * rows)
    return Problem(f, name="scatter", data={a: quantiles}, start={x: x0}, samples=i)


@cache
def noisy_sine(rows: int = 50) -> Problem:
    """mean of x^2 + 3 sin^2 x + b_i x, sum b_i = 0: not convex, L = 8, additive noise, f* = 0."""
    b, x = sp.IndexedBase("b", shape=(rows,)), sp.Symbol("x", real=True)
    noise = np.random.default_rng(5).standard_normal(rows)
    f = sp.Sum(x**2 + 3 * sp.sin(x) ** 2 + b[i] * x, (i, 0, rows - 1)) / rows
    return Problem(
        f, name="noisy-sine", data={b: noise - noise.mean()}, start={x: 4.0}, samples=i,
        known=[Minimum({x: 0.0}, value=0.0)], constants={"smoothness": 8, "pl": PL_SINE, "minimum": 0},
    )  # fmt: skip


@cache
def coin() -> Problem:
    """mean of c_i x^2 / 2, c = 0 or 2: strong growth with rho = 2, every bound is attained."""
    c, x = sp.IndexedBase("c", shape=(2,)), sp.Symbol("x", real=True)
    f = sp.Sum(c[i] * x**2, (i, 0, 1)) / 4
    return Problem(f, name="coin", data={c: np.array([0.0, 2.0])}, start={x: 1.0}, samples=i)


@cache
def interpolation(noise: float = 0.0, rows: int = 12, n: int = 3) -> Problem:
    """mean of (a_i'x - b_i)^2 / 2: with noise 0 one x fits all rows."""
    rng = np.random.default_rng(6)
    data = rng.standard_normal((rows, n))
    target = data @ np.ones(n) + noise * rng.standard_normal(rows)
    A, b, x = sp.IndexedBase("A", shape=(rows, n)), sp.IndexedBase("b", shape=(rows,)), sp.IndexedBase("x", shape=(n,))
    residual = sp.Sum(A[i, j] * x[j], (j, 0, n - 1)) - b[i]
    f = sp.Sum(residual**2, (i, 0, rows - 1)) / (2 * rows)
    return Problem(f, name="interpolation", data={A: data, b: target}, start={x: -1.0}, samples=i)


@cache
def lasso() -> Problem:
    """A quadratic with L = 10 and an l1 penalty."""
    from ncsolve.penalties import L1

    smooth = quadratic(1.0, 3.0, 10.0)
    return Problem(smooth.objective, name="lasso", data=smooth.data, start=smooth.start.point(np.random.default_rng(0)),
                   penalty=L1(0.3))  # fmt: skip


@cache
def hard_threshold() -> Problem:
    """x^2 / 2 with an l0 penalty whose threshold is just above x - x/4 at x = 1: the step 1/4 jumps to 0."""
    from ncsolve.penalties import L0

    x = sp.Symbol("x", real=True)
    return Problem(x**2 / 2, name="hard-threshold", start={x: 1.0}, penalty=L0(1.1251))
