"""Solvers that use curvature: exact Hessians, or what gradients tell of them."""

from collections.abc import Callable


def ncsolve_register_solvers(register: Callable[[type], None]) -> None:
    from ncsolve_second_order.gauss_newton import GaussNewton
    from ncsolve_second_order.lbfgs import LBFGS
    from ncsolve_second_order.trust_region import TrustRegion

    register(GaussNewton)
    register(LBFGS)
    register(TrustRegion)
