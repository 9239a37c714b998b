"""`ncsolve compare`: problems x solvers x seeds."""

import csv
import json
import shutil
import sys

import pytest


def test_json_has_every_run_with_the_keys_of_solve(run):
    result = run("compare", "himmelblau", "beale", "-s", "gd", "-s", "lbfgs", "--seeds", "2", "--json")
    runs = json.loads(result.stdout)["runs"]
    assert result.exit_code == 0
    assert len(runs) == 2 * 2 * 2
    assert {(each["problem"], each["solver"], each["seed"]) for each in runs} == {
        (problem, solver, seed) for problem in ("himmelblau", "beale") for solver in ("gd", "lbfgs") for seed in (0, 1)
    }
    keys = json.loads(run("solve", "himmelblau", "--json").stdout).keys()
    assert all(each.keys() >= keys for each in runs)


def test_table(run):
    lines = run("compare", "himmelblau", "-s", "gd", "-s", "trust-region").stdout.splitlines()
    assert lines[0].split()[:5] == ["problem", "solver", "seed", "status", "point"]
    assert [line.split()[:5] for line in lines[1:]] == [
        ["himmelblau", solver, "0", "CONVERGED", "minimum"] for solver in ("gd", "trust-region")
    ]


def test_a_solver_has_options_of_its_own(run, tmp_path):
    """Each once, as each problem, though the last of either is there already."""
    solvers = ("gd", "gd -o step_size=0.01", "gd step_size=0.02", "gd -o step_size=0.01")
    words = [word for solver in solvers for word in ("-s", solver)]
    result = run("compare", "himmelblau", "himmelblau", *words, "--seeds", "2", "--json", "--out", str(tmp_path))
    runs = json.loads(result.stdout)["runs"]
    assert [(each["asked"], each["solver"], each["seed"]) for each in runs] == [
        (name, "gd", seed) for name in ("gd", "gd step_size=0.01", "gd step_size=0.02") for seed in (0, 1)
    ]
    assert [each["options"]["step_size"] for each in runs] == [None, None, 0.01, 0.01, 0.02, 0.02]
    assert len({each["iterations"] for each in runs}) == 3
    table = run("compare", "himmelblau", *words, "--seeds", "2", "--out", str(tmp_path)).stdout.splitlines()
    assert [line.split()[1:3] for line in table[-2:]] == [["gd", "step_size=0.01"], ["gd", "step_size=0.02"]]


def test_auto_is_told_from_what_it_chose(run):
    lines = run("compare", "himmelblau", "-s", "auto", "-s", "gauss-newton", "--seeds", "2").stdout.splitlines()
    assert [line.split()[1:5] for line in lines[-2:]] == [
        ["auto", "(gauss-newton)", "2", "2"],
        ["gauss-newton", "2", "2", "minimum"],
    ]


@pytest.mark.parametrize(
    ("solver", "said"),
    [
        ("gd -o step=1", "There is no option 'step' of solver 'gd'. Did you mean 'step_size'?"),
        ("gd -o step_size", "-s 'gd -o step_size': 'step_size' is not KEY=VALUE. Write -s 'gd -o KEY=VALUE'."),
        ("gd -o step_size=1 -o step_size=2", "'step_size=2' is given twice."),
        ("adan", "There is no solver 'adan'. Did you mean 'adam'?"),
        (" ", "There is no solver ''."),
    ],
)
def test_a_wrong_solver_is_told_before_anything_runs(run, solver, said):
    result = run("compare", "himmelblau", "-s", "gd", "-s", solver)
    assert (result.exit_code, result.stdout) == (2, "")
    assert said in result.stderr


def test_an_interrupt_before_the_first_run_leaves_no_empty_table(run, monkeypatch):
    from ncsolve import compare

    monkeypatch.setattr(compare, "run_cells", lambda *_: [])
    result = run("compare", "himmelblau", "-s", "gd")
    assert (result.exit_code, result.stdout) == (130, "")
    assert "Interrupted before the first run was done." in result.stderr


def test_limits_reach_every_run(run):
    runs = json.loads(run("compare", "rosenbrock", "-s", "gd", "--max-iterations", "3", "--json").stdout)["runs"]
    assert [(each["status"], each["iterations"]) for each in runs] == [("ITERATIONS", 3)]


def test_plot(run, tmp_path):
    file = tmp_path / "compare.png"
    assert run("compare", "himmelblau", "beale", "-s", "gd", "-s", "lbfgs", "--plot", str(file)).exit_code == 0
    assert file.read_bytes().startswith(b"\x89PNG")


