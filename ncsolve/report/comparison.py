"""A grid of runs: tables, convergence with bands over seeds, profiles, and files for other programs."""

from __future__ import annotations

import csv
import io
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from itertools import cycle
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np
from numpy.typing import NDArray

from ncsolve.errors import MissingExtra, OptionError
from ncsolve.report import plot
from ncsolve.report.profiles import cost_to_reach, data_profile, draw_profile, performance_profile

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from ncsolve.problem import Problem
    from ncsolve.report.bounds import Guarantee

__all__ = ["ABSCISSAE", "band", "export", "flat", "plot_runs", "summary"]

Array = NDArray[np.float64]

ABSCISSAE = {"evaluations": "evaluations", "iterations": "iteration", "seconds": "seconds"}
"""What a curve is drawn against, and the column of the trace that holds it."""
FORMATS = (".csv", ".json", ".parquet")
COLUMNS = ("problem", "solver", "seed", "status", "kind", "objective", "gradient_norm", "iterations", "value",
           "gradient", "hessian", "hvp", "seconds")  # fmt: skip
QUANTILES = (0.25, 0.5, 0.75)
POINTS = 200  # of a curve
ROUNDING = 1e-16
"""Of the largest gap: what is closer to the lowest value than that is drawn there."""
LETTERS = 13
"""Of a legend, side by side in an inch."""
STACKED = 3
"""Panels that stand above each other; more stand in two columns."""
DASHES = (
    (0, (1, 1.2)),
    (0, (4, 1.5)),
    (0, (4, 1.2, 1, 1.2)),
    (0, (2, 2.5)),
    (0, (6, 1.2, 1, 1.2, 1, 1.2)),
    (0, (1, 3)),
)
"""Of the theorems whose promises are drawn, in their order."""


class Drawable(Protocol):
    """A run, as far as its curve goes: a `Result`, or a `Run` of a grid."""

    @property
    def problem(self) -> str: ...
    @property
    def solver(self) -> str: ...
    @property
    def trace(self) -> Mapping[str, NDArray[Any]]: ...


# -- tables ------------------------------------------------------------------------------------------------------------


def flat(run: Mapping[str, Any]) -> dict[str, Any]:
    """One run, with the keys of `solve --json`, as a row of plain values: `COLUMNS`.

    Its solver is the one that was asked for with its options, and behind `auto` the one that it chose.
    """
    chosen, asked = run["solver"], run.get("asked", run["solver"])
    solver = asked if asked.split()[0] == chosen else f"{asked} ({chosen})"
    row = {**run, **run["evaluations"], "kind": run["point"]["kind"], "solver": solver}
    return {name: row[name] for name in COLUMNS}


def summary(runs: Iterable[Mapping[str, Any]]) -> list[list[Any]]:
    """For each problem and solver: runs, at which kinds of points they ended, median objective, gradients and time."""
    groups: dict[tuple[str, str], list[dict[str, Any]]] = {}
    for row in map(flat, runs):
        groups.setdefault((row["problem"], row["solver"]), []).append(row)
    return [
        [
            problem,
            solver,
            len(rows),
            _kinds(rows),
            *(_median(rows, name) for name in ("objective", "gradient", "seconds")),
        ]
        for (problem, solver), rows in groups.items()
    ]


def _kinds(rows: Sequence[Mapping[str, Any]]) -> str:
    return ", ".join(f"{count} {kind}" for kind, count in Counter(row["kind"] for row in rows).most_common())


def _median(rows: Sequence[Mapping[str, Any]], name: str) -> float:
    values = [row[name] for row in rows if row[name] is not None]
    return float(np.median(values)) if values else float("nan")


# -- curves ------------------------------------------------------------------------------------------------------------


def band(curves: Sequence[tuple[Array, Array]]) -> tuple[Array, Array]:
    """Quantiles over several runs of the lowest value so far: abscissae (p,), and (3, p) at `QUANTILES`.

    A curve is (abscissae, values); it is constant between its points, infinite before them, and holds its last value.
    """
    grid = _abscissae([x for x, _ in curves if len(x)])
    heights = []
    for x, values in curves:
        lowest = np.minimum.accumulate(np.where(np.isnan(values), np.inf, values))
        at = np.searchsorted(x, grid * (1 + 1e-12), side="right") - 1
        heights.append(np.where(at >= 0, lowest[np.maximum(at, 0)], np.inf) if len(x) else np.full(len(grid), np.inf))
    return grid, np.quantile(np.array(heights), QUANTILES, axis=0, method="inverted_cdf")


