"""`ncsolve solve`: the answer, its exit code, its JSON, its files."""

import json

import numpy as np
import pytest

from ncsolve.store.checkpoint import SCHEMA

SADDLE = "problem = nc.Problem(x**2/2 - y**2/2 + y**4/4, start={x: 1, y: 0})"

KEYS = {
    "problem", "solver", "status", "point", "x", "values", "objective", "gradient_norm", "iterations", "evaluations",
    "seconds", "seed", "options", "versions",
}  # fmt: skip


def strict(text: str):
    """One JSON object, without NaN or Infinity."""
    return json.loads(text, parse_constant=lambda name: pytest.fail(f"{name} in JSON"))


def test_the_answer_says_what_was_found_and_why_it_stopped(run):
    result = run("solve", "himmelblau", "-s", "gd")
    assert result.exit_code == 0
    assert result.stdout.startswith("minimum of 'himmelblau' by gd\n")
    for words in (
        "CONVERGED: the gradient is within the tolerance",
        "eigenvalues",
        "objective",
        "evaluations",
    ):
        assert words in result.stdout


def test_json_is_one_strict_object_with_the_keys_of_the_contract(run):
    result = run("solve", "himmelblau", "--json", "--seed", "3")
    answer = strict(result.stdout)
    assert result.stdout.count("\n") == 1
    assert answer.keys() >= KEYS
    assert answer["point"].keys() >= {"kind", "index", "nullity", "eigenvalues", "certified"}
    assert (answer["problem"], answer["seed"], answer["point"]["kind"]) == ("himmelblau", 3, "minimum")
    assert answer["values"] == pytest.approx({"x": 3, "y": 2}, abs=1e-6)


def test_a_saddle_is_left(run, problem_file):
    result = run("solve", problem_file(SADDLE), "-s", "gd", "--json")
    answer = strict(result.stdout)
    assert (result.exit_code, answer["point"]["kind"]) == (0, "minimum")
    assert answer["objective"] == pytest.approx(-0.25)


def test_without_escape_a_saddle_is_no_success(run, problem_file):
    result = run("solve", problem_file(SADDLE), "-s", "gd", "--no-escape", "--json")
    point = strict(result.stdout)["point"]
    assert (result.exit_code, point["kind"], point["index"]) == (4, "saddle", 1)


@pytest.mark.parametrize(
    ("option", "status"),
    [("--max-iterations=2", "ITERATIONS"), ("--max-evaluations=3", "EVALUATIONS"), ("--max-seconds=1e-9", "TIME")],
)
def test_a_limit_means_exit_code_3(run, option, status):
    result = run("solve", "rosenbrock", "-s", "gd", option, "--json")
    assert (result.exit_code, strict(result.stdout)["status"]) == (3, status)


def test_a_looser_tolerance_stops_earlier(run):
    counts = [
        strict(run("solve", "himmelblau", "-s", "gd", "--tolerance", tolerance, "--json").stdout)["iterations"]
        for tolerance in ("1e-1", "1e-8")
    ]
    assert counts[0] < counts[1]


def test_numbers_that_are_not_finite_become_null(run, problem_file):
    result = run("solve", problem_file("problem = nc.Problem(sp.log(x) + x**2, start={x: -1})"), "--json")
    answer = strict(result.stdout)
    assert (result.exit_code, answer["status"], answer["objective"]) == (3, "NONFINITE", None)


def test_an_undefined_objective_names_the_sub_expression_and_the_values(run, problem_file):
    result = run("solve", problem_file("problem = nc.Problem(sp.log(x) + x**2, start={x: -1})"))
    assert "log(x) is nan where x = -1" in result.stdout


def test_options_of_problem_and_solver_reach_them(run):
    answer = strict(
        run(
            "solve", "rosenbrock", "-p", "n=4", "-s", "gd", "-o", "step_size=1e-3", "--max-iterations", "5", "--json"
        ).stdout
    )
    assert (len(answer["x"]), answer["options"]["step_size"]) == (4, 1e-3)


