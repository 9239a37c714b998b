"""Derivatives: ncsolve against hand-written NumPy, jax.jit, CasADi and symengine, in one run and on one core.

For each row and contestant: seconds until value and gradient are ready, then the time of value+gradient, Hessian,
Hessian-vector product, and value+gradient of a batch of 1000 points. All results are compared with ours first. Behind
our times stands their ratio to the fastest peer's, below 1 when we are faster. Each row runs in a process of its own.

    python benchmarks/derivatives.py --rows rosenbrock,flat --peers numpy,jax --backend numpy
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, field
from multiprocessing import get_context
from typing import Any

import numpy as np
from _peers import PEERS, Peer, ours
from _timing import CLOCKS, Call, interleaved, pin, readable, table
from rows import COLUMNS, ROWS, Row, Skip
from scipy.sparse import issparse

import ncsolve as nc

HEADING = ("", "", "derive+compile", "value+gradient", "Hessian", "product", "batch of 1000")
OURS = "ncsolve"


@dataclass
class Outcome:
    """What one contestant did at one row: seconds by column, "derive" among them, or why there are none."""

    seconds: dict[str, float] = field(default_factory=dict)
    skipped: dict[str, str] = field(default_factory=dict)


Outcomes = dict[str, Outcome]


# -- one row -----------------------------------------------------------------------------------------------------------


def measure(key: str, peers: list[str], columns: list[str], options: argparse.Namespace) -> tuple[Row | str, Outcomes]:
    """One row: build, check against ours, then time in turns."""
    try:
        row = ROWS[key]()
    except Skip as reason:
        return str(reason), {}
    outcomes = {name: Outcome() for name in (OURS, *peers)}
    contestants: dict[str, Peer] = {}
    for name in outcomes:
        try:
            contestants[name] = (ours(options.backend) if name == OURS else PEERS[name])(row)
        except Skip as reason:
            outcomes[name].skipped = dict.fromkeys(("derive", *columns), str(reason))
    for column in columns:
        calls = dict(_ready(row, column, contestants, outcomes, CLOCKS[options.clock]))
        for name, time_per_call in interleaved(calls, options.seconds, options.clock).items():
            outcomes[name].seconds[column] = time_per_call
            if column == "gradient" and name != "numpy":
                outcomes[name].seconds["derive"] -= time_per_call
    return row, outcomes


def _ready(
    row: Row, column: str, contestants: dict[str, Peer], outcomes: Outcomes, tick: Callable[[], float]
) -> Iterator[tuple[str, Call]]:
    """The contestants of a column, compiled, and in agreement with us."""
    points = _arguments(row, column)
    expected = None
    for name, peer in contestants.items():
        try:
            if column == "batch" and not row.batch_size:
                raise Skip("no batch")
            row.allows(name, column)
            arguments = [tuple(peer.argument(a) for a in point) for point in points]
            start = tick()
            function = peer.build(column)
            result = function(*arguments[0])
            if column == "gradient" and name != "numpy":
                outcomes[name].seconds["derive"] = tick() - start
        except Skip as reason:
            outcomes[name].skipped[column] = str(reason)
            continue
        result = peer.result(column, result)
        expected = result if expected is None else expected
        assert_agree(result, expected, f"{row.name}, {column}, {name}")
        yield name, (function, arguments)


def _arguments(row: Row, column: str) -> list[tuple[np.ndarray, ...]]:
    rng = np.random.default_rng(3)
    if column == "batch":
        return [(np.stack([row.point(rng) for _ in range(row.batch_size)]),)] if row.batch_size else []
    points = [row.point(rng) for _ in range(2)]
    return [(x, rng.normal(size=row.n)) if column == "product" else (x,) for x in points]


def assert_agree(result: Any, expected: Any, what: str) -> None:
    """Equal to nine digits of the largest entry."""
    if isinstance(expected, tuple):
        for one, other in zip(result, expected, strict=True):
            assert_agree(one, other, what)
        return
    if issparse(result) and issparse(expected):
        difference, size = abs(result - expected).max(), abs(expected).max()
    else:
        result, expected = (a.toarray() if issparse(a) else np.asarray(a) for a in (result, expected))
        difference, size = np.abs(result - expected).max(), np.abs(expected).max()
    assert difference <= 1e-9 * max(size, 1.0), f"{what}: differs from ours by {difference:.2e} at size {size:.2e}"


# -- the table ---------------------------------------------------------------------------------------------------------


def cells(name: str, outcome: Outcome, outcomes: Outcomes, columns: list[str]) -> list[str]:
    result = []
    for column in ("derive", *columns):
        if column not in outcome.seconds:
            result.append("-")
            continue
        ratio = "" if name != OURS or column == "derive" else ratio_to_fastest(outcomes, column)
        result.append(readable(outcome.seconds[column]) + ratio)
    return result


def ratio_to_fastest(outcomes: Outcomes, column: str) -> str:
    others = [o.seconds[column] for name, o in outcomes.items() if name != OURS and column in o.seconds]
    return f" ({outcomes[OURS].seconds[column] / min(others):.2f})" if others else ""


def figures(row: Row, outcomes: Outcomes) -> Iterator[str]:
    """The figures that a row misses."""
    mine = outcomes[OURS].seconds
    if mine.get("derive", 0.0) > 0.3:
        yield f"{row.name}: ready in {readable(mine['derive'])}, not in 0.3 s"
    for name, outcome in outcomes.items():
        wanted = {"gradient": 2.0 if name == "jax" and row.elementwise else 1.0}
        if (row.name, name) in HESSIAN_FACTORS:
            wanted["hessian"] = HESSIAN_FACTORS[row.name, name]
        for column, factor in wanted.items():
            if name != OURS and column in mine and column in outcome.seconds:
                reached = outcome.seconds[column] / mine[column]
                if reached < factor:
                    yield f"{row.name}: {column} {reached:.2f} times as fast as {name}, not {factor:g}"


HESSIAN_FACTORS = {("Rosenbrock n = 10^5", "casadi"): 5.0, ("Lennard-Jones 100 atoms", "jax"): 10.0}


def chosen(text: str, known: list[str], what: str) -> list[str]:
    """Names that are, or begin with, one of those asked for, in our order."""
    wanted = [w.strip() for w in text.split(",") if w.strip()]
    for word in wanted:
        if not any(name.startswith(word) for name in known):
            raise SystemExit(f"unknown {what} '{word}'; known: {', '.join(known)}")
    return [name for name in known if any(name == w or (w not in known and name.startswith(w)) for w in wanted)]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", default=",".join(ROWS), help="names or beginnings of names: " + ", ".join(ROWS))
    parser.add_argument("--peers", default=",".join(PEERS), help="any of " + ", ".join(PEERS))
    parser.add_argument("--columns", default=",".join(COLUMNS), help="any of " + ", ".join(COLUMNS))
    parser.add_argument("--backend", default="numpy", choices=("numpy", "numba", "auto"))
    parser.add_argument("--seconds", type=float, default=0.5, help="spent on each measurement")
    parser.add_argument(
        "--clock", default="wall", choices=CLOCKS, help="cpu: seconds of this process only, for a busy machine"
    )
    options = parser.parse_args()
    rows = chosen(options.rows, list(ROWS), "row")
    peers = chosen(options.peers, list(PEERS), "peer")
    columns = chosen(options.columns, list(COLUMNS), "column")
    print(f"ncsolve {nc.__version__}, backend {options.backend}; one core, one thread for everyone\n", file=sys.stderr)
    lines, notes, missed = [], {}, []
    for key in rows:
        with ProcessPoolExecutor(1, mp_context=get_context("spawn"), initializer=pin) as pool:
            row, outcomes = pool.submit(measure, key, peers, columns, options).result()
        if isinstance(row, str):
            notes[f"{key}: {row}"] = None
            continue
        for k, (name, outcome) in enumerate(outcomes.items()):
            lines.append(["" if k else row.name, name, *cells(name, outcome, outcomes, columns)])
            print(*lines[-1], sep="  ", file=sys.stderr)
            left_out = {c: why for c, why in outcome.skipped.items() if why != "no batch"}
            notes |= dict.fromkeys(f"{row.name}, {name}, {column}: {why}" for column, why in left_out.items())
        missed += figures(row, outcomes)
    shown = [HEADING[k] for k in range(3)] + [HEADING[3 + COLUMNS.index(c)] for c in columns]
    print(table(shown, lines))
    print("\nLeft out:\n" + "\n".join(f"- {note}" for note in notes) if notes else "")
    print("\nFigures missed:\n" + "\n".join(f"- {line}" for line in missed) if missed else "\nAll figures met.")


if __name__ == "__main__":
    main()
