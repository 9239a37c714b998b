"""x^2 + 3 sin^2 x: not convex, and yet gradient descent converges linearly. [Karimi, Nutini & Schmidt 2016]"""

import sympy as sp

import ncsolve as nc


def problem() -> nc.Problem:
    x = sp.Symbol("x", real=True)
    return nc.Problem(
        x**2 + 3 * sp.sin(x) ** 2,
        start={x: 4},
        known=[nc.Minimum({x: 0.0}, value=0.0)],
        # f'' = 2 + 6 cos 2x and f''' = -12 sin 2x. The best pl constant is 0.17553..., the paper proves 1/32.
        constants={"smoothness": 8, "pl": sp.Rational(1, 32), "hessian_lipschitz": 12, "minimum": 0},
    )