@pytest.mark.parametrize("backend", ["auto", "numpy"])
def test_backends(run, backend):
    assert run("solve", "himmelblau", "--backend", backend).exit_code == 0


def test_several_starts(run):
    result = run("solve", "six-hump-camel", "--starts", "6", "--seed", "1")
    assert result.exit_code == 0
    assert "starts         6: 6 minimum, at 3 points\n" in result.stdout
    ends = json.loads(run("solve", "six-hump-camel", "--starts", "6", "--seed", "1", "--json").stdout)["ends"]
    assert [end["kind"] for end in ends] == ["minimum"] * 3
    assert [end["count"] for end in ends] == [3, 1, 2]
    assert "1 run   minimum at [ 1.7036" in result.stdout
    for end in ends:
        assert f"{end['objective']:.10g}" in result.stdout


def test_the_same_seed_gives_the_same_answer(run):
    arguments = ("solve", "rastrigin", "--starts", "3", "--seed", "7", "--json")
    one, two = strict(run(*arguments).stdout), strict(run(*arguments).stdout)
    assert one["x"] == two["x"]


@pytest.mark.parametrize("x0", ["x=-2,y=3", "-2,3", " y = 3 , x = -2 "])
def test_x0_by_name_and_by_order(run, x0):
    answer = strict(run("solve", "himmelblau", "--x0", x0, "--max-iterations", "0", "--json").stdout)
    assert answer["x"] == [-2, 3]


def test_x0_of_arrays(run):
    one = strict(
        run(
            "solve", "rosenbrock", "-p", "n=3", "--x0", "x[0]=1,x[2]=3,x[1]=2", "--max-iterations", "0", "--json"
        ).stdout
    )
    assert one["x"] == [1, 2, 3]
    assert one["values"] == {"x": [1, 2, 3]}
    all_equal = strict(
        run("solve", "rosenbrock", "-p", "n=3", "--x0", "x=0.5", "--max-iterations", "0", "--json").stdout
    )
    assert all_equal["x"] == [0.5, 0.5, 0.5]


def test_x0_of_a_matrix_variable(run, problem_file):
    file = problem_file("""
M, j = sp.IndexedBase("M", shape=(2, 2)), sp.Symbol("j", integer=True)
problem = nc.Problem(sp.Sum((M[i, j] - i - j)**2, (i, 0, 1), (j, 0, 1)))""")
    answer = strict(
        run("solve", file, "--x0", "M[0,0]=1,M[0,1]=2,M[1,0]=3,M[1,1]=4", "--max-iterations", "0", "--json").stdout
    )
    assert answer["values"] == {"M": [[1, 2], [3, 4]]}


def test_out_keeps_the_run(run, tmp_path):
    folder = tmp_path / "runs" / "one"
    result = run("solve", "himmelblau", "--out", str(folder), "--json")
    kept, printed = strict((folder / "run.json").read_text()), json.loads(result.stdout)
    assert kept["versions"].items() >= printed["versions"].items()
    assert {key: kept[key] for key in printed} == {**printed, "versions": kept["versions"]}
    assert kept["schema"] == SCHEMA
    assert kept["source"] == "himmelblau"
    assert kept["machine"]["cores"] >= 1
    with np.load(folder / "trace.npz", allow_pickle=False) as trace:
        assert len(trace["iteration"]) == json.loads(result.stdout)["iterations"] + 1
        assert {"objective", "gradient_norm", "seconds", "evaluations"} <= set(trace.files)


def test_out_that_cannot_be_written(run, tmp_path):
    (tmp_path / "file").touch()
    result = run("solve", "himmelblau", "--out", str(tmp_path / "file"))
    assert result.exit_code == 2
    assert "Error: cannot write into" in result.stderr


def test_plot(run, tmp_path):
    result = run("solve", "himmelblau", "--plot", str(tmp_path / "run.svg"))
    assert result.exit_code == 0
    assert (tmp_path / "run.svg").read_text().startswith("<?xml")
