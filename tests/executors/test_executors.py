"""Executors: the same results wherever tasks run, also when workers are killed. `eval` is a function that pickles."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from contextlib import suppress
from types import SimpleNamespace

import pytest

from ncsolve.errors import ExecutorError, MissingExtra, ProblemError
from ncsolve.executors import choose, in_order
from ncsolve.executors.processes import INTERRUPT, _Worker

WHERE = [("serial", 1), ("processes", 1), ("processes", 2)]


def run(name, workers, expression, count, **more):
    return choose(name, workers).run(eval, expression, [{"k": k, **more} for k in range(count)])


@pytest.mark.parametrize(("name", "workers"), WHERE)
def test_results_do_not_depend_on_where_tasks_run(name, workers):
    slow_first = "(__import__('time').sleep(0.2 * (k == 0)), 7 * k)[1]"
    assert list(in_order(run(name, workers, slow_first, 5))) == [0, 7, 14, 21, 28]


def test_a_process_that_is_killed_costs_its_task_only(tmp_path):
    """Task 1 kills its worker twice; the others are computed once each, and all results are there."""
    log = tmp_path / "log"
    note = f"open({str(log)!r}, 'a').write(str(k))"
    kill = (
        f"k == 1 and open({str(log)!r}).read().count('1') < 3 and __import__('os').kill(__import__('os').getpid(), 9)"
    )
    results = run("processes", 2, f"({note}, {kill}, k * k)[2]", 4)
    assert sorted(results) == [(0, 0), (1, 1), (2, 4), (3, 9)]
    assert sorted(log.read_text()) == list("011123")


def test_a_task_that_always_kills_is_an_error_that_names_it():
    fatal = "k == 1 and __import__('os')._exit(3)"
    with pytest.raises(ExecutorError, match=r"ended 3 times while it ran \{'k': 1\} \(exit code 3\).*__main__"):
        list(run("processes", 2, fatal, 3))


def test_errors_of_tasks_are_raised_here_and_workers_end():
    message = "(_ for _ in ()).throw(__import__('ncsolve').errors.ProblemError('no such thing'))"
    results = run("processes", 2, f"{message} if k == 2 else __import__('os').getpid()", 3)
    workers = set()
    with pytest.raises(ProblemError, match="no such thing"):
        workers.update(pid for _, pid in results)
    assert workers
    for pid in workers:
        with pytest.raises(ProcessLookupError):
            os.kill(pid, 0)


def test_workers_compute_with_one_thread():
    threads = "__import__('os').environ['OPENBLAS_NUM_THREADS'], __import__('os').environ['NUMBA_NUM_THREADS']"
    assert list(run("processes", 2, threads, 1)) == [(0, ("1", "1"))]


def test_workers_keep_their_memory_unless_told_how(monkeypatch):
    from ncsolve.executors.processes import _one_thread

    asked = "__import__('os').environ['MALLOC_MMAP_THRESHOLD_']"
    assert list(run("processes", 2, asked, 1)) == [(0, str(2**25))]
    monkeypatch.setenv("MALLOC_TRIM_THRESHOLD_", "1000")
    with _one_thread():
        assert os.environ["MALLOC_TRIM_THRESHOLD_"] == "1000"
    assert "MALLOC_MMAP_THRESHOLD_" not in os.environ


def test_what_is_shared_is_one_object_for_all_tasks():
    shared = {"calls": 0}
    seen = [k for _, k in choose("serial").run(_count, shared, range(3))]
    assert seen == [1, 2, 3]


def _count(shared, _):
    shared["calls"] += 1
    return shared["calls"]


def test_unknown_executors():
    with pytest.raises(ExecutorError, match=r"unknown executor 'proceses'\. Did you mean 'processes'\? Known: serial"):
        choose("proceses")


@pytest.mark.parametrize("workers", [0, -1, 1.5, True])
def test_without_workers_nothing_would_be_done(workers):
    with pytest.raises(ExecutorError, match=r"^workers must be an integer of at least 1, not "):
        choose("processes", workers)


def test_dask_is_an_extra(monkeypatch):
    monkeypatch.setitem(sys.modules, "distributed", None)
    with pytest.raises(MissingExtra, match=r"needs distributed: pip install ncsolve\[cluster\]"):
        choose("dask")


@pytest.mark.filterwarnings("ignore")  # of Dask's own
def test_a_cluster_yields_the_same_and_survives_a_killed_worker(tmp_path):
    pytest.importorskip("distributed")
    log = tmp_path / "log"
    note = f"open({str(log)!r}, 'a').write(str(k))"
    kill = (
        f"k == 1 and open({str(log)!r}).read().count('1') < 2 and __import__('os').kill(__import__('os').getpid(), 9)"
    )
    assert list(in_order(run("dask", 2, f"({note}, {kill}, k * k)[2]", 4))) == [0, 1, 4, 9]
    assert log.read_text().count("1") == 2


@pytest.mark.filterwarnings("ignore")
def test_no_scheduler_answers(monkeypatch):
    pytest.importorskip("distributed")
    monkeypatch.setattr("ncsolve.executors.cluster.SECONDS", 0.2)
    with pytest.raises(ExecutorError, match=r"no Dask scheduler answers at 127\.0\.0\.1:9: .*`dask scheduler`"):
        list(run("dask://127.0.0.1:9", 1, "k", 1))


def test_a_worker_stays_with_the_group_of_its_last_task(tmp_path):
    """Two groups in turns, two workers in step, each task until the other worker is at its partner: one group each."""
    meet = "open(here, 'w').close(), any(exists(there) or sleep(0.01) for _ in range(2000))"
    tools = {"exists": os.path.exists, "sleep": time.sleep}
    tasks = [{"k": k, "here": f"{tmp_path}/{k}", "there": f"{tmp_path}/{k ^ 1}", **tools} for k in range(8)]
    where = f"({meet}, (k % 2, __import__('os').getpid()))[2]"
    results = list(choose("processes", 2).run(eval, where, tasks, lambda task: task["k"] % 2))
    assert sorted(k for k, _ in results) == list(range(8))
    assert len({pair for _, pair in results}) == 2


def test_a_worker_has_no_workers():
    pytest.importorskip("distributed")
    name = "[type(__import__('ncsolve.executors').executors.choose(w, 3)).__name__ for w in ('processes', 'dask')]"
    assert list(run("processes", 2, name, 1)) == [(0, ["Serial", "Serial"])]


ORPHAN = """
import sys
from ncsolve.executors import choose

