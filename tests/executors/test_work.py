"""What is spread over workers, starts, boxes and populations, is the same wherever it is computed."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from contextlib import contextmanager
from multiprocessing import active_children

import numpy as np
import pytest
import sympy as sp

import ncsolve as nc
from ncsolve.errors import BudgetExhausted, ExecutorError, OptionError
from ncsolve.executors import Executor, Patient, Serial, choose
from ncsolve.landscapes.search import Budget, Search
from ncsolve_population import values as population
from ncsolve_population.pso import PSO

x, y = sp.symbols("x y")
WELLS = nc.Problem((x**2 - 1) ** 2 + (y**2 - 1) ** 2 + x * y / 5, bounds={x: (-2, 2), y: (-2, 2)}, name="wells")


@pytest.fixture(scope="module")
def cluster():
    """The name of an executor: a cluster of one worker that runs already."""
    distributed = pytest.importorskip("distributed")
    with distributed.LocalCluster(
        n_workers=1, threads_per_worker=1, dashboard_address="127.0.0.1:0", silence_logs=50
    ) as made:
        yield made.scheduler_address.replace("tcp", "dask")


class Deadly(str):
    """A text that kills, when it is unpickled, as long as it has not done so twice."""

    def __reduce__(self):
        note = f"open({str(self)!r}, 'a').write('x')"
        kill = f"len(open({str(self)!r}).read()) < 3 and __import__('os').kill(__import__('os').getpid(), 9)"
        return eval, (f"({note}, {kill}, '')[2]",)


def deadly(problem, tmp_path):
    """The same problem; who is sent it dies, twice."""
    return problem.replaced(source=Deadly(tmp_path / "deaths"))


def assert_same_runs(a, b):
    assert len(a.runs) == len(b.runs)
    for one, other in zip(a.runs, b.runs, strict=True):
        assert one.x.tobytes() == other.x.tobytes()
        assert (one.status, one.message, one.evaluations) == (other.status, other.message, other.evaluations)
        for name in set(one.trace) - {"seconds"}:
            assert np.array_equal(one.trace[name], other.trace[name], equal_nan=True), name


# -- starts ----------------------------------------------------------------------------------------------------------


def test_starts_have_the_same_bits_in_processes(tmp_path):
    """Two workers die on the way. A problem's own functions are not sent: they are called here."""
    problem = nc.Problem(WELLS.objective, bounds=WELLS.bounds, metrics={"twice": lambda values: 2 * values["x"]})
    here = nc.solve(problem, "cma", starts=3, seed=5, max_iterations=20)
    there = nc.solve(
        deadly(problem, tmp_path), "cma", starts=3, seed=5, max_iterations=20, executor=choose("processes", 2)
    )
    assert_same_runs(here, there)
    assert [run.metrics["twice"] for run in there.runs] == [2 * run.x[0] for run in here.runs]
    assert (tmp_path / "deaths").stat().st_size >= 3


@pytest.mark.filterwarnings("ignore")  # of Dask's own
def test_starts_have_the_same_bits_on_a_cluster(cluster):
    here = nc.solve(WELLS, "multistart", starts=2, options={"starts": 5})
    there = nc.solve(WELLS, "multistart", starts=2, options={"starts": 5}, executor=choose(cluster))
    assert_same_runs(here, there)
    assert there.minima[0].problem is WELLS


def test_starts_that_are_kept_go_on(tmp_path):
    """Cut off in processes, and resumed there: as if never interrupted."""
    here = nc.solve(WELLS, "cma", starts=3, max_iterations=25)
    workers = choose("processes", 2)
    nc.solve(WELLS, "cma", starts=3, max_iterations=10, checkpoint=tmp_path, executor=workers)
    assert len(list(tmp_path.glob("checkpoint*.npz"))) == 3
    assert_same_runs(here, nc.resume(tmp_path, WELLS, max_iterations=25, executor=workers))
    assert_same_runs(here, nc.resume(tmp_path, WELLS, max_iterations=25))


def test_ctrl_c_gives_the_starts_that_are_done(monkeypatch):
    done = nc.solve(WELLS, "gd", starts=3).runs

    def interrupted(self, function, shared, tasks, group=None):
        tasks = list(tasks)
        for k in (2, 0):
            yield k, function(shared, tasks[k])
        raise KeyboardInterrupt

    monkeypatch.setattr("ncsolve.executors.processes.Processes.run", interrupted)
    result = nc.solve(WELLS, "gd", starts=3, executor=choose("processes", 2))
    assert result.status is nc.Status.INTERRUPTED
    assert [run.objective for run in result.runs] == [done[0].objective, done[2].objective]


