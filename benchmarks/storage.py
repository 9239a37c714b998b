"""What can happen to files: each time a clear error or the right bits, and the last good checkpoint stays.

    python benchmarks/storage.py [--each 300] [--seed 0] [--only full,refused,damaged,foreign,together]

A disk that is full after so many bytes, folders that cannot be written to, checkpoints that are truncated, changed, or
of another problem, solver, version or program, and processes that use one store at the same time.
"""

from __future__ import annotations

import argparse
import errno
import io
import json
import math
import os
import shutil
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cache
from multiprocessing import get_context
from pathlib import Path
from typing import Any
from unittest.mock import patch

import numpy as np
import sympy as sp
from _timing import table

import ncsolve as nc
from ncsolve.api import resume
from ncsolve.compare import cells, run_cells
from ncsolve.errors import StoreError
from ncsolve.problem import load
from ncsolve.store import read_arrays, stored_runs
from ncsolve.store.index import INDEX

SOLVERS = ("gd", "lbfgs", "adam", "trust-region", "cma", "de", "basin-hopping", "negative-curvature")
CUT, END = 5, 12  # iterations
WITHOUT_POWERS = ("setpriv", "--bounding-set=-dac_override", "--inh-caps=-dac_override")
"""How root is refused what others are, too."""
PROCESSES = get_context("forkserver")
Counts = Counter[tuple[str, str]]
"""(what happened, how it ended): how often; an end in capitals is wrong."""


def wrong(counts: Counts) -> Counts:
    """What did not end as it should."""
    return Counter({key: k for key, k in counts.items() if any(w.isupper() and len(w) > 2 for w in key[1].split())})


# -- a run, and whether it goes on as it should ------------------------------------------------------------------------


@cache
def valley(curvature: int = 100) -> nc.Problem:
    x, y = sp.symbols("x y")
    return nc.Problem(
        (1 - x) ** 2 + curvature * (y - x**2) ** 2, bounds={x: (-3, 3), y: (-3, 3)}, start={x: -1.2, y: 1}
    )


@cache
def whole(solver: str) -> nc.Result:
    """The run that nothing happened to."""
    return nc.solve(valley(), solver, max_iterations=END)


def keep(solver: str, folder: Path, iterations: int = CUT) -> nc.Result:
    return nc.solve(valley(), solver, max_iterations=iterations, checkpoint=nc.Checkpoint(folder, every=0))


def is_same(first: nc.Result, second: nc.Result) -> bool:
    columns = set(first.trace) - {"seconds"}
    return set(first.trace) == set(second.trace) and all(
        first.trace[name].tobytes() == second.trace[name].tobytes() for name in columns
    )


def resumed(folder: Path, solver: str) -> str:
    """How the run of a folder goes on."""
    try:
        again = resume(folder, valley(), max_iterations=END)
    except StoreError as error:
        return "clear error" if str(folder) in str(error) else f"UNCLEAR ERROR: {error}"
    except Exception as error:
        return f"TRACEBACK: {error!r}"
    return "right bits" if is_same(whole(solver), again) else "OTHER BITS"


def left_behind(folder: Path) -> str:
    """What is not whole in a folder, "" where all is."""
    for file in folder.iterdir():
        try:
            if file.suffix == ".json":
                json.loads(file.read_text())
            elif file.suffix == ".npz":
                read_arrays(file)
            elif file.suffix == ".part":
                return f"LEFT BEHIND: {file.name}"
        except (ValueError, StoreError) as error:
            return f"DAMAGED: {error}"
    return ""


# -- a full disk -------------------------------------------------------------------------------------------------------


@contextmanager
def disk(room: float) -> Iterator[list[float]]:
    """Files take so many bytes in all, then "No space left on device"; what is left is in the list."""
    left, opened = [room], Path.open

    class Limited(io.FileIO):
        def write(self, data: Any) -> int:
            size = memoryview(data).nbytes
            if size > left[0]:
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
            left[0] -= size
            return super().write(data)

    def limited(path: Path, mode: str = "r", *arguments: Any, **more: Any) -> Any:
        return io.BufferedWriter(Limited(path, mode)) if mode == "wb" else opened(path, mode, *arguments, **more)

    with patch.object(Path, "open", limited):
        yield left


def full_disk(room: float, scratch: Path, solver: str = "gd") -> str:
    """A new run on a disk with so much room: what it tells, and whether it goes on once there is more."""
    folder = Path(tempfile.mkdtemp(dir=scratch))
    try:
        with disk(room):
            error = keep(solver, folder).error
        told = "told at the end" if isinstance(error, StoreError) else "room enough"
    except StoreError as failure:
        error, told = failure, "told at once"
    if error is not None and "No space left on device" not in str(error):
        return f"UNCLEAR ERROR: {error}"
    expected = "right bits" if (folder / "checkpoint.npz").exists() else "clear error"
    end = left_behind(folder) or resumed(folder, solver)
    return told if end == expected else f"{told}, THEN {end}"


