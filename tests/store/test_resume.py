"""A run that is cut anywhere and resumed ends with the bits of one that was never cut."""

from __future__ import annotations

import json
import os
import threading
from functools import cache
from pathlib import Path

import numpy as np
import pytest
import sympy as sp

import ncsolve as nc
from ncsolve.api import resume
from ncsolve.backends import evaluator
from ncsolve.errors import MissingExtra, OptionError, StoreError
from ncsolve.hooks import registry
from ncsolve.solving import check_needs, versions
from ncsolve.solving.checkpoint import is_resumable
from ncsolve.store import Checkpoint
from ncsolve.store.checkpoint import SCHEMA, CheckpointFile, read_mark
from ncsolve.store.encode import classes_of, decode, encode
from ncsolve.store.resume import _difference

SOLVERS = sorted(name for name, solver in registry().solvers().items() if is_resumable(solver))
CANDIDATES = ("valley", "lasso", "game", "circle", "fit", "clusters", "factors", "bowl")
OPTIONS = {
    "basin-hopping": {"hops": 6},
    "multistart": {"starts": 8, "local_iterations": 5},
    "langevin": {"burn_in": 2},
    "mala": {"burn_in": 2},
    "sgld": {"burn_in": 2},
}

x, y = sp.symbols("x y")
i, j, r = sp.symbols("i j r", integer=True)
v, A, b = (sp.IndexedBase(name, shape=shape) for name, shape in (("v", (4,)), ("A", (20, 4)), ("b", (20,))))
VALLEY = (1 - x) ** 2 + 100 * (y - x**2) ** 2


def made(name: str) -> nc.Problem:
    """A new problem each time, so that nothing that was derived or compiled is shared."""
    rng = np.random.default_rng(1)
    rows = rng.standard_normal((20, 4))
    fit = sp.Sum(sp.log(1 + (sp.Sum(A[i, j] * v[j], (j, 0, 3)) - b[i]) ** 2), (i, 0, 19))
    data = {A: rows, b: rows @ [1.0, -2.0, 0.0, 3.0] + 0.1}
    match name:
        case "valley":
            return nc.Problem(VALLEY, bounds={x: (-3, 3), y: (-3, 3)}, start={x: -1.2, y: 1})
        case "lasso":
            return nc.Problem(fit, data=data, start={v: 0.5}, penalty=nc.L1(0.3))
        case "game":
            return nc.MinMax(x**2 + 3 * x * y - y**2, min=[x], max=[y], start={x: 1, y: 1})
        case "circle":
            return nc.Problem(x + y**2, equal=[x**2 + y**2 - 1], start={x: 0.5, y: 0.6})
        case "bowl":
            bounds = {"smoothness": 20, "strong_convexity": 2}
            return nc.Problem(x**2 + 10 * y**2, start={x: 3, y: 1}, constants=bounds)
        case "fit":
            return nc.Problem(fit, data=data, start={v: 0.5}, samples=i)
        case _:
            return nc.load({"clusters": "clusters", "factors": "nonnegative-factorisation"}[name])


def problem_for(solver: str) -> str | None:
    for name in CANDIDATES:
        try:
            check_needs(registry().solver(solver), nc.compile(problems(name)[0]))
        except MissingExtra:
            return None
        except (OptionError, nc.NcsolveError):
            continue
        return name
    return None


def same(first: nc.Result, second: nc.Result) -> None:
    assert list(first.trace) == list(second.trace)
    for name in first.trace:
        if name != "seconds":
            assert np.array_equal(first.trace[name], second.trace[name], equal_nan=True), name
    assert first.x.tobytes() == second.x.tobytes()
    assert (first.status, first.evaluations, first.iterations) == (second.status, second.evaluations, second.iterations)
    assert [e.iteration for e in first.trace.escapes] == [e.iteration for e in second.trace.escapes]
    if first.samples is not None:
        assert np.array_equal(first.samples, second.samples)


