"""Solvers that move one block of variables, or one variable, at a time."""

from collections.abc import Callable


def ncsolve_register_solvers(register: Callable[[type], None]) -> None:
    from ncsolve_blocks.als import AlternatingLeastSquares
    from ncsolve_blocks.bcd import BlockCoordinateDescent
    from ncsolve_blocks.kmeans import KMeans
    from ncsolve_blocks.rcd import RandomCoordinateDescent

    register(AlternatingLeastSquares)
    register(BlockCoordinateDescent)
    register(KMeans)
    register(RandomCoordinateDescent)
