"""A page of runs: complete, self-contained, strict, and text stays text."""

import base64
import json
import os
import sys
from html.parser import HTMLParser

import numpy as np
import pytest

import ncsolve as nc
from ncsolve.errors import MissingExtra, OptionError, StoreError
from ncsolve.report.labels import labels
from ncsolve.report.page import Asked, make_page
from ncsolve.report.page.html import embedded, number, tag
from ncsolve.report.page.plane import plane_of
from ncsolve.report.page.runs import Run, best_run
from ncsolve.report.page.thin import thinned
from ncsolve.report.page.words import answer


class Parsed(HTMLParser):
    """Tags with their attributes, text, and the data that is embedded."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.text = ""
        self.data: list[dict] = []
        self.inside = ""
        self.feed(html)

    def handle_starttag(self, tag, attributes):
        self.tags.append((tag, dict(attributes)))
        self.inside = tag if tag in ("script", "style") else self.inside
        if tag == "script" and dict(attributes).get("type") == "application/json":
            self.inside = "data"

    def handle_endtag(self, tag):
        self.inside = "" if tag in ("script", "style") else self.inside

    def handle_data(self, data):
        if self.inside == "data":
            self.data.append(json.loads(data, parse_constant=lambda constant: 1 / 0))
        elif not self.inside:
            self.text += data


QUICK = Asked(max_seconds=0.05)
"""Without a thorough search for critical points."""


@pytest.fixture(scope="module")
def runs(kept_runs):
    return kept_runs


@pytest.fixture(scope="module")
def page(kept_page):
    return kept_page


@pytest.fixture(scope="module")
def parsed(page):
    return Parsed(page.html)


def numbers(text, kind="<f4"):
    return np.frombuffer(base64.b64decode(text), kind)


def test_nothing_is_loaded_from_elsewhere(page, parsed):
    for name, attributes in parsed.tags:
        assert name not in ("link", "img", "iframe", "object", "base")
        assert "src" not in attributes
        assert not any(key.startswith("on") for key in attributes)
    assert not [line for line in page.html.split('"') if line.startswith("http") and "www.w3.org" not in line]
    assert len(page.html) < 500_000


def test_what_a_user_wrote_is_shown_as_text(kept_runs, page, parsed):
    problem = nc.load(str(kept_runs.parent / "mine.py"))
    assert "</script>" in problem.name
    assert problem.name in parsed.text
    assert problem.description in parsed.text
    assert "<b>'gd'" in parsed.text
    (data,) = (part for part in page.html.split('class="data">')[1:])
    assert "<" not in data.partition("</script>")[0]


def test_the_data_holds_the_runs(runs, parsed):
    (data,) = parsed.data
    assert data["solvers"] == ["gd", "newton"]
    for run, name in zip(data["runs"], ("<b>'gd'", "newton"), strict=True):
        with np.load(runs / name / "trace.npz") as trace:
            np.testing.assert_array_equal(numbers(run["columns"]["objective"], "<f8"), trace["objective"])
            np.testing.assert_allclose(numbers(run["columns"]["seconds"]), trace["seconds"], rtol=1e-6)
            np.testing.assert_allclose(numbers(run["path"]["u"]), trace["x"][:, 0], rtol=1e-6)
            np.testing.assert_allclose(numbers(run["path"]["v"]), trace["x"][:, 1], rtol=1e-6)


def test_the_plane_holds_the_objective(parsed):
    plane = parsed.data[0]["plane"]
    assert (plane["names"], plane["lower"], plane["upper"]) == (["x", "y"], [-2, -2], [2, 2])
    z = numbers(plane["z"]).reshape(plane["size"], plane["size"])
    x, y = np.meshgrid(*[np.linspace(-2, 2, plane["size"])] * 2)
    np.testing.assert_allclose(z, (x**2 - 1) ** 2 + 2 * (y - 0.5) ** 2 + x * y**2 / 4 + x / 10, rtol=1e-6, atol=1e-6)


def test_all_critical_points_are_there_and_who_reached_them(parsed):
    kinds = [point["kind"] for point in parsed.data[0]["points"]]
    assert sorted(kinds) == ["minimum", "minimum", "saddle"]
    marked = [a["data-point"] for name, a in parsed.tags if name == "tr" and "data-point" in a]
    assert sorted(marked) == ["0", "1", "2"]
    assert any(attributes.get("class") == "barriers" for _, attributes in parsed.tags)
    assert "A minimum" in parsed.text
    assert "Both eigenvalues of the Hessian are positive" in parsed.text


def test_the_formula_is_mathml(parsed):
    names = [name for name, _ in parsed.tags]
    assert {"math", "msup", "mfrac"} <= set(names)


CONSTRAINED = """\
import sympy as sp
import ncsolve as nc

