"""Gradient descent that leaves saddles of its own accord: by noise, or along negative curvature."""

from collections.abc import Callable


def ncsolve_register_solvers(register: Callable[[type], None]) -> None:
    from ncsolve_saddle.negative_curvature import NegativeCurvature
    from ncsolve_saddle.perturbed import PerturbedGradientDescent

    register(NegativeCurvature)
    register(PerturbedGradientDescent)