def grid(run, *more):
    result = run("compare", "himmelblau", "beale", "-s", "gd", "-s", "lbfgs", "--seeds", "2", "--json", *more)
    assert result.exit_code == 0, result.stderr
    return [{**each, "seconds": 0} for each in json.loads(result.stdout)["runs"]]


def test_what_is_kept_is_not_run_again(run, tmp_path, monkeypatch):
    from ncsolve import api

    folder, first = str(tmp_path / "grid"), grid(run)
    assert grid(run, "--out", folder) == first
    whole, calls = api.solve, []
    monkeypatch.setattr(api, "solve", lambda *a, **k: calls.append(a[1]) or whole(*a, **k))
    assert grid(run, "--out", folder) == first
    assert not calls
    kept = sorted((tmp_path / "grid").iterdir())
    shutil.rmtree(next(each for each in kept if each.name.startswith("beale-gd-1")))
    next(each for each in kept if each.name.startswith("beale-lbfgs-0")).joinpath("trace.npz").write_bytes(b"damaged")
    assert grid(run, "--out", folder) == first
    assert calls == ["gd", "lbfgs"]
    run("compare", "beale", "-s", "gd", "--max-iterations", "2", "--out", folder)
    assert calls == ["gd", "lbfgs", "gd"]  # another limit is another run
    listed = json.loads(run("runs", folder, "--json").stdout)["runs"]
    assert len(listed) == 9


def test_jobs_change_no_number(run, tmp_path):
    assert grid(run, "--jobs", "2", "--out", str(tmp_path)) == grid(run)


def test_a_killed_process_costs_its_run_only(tmp_path, problem_file):
    from ncsolve.compare import cells, run_cells
    from ncsolve.executors import choose
    from ncsolve.problem import load

    file = problem_file(
        "import multiprocessing, os, pathlib, signal\n"
        "if multiprocessing.parent_process() and not pathlib.Path('killed').exists():\n"
        "    pathlib.Path('killed').touch()\n"
        "    os.kill(os.getpid(), signal.SIGKILL)\n"
        "problem = nc.Problem(x**2 + y**2, start={x: 1, y: 1})"
    )
    runs = run_cells(cells([load(file)], ["gd"], 3), executor=choose("processes", 2))
    assert [(run.data["seed"], run.data["status"]) for run in runs] == [(k, "CONVERGED") for k in range(3)]
    assert (tmp_path / "killed").exists()


def test_seeds_are_summed_up(run):
    lines = run("compare", "himmelblau", "-s", "gd", "--seeds", "3").stdout.splitlines()
    assert lines[-1].split()[:5] == ["himmelblau", "gd", "3", "3", "minimum"]


def test_export(run, tmp_path):
    for name in ("runs.csv", "runs.json"):
        assert run("compare", "himmelblau", "-s", "gd", "--seeds", "2", "--export", str(tmp_path / name)).exit_code == 0
    rows = list(csv.DictReader((tmp_path / "runs.csv").read_text().splitlines()))
    runs = json.loads((tmp_path / "runs.json").read_text())["runs"]
    assert [(row["problem"], row["solver"], row["seed"], row["kind"]) for row in rows] == [
        ("himmelblau", "gd", str(k), "minimum") for k in range(2)
    ]
    assert [float(row["objective"]) for row in rows] == [each["objective"] for each in runs]
    wrong = run("compare", "himmelblau", "-s", "gd", "--export", "runs.xls")
    assert (wrong.exit_code, "the name must end in .csv, .json, .parquet" in wrong.stderr) == (2, True)


def test_parquet_needs_an_extra(run, monkeypatch):
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    result = run("compare", "himmelblau", "-s", "gd", "--export", "runs.parquet")
    assert result.exit_code == 2
    assert "needs pyarrow: pip install ncsolve[parquet]" in result.stderr


def test_parquet(run, tmp_path):
    parquet = pytest.importorskip("pyarrow.parquet")
    assert run("compare", "himmelblau", "-s", "gd", "--export", str(tmp_path / "runs.parquet")).exit_code == 0
    assert parquet.read_table(tmp_path / "runs.parquet").to_pylist()[0]["kind"] == "minimum"


def test_options_of_auto_are_those_of_the_solver_that_it_chooses(run):
    said = run("compare", "himmelblau", "-s", "auto -o memory=3", "--json")
    assert said.exit_code == 0, said.stderr
    (each,) = json.loads(said.stdout)["runs"]
    assert (each["solver"], each["options"]["memory"]) == ("gauss-newton", 3)
