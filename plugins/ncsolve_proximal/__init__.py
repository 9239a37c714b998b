"""Solvers for a smooth objective plus penalties, by proximal steps."""

from collections.abc import Callable


def ncsolve_register_solvers(register: Callable[[type], None]) -> None:
    from ncsolve_proximal.prox_gradient import ProxGradient
    from ncsolve_proximal.prox_sgd import ProxSGD
    from ncsolve_proximal.prox_svrg import ProxSVRG

    for solver in (ProxGradient, ProxSGD, ProxSVRG):
        register(solver)