def full_disk_at_resume(room: float, kept: Path, scratch: Path, solver: str = "gd") -> str:
    """A run that goes on, on a disk with so much room: the checkpoint that was there, or a newer one, stays."""
    folder = Path(tempfile.mkdtemp(dir=scratch)) / "run"
    shutil.copytree(kept, folder)
    try:
        with disk(room):
            again = resume(folder, valley(), max_iterations=END)
        told = "told at the end" if isinstance(again.error, StoreError) else "room enough"
        if not is_same(whole(solver), again):
            return "OTHER BITS"
    except StoreError:
        told = "told at once"
    end = left_behind(folder) or resumed(folder, solver)
    return told if end == "right bits" else f"{told}, THEN {end}"


def full(each: int, rng: np.random.Generator, scratch: Path) -> Counts:
    kept = scratch / "kept"
    keep("gd", kept)
    size = sum(file.stat().st_size for file in kept.iterdir())
    rooms = rng.uniform(0, 4 * size, each)
    counts: Counts = Counter()
    for room in rooms:
        counts["a full disk, a new run", full_disk(room, scratch)] += 1
        counts["a full disk, a run that goes on", full_disk_at_resume(room, kept, scratch)] += 1
    return counts


# -- folders that cannot be written to ---------------------------------------------------------------------------------


def told(*arguments: str, before: tuple[str, ...] = (), **more: Any) -> str:
    """How a command ends that cannot keep its run: in one line on stderr, and exit code 2."""
    command = [*before, sys.executable, "-m", "ncsolve", *arguments]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=300, **more)
    if "Traceback" in done.stderr:
        return f"TRACEBACK: {done.stderr}"
    if done.returncode == 2 and "Error: " in done.stderr:
        return "clear error"
    return "done" if done.returncode in (0, 3) else f"EXIT CODE {done.returncode}: {done.stderr}"


def limit_of_files(size: int) -> Callable[[], None]:
    def limit() -> None:
        import resource

        resource.setrlimit(resource.RLIMIT_FSIZE, (size, size))

    return limit


