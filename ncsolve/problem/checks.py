"""One function for each argument of `Problem`: what the user wrote in, checked and normal form out."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from typing import Any, NoReturn

import numpy as np
import sympy as sp
from numpy.typing import NDArray

from ncsolve.errors import ProblemError, did_you_mean
from ncsolve.problem.arrays import broadcast_to_shape, data_array
from ncsolve.problem.known import KnownPoint
from ncsolve.problem.start import Sampler, Start
from ncsolve.problem.stored import StoredArray
from ncsolve.problem.survey import Survey, name_of
from ncsolve.problem.variables import Layout, in_default_order, listed, resolve
from ncsolve.texts import BREAKS, escaped

Vector = NDArray[np.float64]


def by_resolved_name(values: Any, table: Mapping[str, sp.Basic], what: str, kind: str = "symbol") -> dict[str, Any]:
    """Return {name: value} from {symbol or name: value}, where every key must be in `table`."""
    return {resolve(key, table, what, kind): value for key, value in checked_mapping(values, what).items()}


def checked_mapping(values: Any, what: str) -> Mapping[Any, Any]:
    if values is None:
        return {}
    if not isinstance(values, Mapping):
        raise ProblemError(f"{what} must be a dictionary {{symbol: ...}}, not a {type(values).__name__}.")
    return values


def checked_metrics(metrics: Mapping[Any, Any]) -> dict[str, Callable[[dict[str, Any]], float]]:
    for name, function in metrics.items():
        if not isinstance(name, str) or not callable(function):
            raise ProblemError(f"metrics: expected {{text: function of the values}}, not {{{name!r}: {function!r}}}.")
    return dict(metrics)


def checked_text(value: Any, what: str) -> str:
    """A text that every terminal, page and file takes: control characters become escapes, line breaks stay."""
    if not isinstance(value, str):
        raise ProblemError(f"{what} must be a text, not a {type(value).__name__}.")
    return escaped(value, but=BREAKS)


def choose_unknowns(
    free: Mapping[str, sp.Basic], given: Mapping[str, Any], variables: Iterable[Any] | None
) -> dict[str, sp.Basic]:
    """Return the unknowns by name in their order; `given` are the names of data and parameters."""
    rest = in_default_order({name: symbol for name, symbol in free.items() if name not in given})
    if variables is None:
        if not rest:
            raise ProblemError("The objective has no variables: there is nothing to choose for a minimum.")
        return rest
    chosen = _chosen(variables, free, given)
    if not chosen:
        raise ProblemError("variables is empty: there is nothing to choose for a minimum.")
    left = [name for name in rest if name not in chosen]
    if left:
        raise ProblemError(
            f"The objective also contains {listed(left)}, which is neither in variables nor in data nor in parameters."
            + did_you_mean(left[0], [name for name in chosen if name not in free])
        )
    return chosen


def _chosen(variables: Any, free: Mapping[str, sp.Basic], given: Mapping[str, Any]) -> dict[str, sp.Basic]:
    symbol_types = (sp.Symbol, sp.IndexedBase, sp.MatrixSymbol)
    if isinstance(variables, (str, *symbol_types)):
        variables = [variables]
    chosen: dict[str, sp.Basic] = {}
    for key in variables:
        new = isinstance(key, symbol_types) and name_of(key) not in free
        name = name_of(key) if new else resolve(key, free, "variables", "symbol")
        if name in chosen:
            raise ProblemError(f"variables: '{name}' is listed twice.")
        if name in given:
            raise ProblemError(f"variables: '{name}' is also under data or parameters. It can only be one of them.")
        chosen[name] = key if new else free[name]
    return chosen


def checked_parameters(values: Mapping[str, Any], table: Mapping[str, sp.Basic]) -> dict[sp.Symbol, float]:
    parameters = {}
    for name, value in values.items():
        if not isinstance(table[name], sp.Symbol):
            raise ProblemError(f"parameters: '{name}' is an array. Parameters are numbers; put arrays under data.")
        parameters[table[name]] = float(broadcast_to_shape(value, (), f"parameters: '{name}'"))
    return parameters


def checked_data(
    values: Mapping[str, Any], table: Mapping[str, sp.Basic], found: Survey
) -> dict[sp.Basic, NDArray[Any]]:
    data = {}
    for name, value in values.items():
        symbol = table[name]
        if isinstance(symbol, sp.Symbol):
            raise ProblemError(
                f"data: '{name}' is a Symbol. Data are arrays, IndexedBase('{name}'); put a number under parameters."
            )
        data[symbol] = _checked_table(data_array(value, f"data: '{name}'"), symbol, name, found)
    missing = [name_of(base) for base in found.used_as_index if base not in data]
    if missing:
        raise ProblemError(f"'{missing[0]}' is used as an index, so it must be given under data, as integers.")
    return data


def _checked_table(array: NDArray[Any], symbol: sp.Basic, name: str, found: Survey) -> NDArray[Any]:
    shape = tuple(symbol.shape or ())
    if isinstance(symbol, sp.MatrixSymbol) and isinstance(array, StoredArray):
        raise ProblemError(
            f"data: '{name}' is not in memory, so it is read row by row: declare IndexedBase('{name}') and write the "
            "objective as a Sum over its rows."
        )
    if isinstance(symbol, sp.MatrixSymbol) and array.ndim == 1 and shape[1] == 1:
        array = array[:, None]
    fits = len(shape) == array.ndim and all(
        int(a) == b for a, b in zip(shape, array.shape, strict=True) if a.is_Integer
    )
    if shape and not fits:
        raise ProblemError(f"data: '{name}' is declared with shape {shape}, but its array has shape {array.shape}.")
    rank = found.ranks.get(symbol, array.ndim)
    if rank != array.ndim:
        raise ProblemError(f"data: '{name}' has shape {array.shape}, but is used with {rank} indices.")
    if 0 in array.shape:
        raise ProblemError(f"data: '{name}' is empty, its shape is {array.shape}.")
    if symbol in found.used_as_index and array.dtype != np.int64:
        if not isinstance(array, np.ndarray):
            raise ProblemError(f"data: '{name}' is used as an index, so it must be a dense array of integers.")
        if (array != np.floor(array)).any() or (np.abs(array) >= 2.0**63).any():
            raise ProblemError(f"data: '{name}' is used as an index, so it must contain integers.")
        array = data_array(array.astype(np.int64), name)
    return array


def checked_bounds(
    values: Any, layout: Layout, name: str = "bounds"
) -> tuple[dict[str, tuple[Any, Any]], Vector | None, Vector | None]:
    """Return the bounds as {name: (low, high)} and packed; packed ones are None when nothing is bounded.

    `name` is what the user calls them.
    """
    bounds = {}
    lower, upper = np.full(layout.n, -np.inf), np.full(layout.n, np.inf)
    for variable, pair in layout.by_variable(checked_mapping(values, name), name).items():
        what = f"{name}: '{variable.name}'"
        if not isinstance(pair, (tuple, list, np.ndarray)) or len(pair) != 2:
            raise ProblemError(f"{what} must be a pair (low, high), either side None, not {pair!r}.")
        low, high = (None if end is None else _bound(end, variable.shape, what) for end in pair)
        bounds[variable.name] = (low, high)
        if low is not None:
            lower[variable.slice] = low.ravel()
        if high is not None:
            upper[variable.slice] = high.ravel()
    _check_order(lower, upper, layout, name)
    if not (np.isfinite(lower).any() or np.isfinite(upper).any()):
        return bounds, None, None
    lower.flags.writeable = upper.flags.writeable = False
    return bounds, lower, upper


def _bound(value: Any, shape: tuple[int, ...], what: str) -> Vector:
    array = broadcast_to_shape(value, shape, what, finite=False)
    if np.isnan(array).any():
        raise ProblemError(f"{what} contains nan. A side that is not bounded is None.")
    return array


def _check_order(lower: Vector, upper: Vector, layout: Layout, what: str) -> None:
    wrong = (lower > upper) | (lower == np.inf) | (upper == -np.inf)
    if not wrong.any():
        return
    k = int(np.argmax(wrong))
    name = layout.entry(k)
    if lower[k] > upper[k]:
        raise ProblemError(f"{what}: '{name}' has low > high: {lower[k]:g} > {upper[k]:g}.")
    raise ProblemError(f"{what}: '{name}' has the bounds ({lower[k]:g}, {upper[k]:g}), between which no number lies.")


def checked_start(values: Any, layout: Layout, lower: Vector | None, upper: Vector | None) -> Start:
    declared = np.full(layout.n, np.nan)
    samplers = {}
    if isinstance(values, Mapping):
        for variable, value in layout.by_variable(values, "start").items():
            if isinstance(value, Sampler):
                samplers[variable] = value
            else:
                value = broadcast_to_shape(value, variable.shape, f"start: '{variable.name}'")
                declared[variable.slice] = value.ravel()
    elif isinstance(values, Sampler):
        samplers = dict.fromkeys(layout, values)
    elif values is not None:
        declared = layout.pack(_flat(values, layout), "start")
    sign = np.zeros(layout.n)
    for variable in layout:
        if not isinstance(variable.symbol, sp.MatrixSymbol):
            sign[variable.slice] = bool(variable.symbol.is_nonnegative) - bool(variable.symbol.is_nonpositive)
    return Start(declared, samplers, sign, lower, upper)


def _flat(values: Any, layout: Layout) -> Any:
    """An array of a single variable's own shape is welcome as it is."""
    is_own_shape = len(layout) == 1 and np.shape(values) == layout[0].shape
    return np.ravel(values) if is_own_shape else values