@cache
def problems(name: str) -> tuple[nc.Problem, nc.Problem]:
    """One for the runs that are cut, and another, which shares nothing with it, for those that go on."""
    return made(name), made(name)


@pytest.mark.parametrize("solver", SOLVERS)
def test_every_resumable_solver(solver, tmp_path):
    name = problem_for(solver)
    if name is None:
        pytest.skip(f"no small problem for {solver}")
    first, second = problems(name)
    arguments = {"solver": solver, "options": OPTIONS.get(solver), "seed": 3}
    whole = nc.solve(first, max_iterations=17, **arguments)
    for cut in (whole.iterations // 4, whole.iterations // 2):
        begun = nc.solve(first, max_iterations=cut, checkpoint=tmp_path, **arguments)
        assert begun.iterations < whole.iterations
        same(whole, resume(tmp_path, second, max_iterations=17))


def test_an_escape_lies_on_either_side_of_the_cut(tmp_path):
    saddle = nc.Problem(x**2 / 2 - y**2 / 2 + y**4 / 4, start={x: 1, y: 0})
    whole = nc.solve(saddle, "gd")
    assert whole.trace.escapes
    at = whole.trace.escapes[0].iteration
    for cut in (at - 1, at, at + 2):
        nc.solve(saddle, "gd", max_iterations=cut, checkpoint=tmp_path)
        same(whole, resume(tmp_path, saddle, max_iterations=None))


def test_a_run_that_has_ended_ends_again_as_it_did(tmp_path):
    problem = made("valley")
    first = nc.solve(problem, "lbfgs", checkpoint=tmp_path)
    again = resume(tmp_path, problem)
    same(first, again)
    assert first.message == again.message


def test_many_starts(tmp_path):
    whole = nc.solve(made("valley"), "gd", starts=3, seed=5, max_iterations=30)
    nc.solve(made("valley"), "gd", starts=3, seed=5, max_iterations=12, checkpoint=tmp_path)
    again = resume(tmp_path, made("valley"), max_iterations=30)
    for first, second in zip(whole.runs, again.runs, strict=True):
        same(first, second)


def test_a_run_that_another_solver_took_over(tmp_path, monkeypatch):
    """auto goes on with another solver where the first one stalls; each has a checkpoint of its own."""
    from ncsolve import api

    problem = made("valley")
    monkeypatch.setattr(api, "is_stalled", lambda result: result.solver == "gauss-newton" and result.success)
    whole = nc.solve(problem, max_iterations=60, options={})
    assert "went on" in whole.message
    nc.solve(problem, max_iterations=60, max_evaluations=10, checkpoint=tmp_path)
    for _ in range(2):  # the second time both have ended already
        again = resume(tmp_path, problem, max_evaluations=None)
        same(whole, again)
        assert again.message == whole.message
        assert (tmp_path / "checkpoint-switched.npz").exists()


@pytest.mark.parametrize("cut", [6, 14])
def test_a_change_to_native_code_comes_at_the_same_evaluation(cut, tmp_path, monkeypatch):
    pytest.importorskip("numba")
    monkeypatch.setattr(evaluator, "_REPAID", 1.7e-4)  # seconds of NumPy, estimated: those of about ten gradients
    whole = made("fit")
    result = nc.solve(whole, "gd", max_iterations=25)
    assert whole.derived["evaluator:auto"].spent["gradient"] > evaluator._REPAID
    nc.solve(made("fit"), "gd", max_iterations=cut, checkpoint=tmp_path)
    same(result, resume(tmp_path, made("fit"), max_iterations=25))


def test_budget_and_interrupt(tmp_path):
    """The last mark lies before the step that was cut off; what that step drew and counted is forgotten."""
    whole = nc.solve(made("fit"), "adam", options={"batch_size": 5}, max_iterations=9)
    nc.solve(made("fit"), "adam", options={"batch_size": 5}, max_iterations=9, max_evaluations=7, checkpoint=tmp_path)
    same(whole, resume(tmp_path, made("fit"), max_evaluations=None))

    def interrupt(look):
        if look.iteration == 4:
            raise KeyboardInterrupt

    broken = nc.solve(
        made("fit"), "adam", options={"batch_size": 5}, max_iterations=9, callbacks=[interrupt], checkpoint=tmp_path
    )
    assert broken.status is nc.Status.INTERRUPTED
    same(whole, resume(tmp_path, made("fit")))


def test_what_a_state_may_hold_comes_back_as_it_was():
    from ncsolve.solving.trace import Escape
    from ncsolve_blocks.assignment import Assignment

    array = np.arange(3.0)
    array.flags.writeable = False
    labels = Assignment(array, array, array, array, 0.1, np.int64(2))
    state = {"a": (labels, [None, True, "text", 2**70, -0.0, float("nan")]), "b": Escape(3, None)}
    arrays = []
    tree = json.loads(json.dumps(encode(state, arrays)))
    back = decode(tree, arrays, classes_of({"ncsolve", "ncsolve_blocks"}, object))
    assert str(back) == str(state)
    assert type(back["a"][0]) is Assignment
    assert type(back["a"][0].changed) is np.int64
    assert len(arrays) == 2
    assert not back["a"][0].labels.flags.writeable
    for wrong in ({1, 2}, {1: 2}, 1j, np.array(["a"])):
        with pytest.raises(StoreError, match=r"it holds an? .*, which is"):
            encode(wrong, [])


# -- what must not be resumed ------------------------------------------------------------------------------------------


@pytest.fixture
def kept(tmp_path):
    nc.solve(made("fit"), "gd", max_iterations=3, checkpoint=tmp_path / "run")
    return tmp_path / "run"


def test_another_problem(kept):
    other = nc.Problem(made("fit").objective, data={A: np.ones((20, 4)), b: np.ones(20)}, start={v: 0.5}, samples=i)
    with pytest.raises(StoreError, match=r"problem 'problem' has changed since, in data. Start a new run"):
        resume(kept, other)


def test_other_versions(kept, monkeypatch):
    from ncsolve.store import resume as module

    monkeypatch.setattr(module, "all_versions", lambda: {**versions(), "scipy": "0.1", "numba": "9"})
    with pytest.raises(StoreError, match=r"began with other versions, .*scipy: .* then, 0.1 now.*--any-version"):
        resume(kept, made("fit"))
    assert resume(kept, made("fit"), any_version=True).iterations == 3


def test_a_problem_from_python_must_be_given(kept):
    with pytest.raises(StoreError, match=r"was declared in Python, not in a file.*nc.resume"):
        resume(kept)


def test_a_foreign_loop_says_so(tmp_path):
    nc.solve(made("valley"), "scipy:L-BFGS-B", max_iterations=3, checkpoint=tmp_path)
    with pytest.raises(StoreError, match=r"has no checkpoint: solver 'scipy:L-BFGS-B' cannot be resumed"):
        resume(tmp_path, made("valley"))


@pytest.mark.parametrize("damage", ["truncated", "flipped", "foreign", "empty", "schema"])
def test_a_damaged_checkpoint(kept, damage):
    file = kept / "checkpoint.npz"
    whole = bytearray(file.read_bytes())
    middle = whole.index(b"tree.npy") + 400
    if damage == "truncated":
        file.write_bytes(whole[: len(whole) // 2])
    elif damage == "flipped":
        whole[middle] ^= 4
        file.write_bytes(whole)
    elif damage == "foreign":
        np.savez(file, a=np.ones(3))
    elif damage == "empty":
        file.write_bytes(b"")
    else:
        members = dict(np.load(file))
        text = members["header"].tobytes().replace(f'"schema": {SCHEMA}'.encode(), b'"schema": 7')
        np.savez(file, **{**members, "header": np.frombuffer(text, np.uint8)})
    with pytest.raises(StoreError, match=r"is damaged|no checkpoint of ncsolve|schema version 7"):
        resume(kept, made("fit"))


def test_the_state_of_another_run(kept, tmp_path):
    """A file that is put together from two, and a solver that is another one than then."""
    from ncsolve_second_order.lbfgs import LBFGS

    with pytest.raises(StoreError, match=r"holds the state of another run, a DescentState|options"):
        resume(kept, made("fit"), LBFGS)
    nc.solve(made("fit"), "momentum", max_iterations=3, checkpoint=tmp_path / "other")
    other, header = dict(np.load(tmp_path / "other" / "checkpoint.npz")), np.load(kept / "checkpoint.npz")["header"]
    np.savez(kept / "checkpoint.npz", **{**other, "header": header})
    with pytest.raises(StoreError, match=r"is damaged: it holds the state of another run"):
        resume(kept, made("fit"))


def test_nothing_is_unpickled_and_no_class_is_looked_up_at_will(kept):
    file = kept / "checkpoint.npz"
    members = dict(np.load(file))
    tree = json.loads(members["tree"].tobytes())
    tree["mark"][1]["state"][1] = "subprocess:Popen"
    np.savez(file, **{**members, "tree": np.frombuffer(json.dumps(tree).encode(), np.uint8)})
    with pytest.raises(StoreError, match=r"there is no dataclass 'subprocess:Popen' of a known solver"):
        resume(kept, made("fit"))


def test_what_was_to_be_certified_is_certified_when_it_goes_on(tmp_path):
    pytest.importorskip("flint")
    first = nc.solve(made("valley"), "newton", max_iterations=1, checkpoint=tmp_path, certify=True)
    assert not first.point.certified
    assert resume(tmp_path, made("valley"), max_iterations=100).point.certified


# -- what is written, and when -----------------------------------------------------------------------------------------


def threads_done(look):
    """A callback after which all that is written in the background is there."""
    for thread in threading.enumerate():
        if thread.name == "checkpoint":
            thread.join()


def test_what_is_in_the_file_already_is_not_written_again(tmp_path):
    first = nc.solve(made("valley"), "gd", max_iterations=9, checkpoint=tmp_path)
    before = (tmp_path / "checkpoint.npz").stat()
    same(first, resume(tmp_path, made("valley")))
    assert (tmp_path / "checkpoint.npz").stat() == before


def test_an_older_checkpoint_is_given_up_for_the_last_one(tmp_path, monkeypatch):
    """The first one is held up until the run has ended and waits for it."""
    ended, join, proceed, given_up = threading.Event(), threading.Thread.join, CheckpointFile._proceed, []

    def waiting(file):
        if threading.current_thread() is not threading.main_thread():
            assert ended.wait(60)
            given_up.append(file._superseded)
        proceed(file)

    monkeypatch.setattr(CheckpointFile, "_proceed", waiting)
    monkeypatch.setattr(threading.Thread, "join", lambda *arguments: (ended.set(), join(*arguments)))
    whole = nc.solve(made("valley"), "gd", max_iterations=9)
    nc.solve(made("valley"), "gd", max_iterations=5, checkpoint=tmp_path)
    assert given_up == [True]
    assert read_mark(tmp_path / "checkpoint.npz", object).books["iteration"] == 5
    assert not list(tmp_path.glob(".*.part"))
    same(whole, resume(tmp_path, made("valley"), max_iterations=9))


def test_nothing_is_written_once_the_folder_is_given_back(tmp_path, monkeypatch):
    """A run that ends by an error, in the midst of a write, waits for it: the folder may be somebody else's then."""
    ended, join = threading.Event(), threading.Thread.join
    monkeypatch.setattr(CheckpointFile, "_proceed", lambda file: ended.wait(60))
    monkeypatch.setattr(threading.Thread, "join", lambda *arguments: (ended.set(), join(*arguments)))
    with pytest.raises(ZeroDivisionError):
        nc.solve(made("valley"), "gd", checkpoint=tmp_path, callbacks=[lambda look: 1 / 0])
    left = [thread for thread in threading.enumerate() if thread.name == "checkpoint"]
    threads_done(None)
    assert not left
    assert read_mark(tmp_path / "checkpoint.npz", object).books["iteration"] == 0


def test_what_a_killed_process_left_half_written_is_taken_away(tmp_path):
    (tmp_path / ".checkpoint.npz.0a1b2c3d.part").touch()
    nc.solve(made("valley"), "gd", max_iterations=1, checkpoint=tmp_path)
    assert not list(tmp_path.glob(".*.part"))


# -- what cannot be written --------------------------------------------------------------------------------------------


def test_where_not_even_the_first_checkpoint_can_be_written_the_run_ends(tmp_path, monkeypatch):
    from ncsolve.store import checkpoint

    def refuse(*arguments, **options):
        raise StoreError("cannot write checkpoint.npz: No space left on device.")

    monkeypatch.setattr(checkpoint, "write_arrays", refuse)
    seen = []
    with pytest.raises(StoreError, match="No space left on device"):
        nc.solve(made("valley"), "gd", checkpoint=tmp_path, callbacks=[seen.append, threads_done])
    assert len(seen) == 1
    short = nc.solve(made("valley"), "gd", max_iterations=0, checkpoint=tmp_path, callbacks=[threads_done])
    assert short.hints[-1] == "not kept: cannot write checkpoint.npz: No space left on device."


@pytest.mark.filterwarnings("ignore:This process:DeprecationWarning")
@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
@pytest.mark.parametrize("writes", [4, 7, 12])
def test_a_process_that_is_killed_while_it_writes(tmp_path, monkeypatch, writes):
    """benchmarks/campaign.py kills at random moments, over all solvers."""
    from ncsolve.store import files

    whole, calls = nc.solve(made("valley"), "gd", max_iterations=1000), iter(range(1, writes))
    child = os.fork()
    if child == 0:
        real = os.fsync
        monkeypatch.setattr(files.os, "fsync", lambda f: real(f) if next(calls, 0) else os.kill(os.getpid(), 9))
        try:
            nc.solve(made("valley"), "gd", max_iterations=1000, checkpoint=Checkpoint(tmp_path, every=0))
        finally:
            os._exit(1)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == -9
    same(whole, resume(tmp_path, made("valley")))


def test_a_folder_that_is_read_only(kept, monkeypatch):
    """What is there stays, and can be read."""
    before = {file.name: file.read_bytes() for file in kept.iterdir()}
    opened = Path.open

    def refuse(path, mode="r", *arguments, **more):
        if "w" in mode and path.parent == kept:
            raise PermissionError(13, "Permission denied", str(path))
        return opened(path, mode, *arguments, **more)

    monkeypatch.setattr(Path, "open", refuse)
    for again in (lambda: nc.solve(made("fit"), "gd", checkpoint=kept), lambda: resume(kept, made("fit"))):
        with pytest.raises(StoreError, match=r"cannot write into .*run: Permission denied"):
            again()
    assert {file.name: file.read_bytes() for file in kept.iterdir()} == before


def test_two_processes_on_one_folder(tmp_path):
    from ncsolve.store.files import locked

    with locked(tmp_path), pytest.raises(StoreError, match=r"another process is writing into"):
        nc.solve(made("valley"), "gd", checkpoint=tmp_path)


def test_a_folder_that_cannot_be_made(tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(StoreError, match=r"cannot write into .*file"):
        nc.solve(made("valley"), "gd", checkpoint=Checkpoint(tmp_path / "file"))


def test_options_that_are_arrays_are_told_where_they_have_another_shape_now():
    assert _difference({"a": np.ones(2), "b": 1}, {"a": np.ones(2), "b": 1}) == ""
    assert _difference({"a": np.ones(2)}, {"a": np.ones(3)}) == "a: [1. 1.] then, [1. 1. 1.] now"