def _abscissae(columns: Sequence[Array]) -> Array:
    """Places between the first and the last of all columns, in equal ratios; 0 before them where one begins there."""
    if not columns:
        return np.empty(0)
    above = [float(x[x > 0][0]) for x in columns if (x > 0).any()]
    grid = np.geomspace(min(above), max(float(x[-1]) for x in columns), POINTS) if above else np.empty(0)
    return np.concatenate([[0.0], grid]) if min(float(x[0]) for x in columns) <= 0 else grid


def plot_runs(
    file: Path, problems: Sequence[Problem], runs: Sequence[Drawable], by: str = "evaluations", accuracy: float = 1e-5,
    guarantees: Sequence[Guarantee] = (),
) -> None:  # fmt: skip
    """Draw runs into an SVG or PNG file: for each problem a panel, for each solver the median over its seeds.

    The band holds half of the seeds. With several problems and solvers, a performance and a data profile follow: a
    run counts where all but `accuracy` of the distance to the lowest value known is covered. What theorems promise, in
    iterations, is drawn dashed.
    """
    import matplotlib
    from matplotlib.figure import Figure

    problems = [problem for problem in problems if any(run.problem == problem.name for run in runs)]
    colors = {solver: f"C{k}" for k, solver in enumerate(dict.fromkeys(run.solver for run in runs))}
    profiles = 2 if len(problems) > 1 and len(colors) > 1 else 0
    count = len(problems) + profiles
    columns = 1 if count <= STACKED else 2
    rows = -(-count // columns)
    with matplotlib.rc_context(plot.STYLE):
        figure = Figure(figsize=(7 if columns == 1 else 12, 3.2 * rows), layout="constrained")
        panels = list(figure.subplots(rows, columns, squeeze=False).flat)
        for axes in panels[count:]:
            axes.remove()
        for axes, problem in zip(panels, problems, strict=False):
            promised = [each for each in guarantees if each.problem == problem.name and len(each.bound)]
            _draw_problem(axes, problem, [run for run in runs if run.problem == problem.name], colors, by, promised)
        if profiles:
            _draw_profiles(panels[count - 2], panels[count - 1], problems, runs, colors, accuracy)
        _draw_legend(figure)
        plot.save(figure, file)


def _draw_problem(
    axes: Axes, problem: Problem, runs: Sequence[Drawable], colors: Mapping[str, str], by: str,
    promised: Sequence[Guarantee] = (),
) -> None:  # fmt: skip
    best = _best(problem, runs)
    bands = {solver: band(_curves(runs, solver, by, best)) for solver in dict.fromkeys(run.solver for run in runs)}
    finite = [heights[np.isfinite(heights)] for _, heights in bands.values()]
    floor = ROUNDING * max((float(values.max()) for values in finite if len(values)), default=1.0)
    for solver, (grid, heights) in bands.items():
        low, median, high = np.where(np.isfinite(heights), np.maximum(heights, floor), np.nan)
        axes.plot(grid, median, color=colors[solver], linewidth=1.4, label=solver)
        if sum(run.solver == solver for run in runs) > 1:
            axes.fill_between(grid, low, high, color=colors[solver], alpha=0.2, linewidth=0)
    dashes = dict(zip(dict.fromkeys(each.theorem for each in promised), cycle(DASHES), strict=False))
    longest = int(max((grid[-1] for grid, _ in bands.values() if len(grid)), default=0.0))
    for each in promised:
        bound = np.where(each.bound > floor, each.bound, np.nan)[: longest + 1]
        axes.plot(bound, color=colors[each.solver], linestyle=dashes[each.theorem], linewidth=1.2, label=each.theorem)
    if floor > 0:
        axes.set_yscale("log")
    if len(bands) and all(grid[0] == 0 for grid, _ in bands.values() if len(grid)):
        axes.set_xscale("symlog", linthresh=1, linscale=0.5)  # 0 is a place of its own
        axes.set_xlim(left=-0.05)
    else:
        axes.set_xscale("log")
    axes.set_title(f"{problem.name}: objective above {best:.6g}", parse_math=False)
    axes.set_xlabel(by)


def _draw_legend(figure: Figure) -> None:
    """One for all panels, below them, in as many columns as the names leave room for."""
    unique: dict[Any, tuple[Any, str]] = {}
    for axes in figure.axes:
        labelled: Iterable[tuple[Any, str]] = zip(*axes.get_legend_handles_labels(), strict=True)
        for handle, name in labelled:
            unique.setdefault((name, handle.get_color(), str(handle.get_linestyle())), (handle, name))
    handles, names = [handle for handle, _ in unique.values()], [name for _, name in unique.values()]
    room = int(LETTERS * figure.get_figwidth()) // (max(map(len, names)) + 6)
    columns = max(1, min(len(names), room))
    figure.set_figheight(figure.get_figheight() + 0.2 * -(-len(names) // columns))
    place: dict[str, Any] = {"loc": "outside lower left", "fontsize": 9, "handlelength": 3, "columnspacing": 1.2}
    figure.legend(handles, names, ncols=columns, **place)


def _curves(runs: Sequence[Drawable], solver: str, by: str, best: float) -> list[tuple[Array, Array]]:
    return [
        (np.asarray(run.trace[ABSCISSAE[by]], dtype=float), run.trace["objective"] - best)
        for run in runs
        if run.solver == solver
    ]


def _draw_profiles(
    performance: Axes, data: Axes, problems: Sequence[Problem], runs: Sequence[Drawable], colors: Mapping[str, str],
    accuracy: float,
) -> None:  # fmt: skip
    costs, sizes = evaluations_to_reach(problems, runs, accuracy)
    styles = {solver: {"color": color} for solver, color in colors.items()}
    draw_profile(performance, performance_profile(costs), "within this factor of the fewest evaluations", styles)
    draw_profile(data, data_profile(costs, sizes), "evaluations / (n + 1)", styles)
    performance.set_title(f"performance profile: {accuracy:g} of the distance left")
    data.set_title("data profile")


def evaluations_to_reach(
    problems: Sequence[Problem], runs: Sequence[Drawable], accuracy: float
) -> tuple[dict[str, list[float]], list[int]]:
    """Evaluations of each solver for each problem and seed until `cost_to_reach` holds, and n of each."""
    costs: dict[str, list[float]] = {run.solver: [] for run in runs}
    sizes: list[int] = []
    for problem in problems:
        of = [run for run in runs if run.problem == problem.name]
        best = _best(problem, of)
        spent = {solver: [_cost(run, best, accuracy) for run in of if run.solver == solver] for solver in costs}
        most = max(map(len, spent.values()))
        sizes += [problem.n] * most
        for solver, row in spent.items():
            costs[solver] += row + [np.nan] * (most - len(row))  # of a grid that was interrupted
    return costs, sizes


def _cost(run: Drawable, best: float, accuracy: float) -> float:
    return cost_to_reach(run.trace["objective"], run.trace["evaluations"], best, accuracy)


def _best(problem: Problem, runs: Sequence[Drawable]) -> float:
    return plot.lowest(np.concatenate([run.trace["objective"] for run in runs]), problem)


# -- files -------------------------------------------------------------------------------------------------------------


def check_export_file(file: Path) -> None:
    """Say before the runs, not after them, that `file` cannot be written."""
    if file.suffix not in FORMATS:
        raise OptionError(f"Cannot export to {str(file)!r}: the name must end in {', '.join(FORMATS)}.")
    if not file.absolute().parent.is_dir():
        raise OptionError(f"Cannot export to {str(file)!r}: there is no folder {str(file.parent)!r}.")
    if file.suffix == ".parquet":
        try:
            import pyarrow  # noqa: F401
        except ImportError:
            raise MissingExtra("pyarrow", "parquet") from None


def export(file: Path, runs: Sequence[Mapping[str, Any]]) -> None:
    """Write runs: JSON whole, CSV and Parquet as the rows that `flat` makes."""
    from ncsolve.report.data import to_json

    rows = [flat(run) for run in runs]
    if file.suffix == ".json":
        content = (to_json({"runs": list(runs)}) + "\n").encode()
    elif file.suffix == ".csv":
        text = io.StringIO()
        writer = csv.DictWriter(text, COLUMNS, lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)
        content = text.getvalue().encode()
    else:
        content = _parquet(rows)
    try:
        file.write_bytes(content)
    except OSError as error:
        raise OptionError(f"Cannot export to {str(file)!r}: {error.strerror}.") from error


def _parquet(rows: Sequence[Mapping[str, Any]]) -> bytes:
    import pyarrow as pa
    import pyarrow.parquet as pq

    sink = pa.BufferOutputStream()
    pq.write_table(pa.Table.from_pylist([dict(row) for row in rows]), sink)
    return bytes(sink.getvalue())