def refused(each: int, rng: np.random.Generator, scratch: Path) -> Counts:
    solve = ("solve", "himmelblau", "-s", "gd", "--out")
    counts: Counts = Counter()
    kept = scratch / "kept"
    told(*solve, str(kept))
    before = {file.name: file.read_bytes() for file in kept.iterdir()}
    kept.chmod(0o555)
    powerless = WITHOUT_POWERS if os.getuid() == 0 else ()
    compare = ("compare", "himmelblau", "-s", "gd", "--out", str(kept))
    for arguments in ((*solve, str(kept)), ("resume", str(kept)), (*solve, str(kept / "below")), compare):
        counts["a read-only folder", told(*arguments, before=powerless)] += 1
    counts["a read-only folder, its list", told("runs", str(kept), before=powerless)] += 1
    kept.chmod(0o755)
    if {file.name: file.read_bytes() for file in kept.iterdir()} != before:
        counts["a read-only folder", "CHANGED"] += 1
    for place in ("/dev/full", "/dev/null", str(kept / "run.json"), str(scratch / ("x" * 300)), "/proc/nothing"):
        counts["no folder", told(*solve, place)] += 1
    for k, size in enumerate(rng.integers(0, 8000, max(4, each // 20))):
        end = told(*solve, str(scratch / f"limited-{k}"), preexec_fn=limit_of_files(int(size)))
        counts["a limit on the size of files", end] += 1
    return counts


# -- checkpoints that are not what was written -------------------------------------------------------------------------


def truncated(whole: bytes, rng: np.random.Generator) -> bytes:
    return whole[: rng.integers(len(whole))]


def flipped(whole: bytes, rng: np.random.Generator) -> bytes:
    broken = bytearray(whole)
    broken[rng.integers(len(whole))] ^= 1 << int(rng.integers(8))
    return bytes(broken)


def zeroed(whole: bytes, rng: np.random.Generator) -> bytes:
    """A block that never came to the disk."""
    start = int(rng.integers(len(whole)))
    return whole[:start] + bytes(len(whole[start : start + 512])) + whole[start + 512 :]


def repeated(whole: bytes, rng: np.random.Generator) -> bytes:
    start, end = sorted(rng.integers(len(whole), size=2))
    return whole[:end] + whole[start:]


def damaged(each: int, rng: np.random.Generator, scratch: Path) -> Counts:
    counts: Counts = Counter()
    for solver in SOLVERS:
        keep(solver, scratch / solver)
        file = scratch / solver / "checkpoint.npz"
        good = file.read_bytes()
        for change in (truncated, flipped, zeroed, repeated):
            for _ in range(math.ceil(each / len(SOLVERS))):
                file.write_bytes(change(good, rng))
                counts[f"a {change.__name__} checkpoint", resumed(scratch / solver, solver)] += 1
    return counts


def foreign(each: int, rng: np.random.Generator, scratch: Path) -> Counts:
    counts: Counts = Counter()
    for solver in SOLVERS:
        keep(solver, scratch / solver)
    for solver in SOLVERS:
        folder = scratch / solver
        file = folder / "checkpoint.npz"
        good = file.read_bytes()
        with patch("ncsolve.store.resume.all_versions", lambda: {"ncsolve": "99"}):
            counts["of another version", resumed(folder, solver)] += 1
        nc.solve(valley(99), solver, max_iterations=CUT, checkpoint=scratch / "other")
        shutil.copy(scratch / "other" / "checkpoint.npz", file)
        counts["of another problem", resumed(folder, solver)] += 1
        for other in (each for each in SOLVERS if each != solver):
            shutil.copy(scratch / other / "checkpoint.npz", file)  # a file says itself whose it is
            counts["of another solver, whole", resumed(folder, other)] += 1
            mixed = {**dict(np.load(scratch / other / "checkpoint.npz")), "header": np.load(io.BytesIO(good))["header"]}
            np.savez(file, **mixed)
            counts["of another solver, its state", resumed(folder, solver)] += 1
        for content in (b"", b"\x89PNG\r\n", b"SQLite format 3\0" * 99, rng.bytes(4096), b"{}", b"PK\5\6" + bytes(18)):
            file.write_bytes(content)
            counts["of another program", resumed(folder, solver)] += 1
        np.savez(file, header=np.zeros(3), tree=np.zeros(3))
        counts["of another program", resumed(folder, solver)] += 1
        file.unlink()
        file.mkdir()
        counts["of another program", resumed(folder, solver)] += 1
        file.rmdir()
        file.write_bytes(good)
        counts["put back", resumed(folder, solver)] += 1
    return counts


# -- several processes -------------------------------------------------------------------------------------------------


def kept_with_others(folder: Path) -> str:
    try:
        result = keep("gd", folder, END)
    except StoreError as error:
        return "clear error" if "another process is writing into" in str(error) else f"UNCLEAR ERROR: {error}"
    return "right bits" if is_same(whole("gd"), result) else "OTHER BITS"


def compared_with_others(folder: Path) -> str:
    def ends(at: Path | None) -> list[Any]:
        grid = cells([load("himmelblau"), load("beale")], ["gd", "lbfgs"], 2, max_iterations=20)
        return [run.data["x"] for run in run_cells(grid, at)]

    return "right bits" if ends(folder) == ends(None) else "OTHER BITS"


def listed_with_others(folder: Path) -> str:
    paths = [[found.path for found in stored_runs(folder)] for _ in range(20)]
    return "right list" if paths == 20 * [["a", "b"]] else f"OTHER LIST: {paths}"


def together(each: int, rng: np.random.Generator, scratch: Path) -> Counts:
    counts: Counts = Counter()
    rounds = max(2, each // 30)
    for name in "ab":
        keep("gd", scratch / "list" / name)
    with PROCESSES.Pool(4) as pool:
        for k in range(rounds):
            one, grid = scratch / f"run-{k}", scratch / f"grid-{k}"
            counts.update(("four processes, one run", end) for end in pool.map(kept_with_others, 4 * [one], 1))
            counts["four processes, one run, afterwards", left_behind(one) or resumed(one, "gd")] += 1
            counts.update(("four processes, one grid", end) for end in pool.map(compared_with_others, 4 * [grid], 1))
            lists = pool.map_async(listed_with_others, 4 * [scratch / "list"], 1)
            while not lists.ready():
                (scratch / "list" / INDEX).unlink(missing_ok=True)
                lists.wait(0.01)
                (scratch / "list" / INDEX).write_bytes(rng.bytes(int(rng.integers(9000))))
                lists.wait(0.01)
            counts.update(("an index deleted and damaged", end) for end in lists.get())
    return counts


CAMPAIGNS = {each.__name__: each for each in (full, refused, damaged, foreign, together)}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--each", type=int, default=300, help="about how often each thing happens")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--only", default=",".join(CAMPAIGNS), help="campaigns, separated by commas")
    given = parser.parse_args()
    counts: Counts = Counter()
    for name in given.only.split(","):
        with tempfile.TemporaryDirectory() as scratch:
            counts += CAMPAIGNS[name](given.each, np.random.default_rng(given.seed), Path(scratch))
        print(name, file=sys.stderr, flush=True)
    print(table(["what", "how it ended", "times"], [[what, end, str(k)] for (what, end), k in sorted(counts.items())]))
    failed = wrong(counts).total()
    print(f"\n{counts.total()} in all, {failed} of them wrong")
    sys.exit(bool(failed))


if __name__ == "__main__":
    main()
