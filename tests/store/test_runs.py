"""What is kept of runs on the command line, and how it is listed."""

from __future__ import annotations

import json
import os
import shutil
import sqlite3
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from datetime import UTC, datetime, timedelta

import numpy as np
import pytest

import ncsolve as nc
from ncsolve.store import fingerprint, stored_runs
from ncsolve.store.index import INDEX


@pytest.fixture
def tree(run, tmp_path):
    for name, problem, solver in (("a", "himmelblau", "gd"), ("b/c", "himmelblau", "lbfgs"), ("b/d", "beale", "gd")):
        assert run("solve", problem, "-s", solver, "--out", str(tmp_path / name), "--json").exit_code == 0
    return tmp_path


def paths(run, *arguments):
    return [each["path"] for each in json.loads(run("runs", *arguments, "--json").stdout)["runs"]]


def test_runs_are_listed_and_filtered(run, tree):
    assert paths(run, str(tree)) == ["a", "b/c", "b/d"]
    assert paths(run, str(tree), "--problem", "himmelblau") == ["a", "b/c"]
    assert paths(run, str(tree), "--problem", "himmelblau", "--solver", "gd") == ["a"]
    lines = run("runs", str(tree)).stdout.splitlines()
    assert lines[0].split() == [
        "path",
        "problem",
        "solver",
        "seed",
        "status",
        "point",
        "objective",
        "iterations",
        "seconds",
    ]
    assert lines[1].split()[:6] == ["a", "himmelblau", "gd", "0", "CONVERGED", "minimum"]


def test_runs_are_found_by_file_and_by_what_was_asked(run, problem_file, tmp_path):
    file = problem_file("problem = nc.Problem(x**2 + y**2, start={x: 1, y: 1}, name='bowl')")
    assert run("solve", file, "--out", "all/auto", "--json").exit_code == 0
    assert run("compare", file, "-s", "gd", "-s", "gd step_size=0.1", "--out", "all/grid").exit_code == 0
    for name in ("bowl", file, f"{file}:problem", str(tmp_path / file)):
        assert len(paths(run, "all", "--problem", name)) == 3, name
    assert paths(run, "all", "--problem", file, "--solver", "auto") == ["auto"]
    assert len(paths(run, "all", "--solver", "gd")) == 2
    lines = run("runs", "all").stdout.splitlines()
    assert {" ".join(line.split()[2:-6]) for line in lines[2:]} == {"gd", "gd step_size=0.1"}


def test_that_there_is_nothing_is_told(run, tree):
    wrong = run("runs", str(tree), "--problem", "himelblau", "--solver", "adam")
    said = f"There is no such run below {tree}. Its problems are beale, himmelblau. Did you mean 'himmelblau'? "
    assert (wrong.exit_code, wrong.stdout) == (0, "")
    assert wrong.stderr == f"{said}Its solvers are gd, lbfgs.\n"
    assert paths(run, str(tree), "--problem", "himelblau") == []
    (tree / "empty").mkdir()
    assert "There are no runs below" in run("runs", str(tree / "empty")).stderr


def test_an_index_of_an_earlier_version_is_read_anew(tree):
    stored_runs(tree)
    with closing(sqlite3.connect(tree / INDEX)) as index, index:
        index.execute("UPDATE runs SET run = ?", (json.dumps({"problem": "himmelblau", "solver": "gd"}),))
    assert [each.run["status"] for each in stored_runs(tree)] == ["CONVERGED"] * 3


def test_the_index_is_a_cache(run, tree):
    assert len(stored_runs(tree)) == 3
    shutil.copytree(tree / "a", tree / "e")
    shutil.rmtree(tree / "b" / "c")
    changed = json.loads((tree / "b" / "d" / "run.json").read_text()) | {"solver": "other"}
    (tree / "b" / "d" / "run.json").write_text(json.dumps(changed))
    assert [(each.path, each.run["solver"]) for each in stored_runs(tree)] == [
        ("a", "gd"),
        ("b/d", "other"),
        ("e", "gd"),
    ]
    (tree / INDEX).write_bytes(b"no database " * 100)
    assert len(stored_runs(tree)) == 3
    (tree / INDEX).unlink()
    (tree / "a" / "run.json").write_text("{")
    (tree / "e" / "run.json").write_text('{"name": "of something else"}')
    assert [each.path for each in stored_runs(tree)] == ["b/d"]


def test_where_no_index_can_be_written_everything_is_read(run, tree):
    (tree / INDEX).mkdir()
    assert paths(run, str(tree)) == ["a", "b/c", "b/d"]


