"""Solvers that use curvature: exact Hessians, or what gradients tell of them."""

from collections.abc import Callable


def ncsolve_register_solvers(register: Callable[[type], None]) -> None:
    from ncsolve_second_order.adahessian import AdaHessian
    from ncsolve_second_order.arc import ARC
    from ncsolve_second_order.bfgs import BFGS
    from ncsolve_second_order.cubic import Cubic
    from ncsolve_second_order.gauss_newton import GaussNewton
    from ncsolve_second_order.hessian_free import HessianFree
    from ncsolve_second_order.lbfgs import LBFGS
    from ncsolve_second_order.newton import Newton
    from ncsolve_second_order.regularized_newton import RegularizedNewton
    from ncsolve_second_order.saddle_free import SaddleFreeNewton
    from ncsolve_second_order.subsampled import SubsampledARC, SubsampledTrustRegion
    from ncsolve_second_order.trust_region import TrustRegion
    from ncsolve_second_order.trust_region_krylov import TrustRegionKrylov

    for solver in (
        ARC,
        BFGS,
        AdaHessian,
        Cubic,
        GaussNewton,
        HessianFree,
        LBFGS,
        Newton,
        RegularizedNewton,
        SaddleFreeNewton,
        SubsampledARC,
        SubsampledTrustRegion,
        TrustRegion,
        TrustRegionKrylov,
    ):
        register(solver)
