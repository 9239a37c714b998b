"""The rows of the table of derivatives, in the order in which it prints them."""

from collections.abc import Callable
from functools import partial

from rows._row import COLUMNS, Row, Skip
from rows.factorisation import Factorisation
from rows.flat import Flat
from rows.lennard_jones import LennardJones
from rows.perceptron import Perceptron
from rows.regression import Logistic, Sigmoid
from rows.rosenbrock import Rosenbrock

ROWS: dict[str, Callable[[], Row]] = {
    **{f"rosenbrock-{n}": partial(Rosenbrock, n) for n in (2, 10, 1000, 100_000, 1_000_000)},
    **{f"lennard-jones-{atoms}": partial(LennardJones, atoms) for atoms in (13, 38, 100)},
    "logistic": partial(Logistic, 100_000, 50),
    "sigmoid": partial(Sigmoid, 1000, 20),
    "factorisation": Factorisation,
    "perceptron": Perceptron,
    "flat": Flat,
}

__all__ = ["COLUMNS", "ROWS", "Row", "Skip"]
