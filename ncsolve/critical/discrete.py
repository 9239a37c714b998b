"""Changes of sign and permutations of variables that leave f as it is, seen at random points."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from itertools import combinations
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from ncsolve.critical.spectrum import EPS

if TYPE_CHECKING:
    from ncsolve.oracle import Oracle

__all__ = ["Discrete", "discrete_symmetries"]

Vector = NDArray[np.float64]
Places = NDArray[np.intp]

POINTS = 24  # at which a symmetry must hold: where f has kinks, few may lie on one side
MOST = 64  # variables or slices up to which each is tried alone
LEEWAY = 64  # rounding errors of f


@dataclass(frozen=True, eq=False)
class Discrete:
    """x -> signs * x[order] leaves f as it is."""

    name: str
    order: Places
    signs: Vector

    def __call__(self, x: Vector) -> Vector:
        """The image of a point (n,) or of each of a batch (m, n)."""
        return np.asarray(self.signs * x[..., self.order])


@dataclass(frozen=True)
class _Slices:
    """Slices `places` (a, r) along one axis of an array, or of several arrays together."""

    what: str
    name: str
    places: Places

    @property
    def all(self) -> str:
        return f"{PLURAL.get(self.what, self.what + 's')} of {self.name}"


PLURAL = {"entry": "entries"}


def discrete_symmetries(oracle: Oracle, rng: np.random.Generator) -> Iterator[Discrete]:
    """Those of some candidates under which f is the same at random points; of changes of sign, independent ones.

    Candidates are the signs of single variables, slices, arrays and all; swaps of two scalars or of two arrays of one
    shape; and permutations of the slices along an axis, of one array or of two alike.
    """
    points = np.array([oracle.problem.random_point(rng) for _ in range(POINTS)])
    values, slopes = oracle.value(points), oracle.gradient(points)
    if not np.isfinite(values).all():
        return
    error = LEEWAY * oracle.n * EPS * (np.abs(values) + np.abs(slopes * points).sum(axis=1))

    def holds(candidate: Discrete) -> bool:
        return bool((np.abs(oracle.value(candidate(points)) - values) <= error).all())

    slices = list(_slices(oracle))
    known: list[int] = []
    for change in _sign_changes(oracle, slices):
        if _is_new(change.signs, known) and holds(change):
            known.append(_reduced(change.signs, known))
            known.sort(reverse=True)
            yield change
    yield from filter(holds, _swaps(oracle))
    for axis in slices:
        yield from _permutations(axis, oracle.n, holds)


def _is_new(signs: Vector, known: list[int]) -> bool:
    """Whether a change of signs is no product of known ones."""
    return _reduced(signs, known) > 0


def _reduced(signs: Vector, known: list[int]) -> int:
    """Which signs change, as bits, by elimination over GF(2)."""
    bits = int("".join("1" if s < 0 else "0" for s in signs), 2)
    for other in known:
        bits = min(bits, bits ^ other)
    return bits


def _sign_changes(oracle: Oracle, slices: list[_Slices]) -> Iterator[Discrete]:
    variables, same = oracle.problem.variables, np.arange(oracle.n)
    of = [(variables.entry(k), same[k : k + 1]) for k in range(oracle.n)] if oracle.n <= MOST else []
    of += [(f"{s.what} {k} of {s.name}", place) for s in slices for k, place in enumerate(s.places[:MOST])]
    of += [(variable.name, same[variable.slice]) for variable in variables]
    scalars = [v.offset for v in variables if not v.shape][:MOST]
    of += [(f"{variables.entry(a)} and {variables.entry(b)}", np.array([a, b])) for a, b in combinations(scalars, 2)]
    for name, place in [*of, ("all variables", same)]:
        signs = np.ones(oracle.n)
        signs[place] = -1.0
        yield Discrete(f"sign of {name}", same, signs)


def _swaps(oracle: Oracle) -> Iterator[Discrete]:
    variables, same = oracle.problem.variables, np.arange(oracle.n)
    for a, b in combinations(variables, 2):
        if a.shape == b.shape:
            pair = same[a.slice], same[b.slice]
            yield _moved(f"swap of {a.name} and {b.name}", np.array(pair), np.array(pair[::-1]), oracle.n)


def _permutations(axis: _Slices, n: int, holds: Callable[[Discrete], bool]) -> Iterator[Discrete]:
    """Any, where a swap and a cycle generate them all; else swaps of neighbours, the reversal and the cyclic shift."""
    places = axis.places
    swaps = [
        _moved(f"swap of {axis.what} {k} and {k + 1} of {axis.name}", places[[k, k + 1]], places[[k + 1, k]], n)
        for k in range(min(len(places) - 1, MOST))
    ]
    if len(places) < 3:
        yield from filter(holds, swaps)
        return
    shift = _moved(f"cyclic shift of the {axis.all}", places, np.roll(places, -1, axis=0), n)
    if holds(swaps[0]) and holds(shift):
        for generator in (swaps[0], shift):
            yield replace(generator, name=f"any permutation of the {axis.all}: {generator.name}")
        return
    reversal = _moved(f"reversal of the {axis.all}", places, places[::-1], n)
    yield from filter(holds, [*swaps, reversal, shift])


def _moved(name: str, places: Places, source: Places, n: int) -> Discrete:
    order = np.arange(n)
    order[places] = source
    return Discrete(name, order, np.ones(n))


def _slices(oracle: Oracle) -> Iterator[_Slices]:
    """Along each axis of each array, and along axes of the same length of two arrays together."""
    axes = []
    for variable in oracle.problem.variables:
        places = np.arange(variable.offset, variable.offset + variable.size).reshape(variable.shape)
        for axis in range(places.ndim):
            name = "entry" if places.ndim == 1 else {0: "row", 1: "column"}.get(axis, f"axis-{axis} slice")
            along = np.moveaxis(places, axis, 0).reshape(places.shape[axis], -1)
            axes.append(_Slices(name, variable.name, along))
    yield from axes
    for a, b in combinations(axes, 2):
        if a.name != b.name and len(a.places) == len(b.places):
            yield _Slices(a.what, f"{a.name} and {b.name}", np.concatenate([a.places, b.places], axis=1))