def checked_known(points: Any, layout: Layout, lower: Vector | None, upper: Vector | None) -> tuple[KnownPoint, ...]:
    if not isinstance(points, Iterable):
        points = (points,)
    known = tuple(points)
    for number, point in enumerate(known, start=1):
        if not isinstance(point, KnownPoint):
            _refuse_known(point)
        what = f"known: point {number} ({point.kind})"
        x = layout.pack(point.point, what)
        if point.index is not None and point.index > layout.n:
            raise ProblemError(f"{what} has index {point.index}, more than there are dimensions ({layout.n}).")
        if lower is not None and upper is not None:
            outside = (x < lower) | (x > upper)
            if outside.any():
                k = int(np.argmax(outside))
                box = f"[{lower[k]:g}, {upper[k]:g}]"
                raise ProblemError(f"{what} lies outside the bounds: {layout.entry(k)} = {x[k]:g} is not in {box}.")
    return known


def _refuse_known(point: Any) -> NoReturn:
    raise ProblemError(
        f"known: {point!r} is not a critical point. Give a list of nc.Minimum, nc.Saddle and nc.Maximum."
    )


def checked_samples(samples: Any, found: Survey) -> sp.Basic | None:
    if samples is None:
        return None
    if not isinstance(samples, (str, sp.Symbol, sp.Idx)):
        raise ProblemError(f"samples must be the index of a Sum, a symbol or its name, not {samples!r}.")
    name = samples if isinstance(samples, str) else name_of(samples)
    if name not in found.indices:
        there = f" The sums run over {listed(found.indices)}." if found.indices else " The objective contains no Sum."
        raise ProblemError(f"samples: no Sum runs over '{name}'.{did_you_mean(name, found.indices)}{there}")
    return found.indices[name]


def checked_blocks(blocks: Any, layout: Layout) -> tuple[tuple[str, ...], ...]:
    if blocks is None:
        return ()
    if not isinstance(blocks, (list, tuple)):
        raise ProblemError(f"blocks must be a list of variables or of groups of variables, not {blocks!r}.")
    groups = [group if isinstance(group, (list, tuple)) else (group,) for group in blocks]
    named = tuple(tuple(resolve(key, layout.symbols, "blocks", "variable") for key in group) for group in groups)
    memberships = Counter(name for group in named for name in group)
    for name in layout.symbols:
        if memberships[name] != 1:
            raise ProblemError(
                f"blocks: '{name}' is in {memberships[name]} blocks. Every variable belongs to exactly one."
            )
    return named