a, b = sp.symbols("a b")
problem = nc.Problem((a - 2)**2 / 0.3 + b**2, equal=[b - a/4], less=[a**2 + b**2 - 1, a - 3], start={a: 0.1, b: 0.5})
game = nc.MinMax(a**2 - b**2, min=[a], max=[b], start={a: 1, b: 1})
"""


SCALARS = """\
import sympy as sp
import ncsolve as nc

w, i = sp.IndexedBase("w", shape=(3,)), sp.Symbol("i", integer=True)
problem = nc.Problem(sp.Sum(w[i]**2, (i, 0, 2)), start={w: 1})
"""


def page_of(tmp_path, text, name):
    (tmp_path / "mine.py").write_text(text, encoding="utf-8")
    nc.solve(nc.load(f"{tmp_path}/mine.py:{name}"), checkpoint=tmp_path / "run")
    return Parsed(make_page([tmp_path / "run"], QUICK).html)


def test_the_plane_shows_where_constraints_hold(tmp_path):
    """Every side of an inequality, the curve of an equality; a low value may lie outside, so none is the lowest."""
    parsed = page_of(tmp_path, CONSTRAINED, "problem")
    data = parsed.data[0]
    plane = data["plane"]
    a, b = np.meshgrid(*(np.linspace(plane["lower"][k], plane["upper"][k], plane["size"]) for k in (0, 1)))
    np.testing.assert_allclose(numbers(plane["outside"]), np.maximum(a**2 + b**2 - 1, a - 3).ravel(), atol=1e-5)
    (on,) = plane["on"]
    np.testing.assert_allclose(numbers(on), (b - a / 4).ravel(), atol=1e-5)
    assert data["lowest"] is None
    assert "Striped: outside of the constraints. Dark lines: where equalities hold." in parsed.text


def test_a_formula_has_short_decimals_and_a_game_its_sides(tmp_path):
    parsed = page_of(tmp_path, CONSTRAINED, "problem")
    assert "3.33333" in parsed.text
    assert "3.333333" not in parsed.text
    parsed = page_of(tmp_path, CONSTRAINED, "game")
    assert "minimised over a, maximised over b" in parsed.text


def test_points_have_the_names_of_the_variables(parsed, tmp_path):
    assert "(x, y) = (−1.02" in parsed.text
    nc.solve(nc.load("rosenbrock", {"n": 12}), "lbfgs", checkpoint=tmp_path)
    text = Parsed(make_page([tmp_path], QUICK).html).text
    assert "x = (1, 1, 1, 1, …), where f = " in text  # in the sentence
    assert "x = (1, 1, 1, 1, 1, 1, …)" in text  # in the table
    (tmp_path / "scalars.py").write_text(SCALARS, encoding="utf-8")
    nc.solve(nc.load(f"{tmp_path}/scalars.py"), "newton", checkpoint=tmp_path / "scalars")
    text = Parsed(make_page([tmp_path / "scalars"], QUICK).html).text
    assert "w = (0, 0, 0)" in text
    assert "1 iteration (2 values, 2 gradients, 1 Hessian)" in text


def test_where_several_starts_ended(tmp_path):
    nc.solve(nc.load("six-hump-camel"), "lbfgs", starts=6, seed=1, checkpoint=tmp_path / "run")
    parsed = Parsed(make_page([tmp_path], QUICK).html)
    data = json.loads((tmp_path / "run" / "run.json").read_text(encoding="utf-8"))
    assert len(data["ends"]) > 1
    assert f"6 starts ended at {len(data['ends'])} points, f = " in parsed.text
    for end in data["ends"]:
        assert f"{number(end['objective'], 8)} (minimum, {end['count']})" in parsed.text


def test_a_page_of_the_same_runs_is_the_same_but_for_its_date(runs, page):
    again = make_page([runs], Asked())
    assert again.html.partition("<footer")[0] == page.html.partition("<footer")[0]


def test_runs_below_several_folders_once_each(runs, run, tmp_path):
    output = tmp_path / "out.html"
    done = run("report", str(runs), str(runs / "newton"), "-o", str(output), "--title", "A & B")
    assert done.exit_code == 0, done.output
    assert done.stdout.startswith(f"{output}: 2 runs of 1 problem, ")
    assert "<title>A &amp; B</title>" in output.read_text(encoding="utf-8")


def test_a_place_for_the_page_that_is_none_is_told_before_anything_is_computed(run, runs, tmp_path):
    done = run("report", str(runs), "-o", str(tmp_path / "none" / "out.html"))
    assert done.exit_code == 2
    assert f"there is no folder '{tmp_path / 'none'}'." in done.stderr
    done = run("report", str(runs), "-p", "n=3")
    assert done.exit_code == 2
    assert "-p gives arguments of --problem: name the problem, too." in done.stderr


def test_a_folder_without_runs(run, tmp_path):
    done = run("report", str(tmp_path), "-o", str(tmp_path / "out.html"))
    assert done.exit_code == 2
    assert f"there is no run in {tmp_path}: keep one with `ncsolve solve --out DIR`." in done.stderr


def test_a_run_that_cannot_be_read_is_left_out_and_told(runs, tmp_path):
    whole = json.dumps({"problem": "p", "solver": "s", "status": "TIME"})
    for name, content in (("text", "{"), ("other", "{}"), ("trace", whole)):
        (tmp_path / name).mkdir()
        (tmp_path / name / "run.json").write_text(content)
    (tmp_path / "trace" / "trace.npz").write_bytes(b"no archive")
    page = make_page([tmp_path, runs / "newton"], QUICK)
    assert page.runs == 1
    where = sorted(fault.split(":")[0] for fault in page.faults)
    assert where == [str(tmp_path / name) for name in ("other", "text", "trace")]
    assert all(f"Left out: {fault.split(':')[0]}" in page.html for fault in page.faults)
    with pytest.raises(StoreError, match=r"its run\.json is not of ncsolve"):
        make_page([tmp_path / "other"], QUICK)


def test_a_run_that_goes_on_is_listed(runs, tmp_path):
    data = json.loads((runs / "newton" / "run.json").read_text())
    begun = {name: data[name] for name in ("problem", "solver", "source", "seed")}
    (tmp_path / "run.json").write_text(json.dumps({**begun, "status": "RUNNING"}))
    parsed = Parsed(make_page([tmp_path], QUICK).html)
    assert parsed.data[0]["runs"] == []
    assert "RUNNING" in parsed.text


def test_a_problem_from_python_can_be_named(tmp_path):
    import sympy as sp

    x, y = sp.symbols("x y")
    problem = nc.Problem(x**2 + 3 * y**4, start={x: 1, y: 1})
    nc.solve(problem, "gd", max_iterations=5, checkpoint=tmp_path)
    alone = Parsed(make_page([tmp_path], QUICK).html)
    assert "the problem was declared in Python, not in a file. Name the file with --problem." in alone.text
    assert alone.data[0]["plane"] is None
    assert "not converged: the limit on iterations was reached" in alone.text
    assert Parsed(make_page([tmp_path], Asked(problem=problem)).html).data[0]["plane"] is not None


def test_a_problem_that_has_changed_is_told(keep_runs, tmp_path):
    runs = keep_runs(tmp_path)
    file = tmp_path / "mine.py"
    file.write_text(file.read_text(encoding="utf-8").replace("2*(y", "3*(y"), encoding="utf-8")
    parsed = Parsed(make_page([runs], QUICK).html)
    assert "has changed since the run, in objective." in parsed.text
    assert parsed.data[0]["plane"] is None


def test_a_chosen_plane_of_more_variables(tmp_path):
    nc.solve(nc.load("rosenbrock", {"n": "3"}), "lbfgs", checkpoint=tmp_path)
    assert Parsed(make_page([tmp_path], QUICK).html).data[0]["plane"] is None
    data = Parsed(make_page([tmp_path], Asked(plane="x[2], x[0]")).html).data[0]
    assert data["plane"]["names"] == ["x[2]", "x[0]"]
    (point,) = data["points"]
    assert (round(point["u"], 5), round(point["v"], 5), round(point["off"], 5)) == (1, 1, 0)
    with pytest.raises(OptionError, match=r"--plane: there is no 'x\[3\]' in x of 'rosenbrock'. Did you mean 'x\["):
        make_page([tmp_path], Asked(plane="x[3],x[0]"))
    with pytest.raises(OptionError, match="--plane takes two different entries of x"):
        make_page([tmp_path], Asked(plane="x[0],x[0]"))


def test_theorems_are_told_on_demand(runs):
    text = Parsed(make_page([runs / "newton"], Asked(theorems=True)).html).text
    assert "newton-quadratic-convergence" in text


def test_the_extra_is_named(monkeypatch, runs):
    monkeypatch.setitem(sys.modules, "latex2mathml.converter", None)
    with pytest.raises(MissingExtra, match=r"needs latex2mathml: pip install ncsolve\[report\]"):
        make_page([runs], QUICK)


@pytest.mark.parametrize("rows", [1, 7, 400, 10_000])
def test_thinned_curves_keep_their_extremes(rows):
    rng = np.random.default_rng(rows)
    columns = [rng.normal(size=rows), np.cumsum(rng.normal(size=rows))]
    columns[0][rows // 2] = np.nan
    kept = thinned(columns, 400)
    assert len(kept) <= 420
    assert (kept[0], kept[-1]) == (0, rows - 1)
    for column in columns:
        assert np.nanmax(column[kept], initial=-9) == np.nanmax(column, initial=-9)
        assert np.nanmin(column[kept], initial=9) == np.nanmin(column, initial=9)


def test_thinned_curves_keep_peaks_of_one_row_early_and_late():
    column = np.ones(100_000)
    column[[3, 40, 70_001]] = [5, 4, 3]
    assert {3, 40, 70_001} <= set(thinned([column], 1000))


@pytest.mark.parametrize(
    ("value", "text"),
    [(-1.375e-14, "−1.375 × 10<sup>−14</sup>"), (0.0, "0"), (-0.0, "0"), (3e20, "3 × 10<sup>20</sup>"), (12.5, "12.5"),
     (None, "not finite"), (np.inf, "not finite")],
)  # fmt: skip
def test_numbers_as_in_a_book(value, text):
    assert number(value) == text


def test_html_escapes_texts_and_attributes():
    assert tag("p", "a < b", None, tag("b", "&"), title='"', data_n=0, hidden=True, x=False) == (
        '<p title="&quot;" data-n="0" hidden>a &lt; b<b>&amp;</b></p>'
    )
    assert json.loads(embedded({"</script>": [np.nan, "\u2028&"]})) == {"</script>": [None, "\u2028&"]}
    assert embedded("</script>\u2028").isascii()


def made(kind="minimum", status="CONVERGED", objective=1.0, **data):
    asked = {"problem": "p", "solver": "gd", "status": status, "objective": objective}
    return Run("folder", {**asked, "point": {"kind": kind}, **data})


def test_the_best_run_is_the_lowest_minimum():
    low, saddle, limit = made(objective=2.0), made("saddle", objective=1.0), made(status="TIME", objective=-5.0)
    assert best_run([limit, saddle, low]) is low
    assert best_run([limit, saddle]) is saddle
    assert best_run([made(status="RUNNING", objective=None), limit]) is limit


def test_runs_of_one_solver_are_told_apart_by_their_options():
    runs = [made(options={"a": 1, "b": None}), made(options={"a": 2, "b": None})]
    assert labels([run.data for run in runs]) == ["gd a=1", "gd a=2"]
    assert labels([{"solver": "gd", "options": {"a": None}}, {"solver": "gd", "options": {"a": 2}}]) == ["gd", "gd a=2"]


@pytest.mark.parametrize(
    ("point", "said"),
    [({"eigenvalues": [2.0]}, "The only eigenvalue of the Hessian is positive: 2."),
     ({"eigenvalues": [-1.0, -2.0, -3.0], "index": 3}, "All 3 eigenvalues of the Hessian are negative: −1, −2, −3."),
     ({"eigenvalues": [-1.0, 0.0, 3.0], "index": 1, "nullity": 1},
      "Of the 3 eigenvalues of the Hessian 1 is negative, 1 is zero, 1 is positive: −1, 0, 3."),
     ({"eigenvalues": [1.0, 2.0], "certified": True}, "1, 2. This is proven in ball arithmetic."),
     ({"eigenvalues": [2.0, -2.0], "kind": "minmax"}, "of the Hessian in the variables of each player: 2, −2."),
     ({"eigenvalues": [-1.0, 0.5, 7.0], "index": 1, "n": 400},
      "1 eigenvalue of the Hessian is negative, 0 zero; the lowest, the one nearest to zero and the highest are: ")],
)  # fmt: skip
def test_eigenvalues_in_a_sentence(point, said):
    run = made(x=[1.0] * point.pop("n", 2))
    run.data["point"].update(point)
    assert said in Parsed(answer(run, ["x", "y"])).text


def test_no_critical_point_is_not_called_found():
    text = Parsed(answer(made("not-critical", "TIME", x=[1.0], gradient_norm=None), ["x"])).text
    assert text == (
        "No critical point: the run ended at x = 1, where f = 1. Made by gd in 0 iterations; gradient norm not finite; "
        "not converged: the time was used up."
    )


def test_a_page_has_room_for_so_many_runs(run, runs, tmp_path, monkeypatch):
    monkeypatch.setattr("ncsolve.report.page.runs.MOST", 1)
    done = run("report", str(runs), str(runs / "newton"), "-o", str(tmp_path / "out.html"))
    assert done.exit_code == 2
    assert f"there are 2 runs in {runs}, {runs / 'newton'}, and a page shows at most 1: name folders" in done.stderr
    assert run("report", str(runs / "newton"), "-o", str(tmp_path / "out.html")).exit_code == 0


def test_problems_share_the_room_of_a_page(tmp_path, monkeypatch):
    """Rows of curves, steps of paths and points of planes."""
    monkeypatch.setattr("ncsolve.report.page.section.MOST_ROWS", 400)
    monkeypatch.setattr("ncsolve.report.page.section.MOST_STEPS", 200)
    monkeypatch.setattr("ncsolve.report.page.plane.MOST_VALUES", 2 * 81**2)
    for name in ("himmelblau", "beale"):
        nc.solve(nc.load(name), "adam", max_iterations=3000, checkpoint=tmp_path / name)
    parsed = Parsed(make_page([tmp_path], QUICK).html)
    assert [data["plane"]["size"] for data in parsed.data] == [81, 81]
    for columns, most in (("columns", 400), ("path", 200)):
        lengths = [len(numbers(data["runs"][0][columns]["iteration"])) for data in parsed.data]
        assert 0.25 * most < sum(lengths) < 1.1 * most


def test_constraints_take_their_part_of_the_room(monkeypatch):
    import sympy as sp

    x, y, z = sp.symbols("x y z")
    problem = nc.Problem(x**2 + y**2 + z**2, equal=[x + y - 1, y + z - 1], start={x: 1, y: 1, z: 1})
    monkeypatch.setattr("ncsolve.report.page.plane.MOST_VALUES", 4 * 81**2)
    found = plane_of(problem, [made(x=[1.0, 1.0, 1.0])], (0, 1), None)
    assert (len(found.z), len(found.on)) == (81, 2)
    assert len(plane_of(problem, [made(x=[1.0, 1.0, 1.0])], (0, 1), None, planes=2).z) == 41


def test_a_folder_whose_name_is_no_text_is_shown(run, keep_runs, tmp_path):
    runs = keep_runs(tmp_path)
    (runs / "newton").rename(runs / os.fsdecode(b"\xff"))
    done = run("report", str(runs), "-o", str(tmp_path / "out.html"), "--max-seconds", "0.05")
    assert done.exit_code == 0
    assert "\\udcff" in (tmp_path / "out.html").read_text(encoding="utf-8")


CHANGED = """\
import sympy as sp
import ncsolve as nc