def test_several_may_list_one_folder(tree):
    with ThreadPoolExecutor(4) as at_once:
        assert {len(found) for found in at_once.map(stored_runs, [tree] * 12)} == {3}


def test_resume_on_the_command_line(run, problem_file, tmp_path, monkeypatch):
    file = problem_file(
        "def problem(a: int = 1):\n    return nc.Problem((a - x)**2 + 100*(y - x**2)**2, start={x: -1, y: 1})"
    )
    whole = json.loads(run("solve", file, "-p", "a=2", "-s", "gd", "--max-iterations", "50", "--json").stdout)
    first = run("solve", file, "-p", "a=2", "-s", "gd", "--max-iterations", "20", "--out", "kept")
    assert first.exit_code == 3
    monkeypatch.chdir(tmp_path.parent)
    again = run("resume", str(tmp_path / "kept"), "--max-iterations", "50", "--json")
    assert again.exit_code == 3
    answer = json.loads(again.stdout)
    assert {**answer, "seconds": 0} == {**whole, "seconds": 0}
    with np.load(tmp_path / "kept" / "trace.npz") as trace:
        assert trace["iteration"][-1] == 50
    (tmp_path / file).write_text((tmp_path / file).read_text().replace("100*", "99*"))
    changed = run("resume", str(tmp_path / "kept"))
    assert changed.exit_code == 2
    assert f"has changed since, in objective. It was {tmp_path / file}:problem -p a=2. Start" in changed.stderr
    alone = run("resume", str(tmp_path / "kept"), "-p", "a=3")
    assert (alone.exit_code, "-p says arguments of --problem" in alone.stderr) == (2, True)
    (tmp_path / file).rename(tmp_path / "elsewhere.py")
    gone = run("resume", str(tmp_path / "kept"))
    assert gone.exit_code == 2
    assert "its problem cannot be loaded; --problem says where it is now." in gone.stderr


def test_resume_of_nothing(run, tmp_path):
    result = run("resume", str(tmp_path))
    assert result.exit_code == 2
    assert "is no folder of a run: it has neither checkpoint.npz nor run.json." in result.stderr


def test_a_fingerprint_tells_problems_apart_and_nothing_else():
    import sympy as sp

    x, d = sp.symbols("x"), sp.IndexedBase("d", shape=(3,))

    def made(power=2, low=-1.0, data=(1.0, 2.0, 3.0), name="a", penalty=None):
        k = sp.Dummy("k", integer=True)
        f = sp.Sum((x - d[k]) ** power, (k, 0, 2))
        return nc.Problem(f, data={d: data}, bounds={x: (low, 5)}, start={x: 1}, name=name, penalty=penalty)

    same = fingerprint(made())
    assert fingerprint(made(name="b")) == same
    for part, other in (
        ("objective", made(power=4)),
        ("lower", made(low=-2.0)),
        ("data", made(data=(1.0, 2.0, 3.0000001))),
        ("declared_penalty", made(penalty=nc.L1(0.1))),
    ):
        now = fingerprint(other)
        assert now["all"] != same["all"]
        assert part in [name for name in now if now[name] != same[name]]


def test_a_large_x_is_a_file_of_its_own(run, tmp_path):
    result = run(
        "solve", "rosenbrock", "-p", "n=20000", "-s", "gd", "--max-iterations", "1", "--out", str(tmp_path), "--json"
    )
    kept = json.loads((tmp_path / "run.json").read_text())
    assert datetime.now(UTC) - datetime.fromisoformat(kept["written"]) < timedelta(hours=1)
    assert (kept["x"], kept["values"], kept["x_file"]) == (None, None, "x.npy")
    np.testing.assert_array_equal(np.load(tmp_path / "x.npy"), json.loads(result.stdout)["x"])


def test_a_run_that_cannot_be_read_is_left_out_and_told(run, tree):
    """Each time, and with an index; the name of a folder need not be UTF-8."""
    (tree / "a" / "run.json").write_text("{")
    (tree / "b" / "c" / "run.json").write_text('{"problem": 3, "solver": "gd", "status": "TIME"}')
    shutil.copytree(tree / "b" / "d", tree / os.fsdecode(b"\xff"))
    for _ in range(2):
        listed = run("runs", str(tree), "--json")
        assert [each["path"] for each in json.loads(listed.stdout)["runs"]] == ["b/d", "\udcff"]
        one, other = listed.stderr.splitlines()
        assert one.startswith(f"left out: {tree / 'a'}: its run.json cannot be read: ")
        assert other == f"left out: {tree / 'b' / 'c'}: its run.json is not of ncsolve"
