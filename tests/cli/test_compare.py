"""`ncsolve compare`: problems x solvers x seeds."""

import json


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


def test_limits_reach_every_run(run):
    runs = json.loads(run("compare", "rosenbrock", "-s", "gd", "--max-iterations", "3", "--json").stdout)["runs"]
    assert [(each["status"], each["iterations"]) for each in runs] == [("ITERATIONS", 3)]


def test_plot(run, tmp_path):
    file = tmp_path / "compare.png"
    assert run("compare", "himmelblau", "beale", "-s", "gd", "-s", "lbfgs", "--plot", str(file)).exit_code == 0
    assert file.read_bytes().startswith(b"\x89PNG")
