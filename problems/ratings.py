"""Ratings of items by users, factorised with ridge and biases. [Koren, Bell & Volinsky 2009; Zhou et al. 2008]"""

from __future__ import annotations

import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import sympy as sp

import ncsolve as nc

TEST_SHARE = 0.1


class Table(NamedTuple):
    """Ratings one by one: numbers of users and items, counted from 0, and the values."""

    user: np.ndarray
    item: np.ndarray
    value: np.ndarray


def problem(
    rank: int = 4, ridge: float = 2.0, data: str = "", users: int = 80, items: int = 60, seed: int = 0
) -> nc.Problem:
    """Sum of (U[user] . V[item] + b[user] + c[item] + mean - rating)^2 over the ratings + ridge |(U, V, b, c)|^2.

    `data` is a file of ratings, one a line, "user item rating ..." separated by tabs, commas or "::", as MovieLens has
    them; without it, a seeded table of half stars from 1 to 5. A tenth of the ratings is kept for testing: a result
    reports the root mean square error of their predictions as `metrics["test RMSE"]`.

    f is quadratic in (U, b) and in (V, c): `als` solves one system of rank + 1 unknowns for each user and each item.
    """
    table, kept = split(ratings(data, users, items, seed))
    average = float(table.value.mean())
    count, n, m = len(table.value), int(table.user.max()) + 1, int(table.item.max()) + 1
    if not 1 <= rank <= min(n, m):
        raise ValueError(f"rank must be from 1 to {min(n, m)}, the smaller side of the table, not {rank}")
    u, i, r = (sp.IndexedBase(name, shape=(count,)) for name in ("user", "item", "rating"))
    U, V = sp.IndexedBase("U", shape=(n, rank)), sp.IndexedBase("V", shape=(m, rank))
    b, c = sp.IndexedBase("b", shape=(n,)), sp.IndexedBase("c", shape=(m,))
    k, a, p = sp.symbols("k a p", integer=True)
    weight, mean = sp.symbols("ridge mean")
    error = sp.Sum(U[u[k], a] * V[i[k], a], (a, 0, rank - 1)) + b[u[k]] + c[i[k]] + mean - r[k]
    sizes = [sp.Sum(X[p, a] ** 2, (p, 0, s - 1), (a, 0, rank - 1)) for X, s in ((U, n), (V, m))]
    sizes += [sp.Sum(y[p] ** 2, (p, 0, s - 1)) for y, s in ((b, n), (c, m))]
    return nc.Problem(
        sp.Sum(error**2, (k, 0, count - 1)) + weight * sp.Add(*sizes),
        variables=[U, V, b, c],
        data={u: table.user, i: table.item, r: table.value},
        parameters={weight: ridge, mean: average},
        start={U: nc.Normal(0, 0.1), V: nc.Normal(0, 0.1), b: 0.0, c: 0.0},
        metrics={"test RMSE": lambda values: rmse(values, average, kept)},
    )


def ratings(data: str = "", users: int = 80, items: int = 60, seed: int = 0) -> Table:
    """The table of a file, users and items numbered by their order; or a seeded one."""
    if data:
        return read(Path(data))
    rng = np.random.default_rng(seed)
    truth = 3 + rng.normal(size=(users, 3)) @ rng.normal(size=(3, items)) / 2
    truth += rng.normal(0, 0.4, (users, 1)) + rng.normal(0, 0.4, items)
    known = rng.random((users, items)) < 0.4
    user, item = np.nonzero(known)
    noisy = truth[known] + rng.normal(0, 0.3, len(user))
    return Table(user, item, np.clip(np.round(2 * noisy) / 2, 1, 5))


def read(file: Path) -> Table:
    """A file of ratings. Raises ValueError with the number of a line that is none."""
    users: dict[str, int] = {}
    items: dict[str, int] = {}
    rows = []
    for number, line in enumerate(file.read_text(encoding="utf-8").splitlines(), 1):
        parts = line.replace("::", "\t").replace(",", "\t").split("\t")
        if len(parts) < 3 or not line.strip():
            raise ValueError(f"{file}, line {number}: expected user, item, rating, not {line!r}")
        try:
            value = float(parts[2])
        except ValueError:
            if number == 1:  # the names of the columns
                continue
            raise ValueError(f"{file}, line {number}: {parts[2]!r} is no rating") from None
        if not np.isfinite(value):
            raise ValueError(f"{file}, line {number}: a rating is a finite number, not {parts[2]}")
        rows.append((users.setdefault(parts[0], len(users)), items.setdefault(parts[1], len(items)), value))
    if not rows:
        raise ValueError(f"{file} holds no ratings")
    user, item, values = zip(*rows, strict=True)
    return Table(np.array(user), np.array(item), np.array(values))


def split(table: Table) -> tuple[Table, Table]:
    """The ratings to fit, and the tenth that is kept for testing, seeded."""
    kept = np.random.default_rng(0).random(len(table.value)) < TEST_SHARE
    return Table(*(column[~kept] for column in table)), Table(*(column[kept] for column in table))


def rmse(values: Mapping[str, Any], mean: float, table: Table) -> float:
    """Root mean square error of the predictions for some ratings; those of users or items never seen are left out."""
    U, V, b, c = (values[name] for name in "UVbc")
    seen = (table.user < len(U)) & (table.item < len(V))
    if not seen.any():
        return math.nan
    user, item, value = (column[seen] for column in table)
    predicted = np.einsum("ka,ka->k", U[user], V[item]) + b[user] + c[item] + mean
    return float(np.sqrt(np.mean((predicted - value) ** 2)))