@pytest.mark.skipif(not hasattr(signal, "SIGUSR1"), reason="no such signals")
def test_ctrl_c_is_passed_on_to_the_starts_in_play(tmp_path):
    """Each ends with its best point; the answer is the better one, and the run can be resumed."""
    asked = "solve rastrigin -s cma -o restarts=1000000 --max-iterations 1000000000 --starts 2 --jobs 2 --json --out"
    command = [sys.executable, "-m", "ncsolve", *asked.split(), tmp_path]
    running = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    while len(list(tmp_path.glob("checkpoint*.npz"))) < 2:
        assert running.poll() is None
        time.sleep(0.05)
    running.send_signal(signal.SIGINT)
    answer = json.loads(running.communicate()[0])
    assert running.returncode == 130
    assert answer["status"] == "INTERRUPTED"
    assert answer["iterations"] > 0
    assert len(nc.resume(tmp_path, max_iterations=1).runs) == 2


def test_callbacks_are_for_this_process():
    with pytest.raises(OptionError, match=r"^Callbacks run in this process only: leave them out, or the executor\.$"):
        nc.solve(WELLS, "gd", starts=2, callbacks=[print], executor=choose("processes", 2))
    seen = []
    nc.solve(WELLS, "gd", starts=2, callbacks=[seen.append], executor=choose("serial"))
    assert seen


def test_an_executor_is_no_name():
    with pytest.raises(OptionError, match=r"one of ncsolve\.executors, such as choose\(\"processes\"\), not 'dask'"):
        nc.solve(WELLS, "gd", starts=2, executor="dask")


def test_what_cannot_be_sent():
    class Mine: ...

    with pytest.raises(ExecutorError, match=r"cannot be told what to do: .*Mine.* must be those of a module"):
        list(choose("processes", 2).run(print, Mine(), [1]))


def test_solve_says_where(run):
    starts = ("solve", "himmelblau", "-s", "gd", "--starts", "3", "--json")
    assert '"status":"CONVERGED"' in run(*starts, "--jobs", "2").stdout.replace(" ", "")
    assert "unknown executor 'proceses'. Did you mean 'processes'?" in run(*starts, "--executor", "proceses").stderr


# -- boxes -----------------------------------------------------------------------------------------------------------


def mapped(problem, executor=None):
    return nc.landscape(problem, {x: (-2, 2.1), y: (-2, 2.1)}, certify=True, connect=False, executor=executor)


@pytest.fixture
def impatient(monkeypatch):
    """Workers begin at once, and get many small slices."""
    pytest.importorskip("flint")
    monkeypatch.setattr("ncsolve.landscapes.find.Patient", lambda executor: executor)
    monkeypatch.setattr("ncsolve.landscapes.search.SLICE", 8)
    monkeypatch.setattr("ncsolve.landscapes.proven.TOGETHER", 4)


def test_a_landscape_is_proven_in_processes(impatient, tmp_path):
    """Two workers die on the way, and the report is the same: every box and every point."""
    here, there = mapped(WELLS), mapped(deadly(WELLS, tmp_path), choose("processes", 2))
    assert there.complete
    assert len(there.points) == 9
    assert there.report() == here.report()
    assert there.boxes == here.boxes > 50
    assert (tmp_path / "deaths").stat().st_size >= 3


@pytest.mark.filterwarnings("ignore")
def test_a_landscape_is_proven_on_a_cluster(impatient, cluster):
    assert mapped(WELLS, choose(cluster)).report() == mapped(WELLS).report()


@pytest.mark.parametrize("boxes", [60, 1000])
def test_a_search_looks_at_slices_in_the_order_of_the_queue(impatient, boxes):
    """Whoever is first: with tasks taken far ahead of results, boxes are those of one slice after the other; what was
    looked at beyond the budget is not used."""

    class Ahead(Serial):
        """Takes all tasks that there are before it does the first, and does the last one first."""

        @contextmanager
        def open(self, function, shared):
            self.function, self.shared = function, shared
            yield self

        def run(self, tasks, group=None):
            for k, task in reversed(list(enumerate(tasks))):
                self.longest = max(getattr(self, "longest", 0), k)
                yield k, self.function(self.shared, task)

    def search(executor):
        made = Search(WELLS, np.full(2, -2.0), np.full(2, 2.1), Budget(boxes), executor=executor)
        made.run()
        return made

    ahead = Ahead()
    one, other = search(Serial()), search(ahead)
    assert ahead.longest > 0
    assert one.ledger == other.ledger
    assert one.ledger.balanced
    assert one.stopped == other.stopped == ("the budget of boxes is used up" if boxes == 60 else "")
    for a, b in zip(one.looks, other.looks, strict=True):
        assert a.left.lower.tobytes() == b.left.lower.tobytes()
        assert a.fate.tolist() == b.fate.tolist()


