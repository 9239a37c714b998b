"""Pictures: every kind of run can be drawn, and what is drawn is what was met."""

import numpy as np
import pytest
import sympy as sp

import ncsolve as nc
from ncsolve.errors import OptionError
from ncsolve.report import comparison, plot

x, y = sp.symbols("x y")
SADDLE = nc.Problem(x**2 / 2 - y**2 / 2 + y**4 / 4, start={x: 1, y: 0}, name="saddle")


@pytest.fixture
def figures(monkeypatch):
    """The figures that were saved."""
    saved = []
    monkeypatch.setattr(plot, "save", lambda figure, file: saved.append(figure))
    return saved


@pytest.mark.parametrize("suffix", ["svg", "png"])
def test_files(tmp_path, suffix):
    file = tmp_path / f"run.{suffix}"
    plot.plot_run(file, SADDLE, nc.solve(SADDLE))
    assert file.stat().st_size > 10_000


def test_a_picture_of_the_same_run_is_the_same_file(tmp_path):
    result = nc.solve(SADDLE)
    files = [tmp_path / "one.svg", tmp_path / "two.svg"]
    for file in files:
        plot.plot_run(file, SADDLE, result)
    assert files[0].read_bytes() == files[1].read_bytes()


def test_the_contour_shows_path_start_end_and_the_points_met(figures):
    result = nc.solve(SADDLE, "gd")
    plot.plot_run("ignored", SADDLE, result)
    contour, _, objective, gradient = figures[0].axes[:1] + figures[0].axes[-3:]
    assert {"path", "start", "end", "saddle", "minimum"} <= set(contour.get_legend_handles_labels()[1])
    assert (contour.get_xlabel(), contour.get_ylabel()) == ("x", "y")
    (path,) = [line for line in contour.lines if line.get_label() == "path"]
    np.testing.assert_array_equal(path.get_xydata(), result.trace.x)
    assert any(line.get_label() == "left a saddle" for line in gradient.lines)
    assert objective.get_title(loc="left") == "objective"  # three values, too few for a logarithm


def test_the_window_holds_everything_known(figures):
    problem = nc.load("himmelblau")
    plot.plot_run("ignored", problem, nc.solve(problem))
    contour = figures[0].axes[0]
    (left, right), (low, high) = contour.get_xlim(), contour.get_ylim()
    for known in problem.known:
        a, b = problem.pack(known.point)
        assert left < a < right
        assert low < b < high


def test_bounds_cut_the_window(figures):
    problem = nc.Problem((x - 3) ** 2 + y**2, bounds={x: (0, 1), y: (0, None)}, start={x: 0.5, y: 1})
    plot.plot_run("ignored", problem, nc.solve(problem))
    contour = figures[0].axes[0]
    assert contour.get_xlim()[1] <= 1
    assert contour.get_ylim()[0] >= 0


def test_more_variables_show_convergence_only(figures):
    problem = nc.load("rosenbrock")
    plot.plot_run("ignored", problem, nc.solve(problem))
    objective, gradient = figures[0].axes
    assert objective.get_yscale() == gradient.get_yscale() == "log"
    assert objective.get_title(loc="left") == "objective above 0"


@pytest.mark.parametrize(
    "problem",
    [
        nc.Problem(x + 0 * y + x**2 + y**2, start={x: -0.5, y: 0}, name="start at the minimum"),
        nc.Problem(sp.log(x) + x**2 + y**2, start={x: -1, y: 1}, name="nowhere finite"),
        nc.Problem(sp.sqrt(1 - x**2 - y**2) + 2 * x**2 + 2 * y**2, start={x: 0.3, y: 0.1}, name="finite in a disc"),
        nc.Problem(1e8 * x**2 + 1e-8 * y**2, start={x: 1, y: 1e5}, name="stretched"),
        nc.Problem(-(x**2) - y**2, start={x: 1, y: 1}, name="unbounded"),
    ],
    ids=lambda problem: problem.name,
)
def test_awkward_runs_can_be_drawn(tmp_path, problem):
    plot.plot_run(tmp_path / "run.png", problem, nc.solve(problem, "gd", max_iterations=30))
    assert (tmp_path / "run.png").read_bytes().startswith(b"\x89PNG")


def test_comparison(figures):
    problems = [nc.load("himmelblau"), nc.load("beale"), nc.Problem(sp.log(x), start={x: -1}, name="nowhere finite")]
    results = [nc.solve(problem, solver) for problem in problems for solver in ("gd", "lbfgs")]
    comparison.plot_runs("ignored", problems, results)
    assert [panel.get_title(loc="left") for panel in figures[0].axes] == [
        "himmelblau: objective above 0",
        "beale: objective above 0",
        "nowhere finite: objective above nan",
        "performance profile: 1e-05 of the distance left",
        "data profile",
    ]
    (legend,) = figures[0].legends
    assert [text.get_text() for text in legend.get_texts()] == ["gd", "lbfgs"]


def test_a_curve_that_reaches_the_lowest_value_is_drawn_to_its_end(figures):
    """Gaps below rounding are drawn at rounding, and the start has a place beside a logarithmic axis of iterations."""
    problem = nc.load("himmelblau")
    results = [nc.solve(problem, solver) for solver in ("gd", "cma")]
    comparison.plot_runs("ignored", [problem], results, by="iterations")
    (panel,) = figures[0].axes
    for line, result in zip(panel.lines, results, strict=True):
        iterations, gap = line.get_xydata().T
        assert (iterations[0], iterations[-1]) == (0, pytest.approx(result.iterations))
        assert gap.min() == gap[-1] == pytest.approx(max(result.objective, 1e-16 * 170), rel=1e-3)
    assert panel.get_xlim()[0] > -0.1


def test_a_file_that_cannot_be_written(tmp_path):
    (tmp_path / "run.svg").mkdir()
    with pytest.raises(OptionError, match=r"^Cannot plot into .*: Is a directory\.$"):
        plot.plot_run(tmp_path / "run.svg", SADDLE, nc.solve(SADDLE))