x, y = sp.symbols("x y")
problem = nc.Problem({}, start={{x: 1, y: 2}})
"""


def test_runs_of_a_problem_before_and_after_it_was_changed_stand_apart(tmp_path):
    file = tmp_path / "mine.py"
    for k, f in enumerate(("x**2 + y**2", "x**2 + 5*y**2")):
        file.write_text(CHANGED.format(f))
        nc.solve(nc.load(str(file)), "gd", checkpoint=tmp_path / f"{1 - k}")
    parsed = Parsed(make_page([tmp_path], QUICK).html)
    assert [data["plane"] is None for data in parsed.data] == [False, True]
    assert parsed.text.count("problem 'mine' has changed since the run, in objective.") == 1


def test_a_problem_that_has_changed_since_a_comparison_is_told(run, tmp_path):
    file, folder = tmp_path / "mine.py", str(tmp_path / "grid")
    file.write_text(CHANGED.format("x**2 + y**2"))
    assert run("compare", str(file), "-s", "gd", "--max-iterations", "5", "--out", folder).exit_code == 0
    whole = Parsed(make_page([tmp_path], QUICK).html)
    assert whole.data[0]["plane"] is not None
    for said in ("digest", "cores", "max_iterations 5", "written"):
        assert said in whole.text
    file.write_text(CHANGED.format("x**2 + 5*y**2"))
    parsed = Parsed(make_page([tmp_path], QUICK).html)
    assert "has changed since the run, in objective." in parsed.text
    assert parsed.data[0]["plane"] is None


def test_a_problem_that_is_given_is_that_of_its_runs_only(tmp_path):
    import sympy as sp

    x, y = sp.symbols("x y")
    mine = nc.Problem(x**2 + 3 * y**4, start={x: 1, y: 1}, name="mine")
    nc.solve(mine, "gd", max_iterations=5, checkpoint=tmp_path / "mine")
    nc.solve(nc.load("beale"), "gd", max_iterations=5, checkpoint=tmp_path / "beale")
    alone, given = (Parsed(make_page([tmp_path], Asked(problem=p, max_seconds=0.05)).html) for p in (None, mine))
    assert [data["plane"] is None for data in alone.data] == [False, True]
    assert alone.data[0]["plane"] == given.data[0]["plane"]
    assert given.data[1]["plane"] is not None
    other = nc.Problem(x**2 + 3 * y**2, start={x: 1, y: 1}, name="mine")
    text = Parsed(make_page([tmp_path], Asked(problem=other, max_seconds=0.05)).html).text
    assert "'mine' has changed since the run, in objective." in text
    with pytest.raises(OptionError, match=r"--problem: no run is of 'bard', they are of 'beale'\."):
        make_page([tmp_path / "beale"], Asked(problem=nc.load("bard")))


def test_half_of_a_pair_of_surrogates_in_a_kept_name_is_shown_as_text(run, tmp_path):
    run("solve", "himmelblau", "-s", "gd", "--max-iterations", "2", "--out", str(tmp_path / "run"))
    kept = tmp_path / "run" / "run.json"
    kept.write_text(json.dumps({**json.loads(kept.read_text()), "problem": "a\ud800b", "source": None}))
    assert run("report", str(tmp_path / "run"), "-o", str(tmp_path / "page.html")).exit_code == 0
    assert r"<h1>a\ud800b</h1>" in (tmp_path / "page.html").read_text(encoding="utf-8")