def test_short_work_begins_no_worker():
    class Never(Executor):
        @contextmanager
        def open(self, function, shared):
            yield self

        def run(self, tasks, group=None):
            raise AssertionError

    tasks = [{"k": 3}, {"k": 5}]
    assert list(Patient(Never()).run(eval, "k", tasks)) == [(0, 3), (1, 5)]
    with pytest.raises(AssertionError):
        list(Patient(Never(), 0.0).run(eval, "k", tasks))


def test_long_work_is_done_by_workers():
    """One task here, the others there, each with its number."""
    slowly = "(__import__('time').sleep(0.05), k, __import__('os').getpid())[1:]"
    results = dict(Patient(choose("processes", 2), 0.01).run(eval, slowly, [{"k": k} for k in range(5)]))
    assert [results[k][0] for k in range(5)] == list(range(5))
    assert [results[k][1] == os.getpid() for k in range(5)] == [True, False, False, False, False]


# -- populations -----------------------------------------------------------------------------------------------------


@pytest.fixture
def in_blocks(monkeypatch):
    """Workers begin at once; a population is evaluated in blocks of a few points, as one with much data would be."""
    monkeypatch.setattr("ncsolve_population.values.Patient", lambda executor: executor)
    monkeypatch.setattr("ncsolve.backends.evaluator.BLOCK", 100)
    return nc.Problem(WELLS.objective, bounds=WELLS.bounds, name="wells")  # whose blocks nobody has counted


def moved(problem, solver, **options):
    return nc.solve(problem, solver, options=options, max_iterations=12, max_evaluations=400)


def assert_same_run(a, b):
    assert a.x.tobytes() == b.x.tobytes()
    assert (a.status, a.message, a.evaluations) == (b.status, b.message, b.evaluations)


def test_a_swarm_has_the_same_bits_in_processes(in_blocks, tmp_path):
    """Two workers die on the way, and none is left when the run is over."""
    before = set(active_children())
    there = moved(deadly(in_blocks, tmp_path), "pso", workers=2)
    assert set(active_children()) == before
    assert_same_run(moved(in_blocks, "pso"), there)
    assert there.evaluations["value"] > 300
    assert (tmp_path / "deaths").stat().st_size >= 3


def test_workers_of_a_swarm_end_before_it_is_polished(in_blocks):
    """The local solver has the oracle remember its residuals, and these the oracle: nobody would end them for long."""
    problem = nc.Problem((1 - x) ** 2 + 100 * (y - x**2) ** 2, bounds=WELLS.bounds)
    before = set(active_children())
    result = nc.solve(problem, "pso", options={"workers": 2})
    assert result.success
    assert set(active_children()) == before


@pytest.mark.filterwarnings("ignore")
def test_a_population_has_the_same_bits_on_a_cluster(in_blocks, cluster):
    assert_same_run(moved(in_blocks, "cma"), moved(in_blocks, "cma", executor=cluster))


@pytest.mark.parametrize("solver", ["de", "annealing"])
def test_every_population_can_be_spread(in_blocks, solver, monkeypatch):
    asked = []
    monkeypatch.setattr("ncsolve_population.values.choose", lambda *where: asked.append(where) or Serial())
    assert_same_run(moved(in_blocks, solver), moved(in_blocks, solver, workers=3, executor="dask"))
    assert set(asked) == {("dask", 3)}


def test_auto_compiles_after_the_same_points(in_blocks, monkeypatch):
    """Those that workers evaluated count."""
    pytest.importorskip("numba")
    monkeypatch.setattr("ncsolve.backends.evaluator._REPAID", 4e-6)
    backends = []
    values = population._values
    monkeypatch.setattr(population, "_values", lambda p, block: backends.append(block[1]) or values(p, block))
    there = moved(in_blocks, "de", workers=2, executor="serial")
    assert backends[0] == "numpy"
    assert backends[-1] == "numba"
    assert_same_run(moved(nc.Problem(WELLS.objective, bounds=WELLS.bounds, name="wells"), "de"), there)


def test_a_population_that_fits_into_one_block_stays_here():
    """The workers that it could have are never begun."""
    assert_same_run(moved(WELLS, "de"), moved(WELLS, "de", workers=2))


def test_the_limit_of_time_holds_for_populations(in_blocks):
    oracle = nc.compile(in_blocks)
    oracle.limit(None, 0.0)
    with pytest.raises(BudgetExhausted, match="TIME"):
        population.values_of(oracle, np.zeros((50, 2)), PSO(workers=2))


def test_an_unknown_executor_of_a_population(run):
    done = run("solve", "rastrigin", "-s", "pso", "-o", "executor=daks")
    assert "unknown executor 'daks'. Did you mean 'dask'?" in done.stderr
