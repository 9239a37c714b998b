"""Random starts: distributions that a problem draws its first point from."""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ncsolve.errors import ProblemError
from ncsolve.problem.arrays import broadcast_to_shape
from ncsolve.problem.variables import Variable

__all__ = ["He", "Normal", "Sampler", "Start", "Uniform", "Xavier"]


class Sampler(ABC):
    """A distribution that the start of one variable is drawn from."""

    @abstractmethod
    def sample(self, rng: np.random.Generator, shape: tuple[int, ...]) -> NDArray[np.float64]:
        """Return one draw, an array of this shape."""


@dataclass(frozen=True)
class Normal(Sampler):
    """Independent normal numbers, N(mean, std^2)."""

    mean: float = 0.0
    std: float = 1.0

    def __post_init__(self) -> None:
        if not (math.isfinite(self.mean) and math.isfinite(self.std) and self.std >= 0):
            raise ProblemError(f"Normal(mean, std) needs a finite mean and std >= 0, not {self.mean} and {self.std}.")

    def sample(self, rng: np.random.Generator, shape: tuple[int, ...]) -> NDArray[np.float64]:
        return np.asarray(rng.normal(self.mean, self.std, shape))


@dataclass(frozen=True)
class Uniform(Sampler):
    """Independent numbers, uniform in [low, high)."""

    low: float = -1.0
    high: float = 1.0

    def __post_init__(self) -> None:
        if not (math.isfinite(self.low) and math.isfinite(self.high) and self.low <= self.high):
            raise ProblemError(f"Uniform(low, high) needs finite low <= high, not {self.low} and {self.high}.")

    def sample(self, rng: np.random.Generator, shape: tuple[int, ...]) -> NDArray[np.float64]:
        return np.asarray(rng.uniform(self.low, self.high, shape))


@dataclass(frozen=True)
class Xavier(Sampler):
    """Weights of a layer before tanh or sigmoid: uniform, variance 2 / (fan_in + fan_out). [Glorot & Bengio 2010]"""

    def sample(self, rng: np.random.Generator, shape: tuple[int, ...]) -> NDArray[np.float64]:
        limit = math.sqrt(6 / sum(_fans(shape)))
        return np.asarray(rng.uniform(-limit, limit, shape))


@dataclass(frozen=True)
class He(Sampler):
    """Weights of a layer before a ReLU: normal with variance 2 / fan_in. [He, Zhang, Ren & Sun 2015]"""

    def sample(self, rng: np.random.Generator, shape: tuple[int, ...]) -> NDArray[np.float64]:
        fan_in, _ = _fans(shape)
        return np.asarray(rng.normal(0.0, math.sqrt(2 / fan_in), shape))


def _fans(shape: tuple[int, ...]) -> tuple[int, int]:
    """Inputs and outputs of a layer with weights W[input, ..., output]; a vector maps its entries to one output."""
    if not shape:
        return 1, 1
    if len(shape) == 1:
        return shape[0], 1
    return math.prod(shape[:-1]), shape[-1]


@dataclass(frozen=True)
class Start:
    """Where a run begins: declared numbers and samplers, and the random rule for everything else."""

    declared: NDArray[np.float64]
    """Shape (n,); NaN where no number was declared."""
    samplers: Mapping[Variable, Sampler]
    sign: NDArray[np.float64]
    """Shape (n,); the sign that a SymPy assumption gives an unknown, 0 without one."""
    lower: NDArray[np.float64] | None
    upper: NDArray[np.float64] | None

    @property
    def is_declared(self) -> bool:
        """Whether any unknown has a number or a sampler to start from."""
        return bool(self.samplers) or not bool(np.isnan(self.declared).all())

    def point(self, rng: np.random.Generator) -> NDArray[np.float64]:
        """Return the declared start, samplers drawn, the rest as in `random`, clipped into the bounds."""
        x = np.where(np.isnan(self.declared), self.random(rng), self.declared)
        return x if self.lower is None else np.clip(x, self.lower, self.upper)

    def random(self, rng: np.random.Generator) -> NDArray[np.float64]:
        """Return a random point inside the bounds, whatever numbers were declared."""
        center = np.nan_to_num(self.declared, nan=0.0)
        x = center + np.maximum(1.0, np.abs(center)) * rng.standard_normal(center.shape)
        x = np.where(self.sign == 0, x, self.sign * np.abs(x))
        if self.lower is not None and self.upper is not None:
            x = _between(x, self.lower, self.upper, rng)
        for variable, sampler in self.samplers.items():
            drawn = sampler.sample(rng, variable.shape)
            x[variable.slice] = broadcast_to_shape(drawn, variable.shape, f"start: '{variable.name}'").ravel()
        return x if self.lower is None else np.clip(x, self.lower, self.upper)


def _between(
    x: NDArray[np.float64], lower: NDArray[np.float64], upper: NDArray[np.float64], rng: np.random.Generator
) -> NDArray[np.float64]:
    """Redraw the bounded entries of x: uniform between two bounds, half-normal away from a single one."""
    below, above = np.isfinite(lower), np.isfinite(upper)
    low, high = np.where(below, lower, 0.0), np.where(above, upper, 0.0)
    inside = low + (high - low) * rng.random(x.shape)
    beside = np.where(below, low + np.abs(x - low), high - np.abs(x - high))
    return np.where(below & above, inside, np.where(below | above, beside, x))
