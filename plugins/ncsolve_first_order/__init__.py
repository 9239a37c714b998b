"""Solvers that use gradients only."""

from collections.abc import Callable


def ncsolve_register_solvers(register: Callable[[type], None]) -> None:
    from ncsolve_first_order.adagrad import AdaGrad
    from ncsolve_first_order.adam import Adam
    from ncsolve_first_order.aggmo import AggMo
    from ncsolve_first_order.cg import ConjugateGradients
    from ncsolve_first_order.gd import GradientDescent
    from ncsolve_first_order.lookahead import Lookahead
    from ncsolve_first_order.momentum import HeavyBall
    from ncsolve_first_order.nag import Nesterov
    from ncsolve_first_order.ogm import OptimizedGradient
    from ncsolve_first_order.rmsprop import RMSProp
    from ncsolve_first_order.tmm import TripleMomentum

    for solver in (
        GradientDescent,
        HeavyBall,
        Nesterov,
        OptimizedGradient,
        TripleMomentum,
        ConjugateGradients,
        AdaGrad,
        RMSProp,
        Adam,
        AggMo,
        Lookahead,
    ):
        register(solver)
