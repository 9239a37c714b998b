"""SciPy's optimisers under the names `scipy:METHOD`, given exact derivatives and judged like every other solver."""

from collections.abc import Callable


def ncsolve_register_solvers(register: Callable[[type], None]) -> None:
    from ncsolve_scipy.globally import GLOBAL
    from ncsolve_scipy.locally import LOCAL

    for solver in (*LOCAL, *GLOBAL):
        register(solver)