if __name__ == "__main__":
    hold = "(f := open(log, 'w'), __import__('fcntl').flock(f, 2), print('x', file=f, flush=True), sleep(60))"
    task = {"log": sys.argv[1], "sleep": __import__("time").sleep}
    list(choose("processes", 2).run(eval, hold, [task]))
"""


def test_workers_end_with_a_parent_that_is_killed(tmp_path):
    """Else they would go on writing checkpoints into a folder that somebody else may have taken."""
    fcntl = pytest.importorskip("fcntl")
    script, log = tmp_path / "orphan.py", tmp_path / "log"
    script.write_text(ORPHAN)
    parent = subprocess.Popen([sys.executable, script, log])
    while not log.exists() or not log.read_text():  # the worker works
        assert parent.poll() is None
        time.sleep(0.05)
    parent.kill()
    parent.wait()
    killed = time.monotonic()
    with log.open() as held:
        while time.monotonic() < killed + 20:
            with suppress(BlockingIOError):
                return fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)  # the worker has gone
            time.sleep(0.05)
    pytest.fail("the worker is still there")


@pytest.mark.skipif(INTERRUPT is None, reason="no such signals")
def test_ctrl_c_meets_a_worker_that_ends_at_the_same_time():
    """Between the look whether it lives and the signal."""
    gone = subprocess.Popen([sys.executable, "-c", ""])
    gone.wait()
    _Worker(SimpleNamespace(is_alive=lambda: True, pid=gone.pid), None).interrupt()
