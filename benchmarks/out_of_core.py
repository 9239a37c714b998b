"""A logistic loss over 10^7 x 20 numbers in a file: gradient against NumPy over the same memmap, and peak memory.

    python benchmarks/out_of_core.py [--rows 10000000] [--folder DIR]

Both read the same file, which lies in the page cache, in turns and on one core; peak memory is that of a process which
does nothing but evaluate our gradient.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np
import sympy as sp
from _timing import interleaved, pin, table

import ncsolve as nc

COLUMNS = 20


def write(folder: Path, rows: int) -> None:
    rng = np.random.default_rng(0)
    A = np.lib.format.open_memmap(folder / "A.npy", "w+", "float64", (rows, COLUMNS))
    y = np.lib.format.open_memmap(folder / "y.npy", "w+", "float64", (rows,))
    for k in range(0, rows, 100_000):
        A[k : k + 100_000] = rng.standard_normal(A[k : k + 100_000].shape)
        y[k : k + 100_000] = rng.choice([-1.0, 1.0], y[k : k + 100_000].shape)


def oracle(folder: Path, rows: int) -> nc.Oracle:
    i, j = sp.symbols("i j", integer=True)
    A, y = sp.IndexedBase("A", shape=(rows, COLUMNS)), sp.IndexedBase("y", shape=(rows,))
    w = sp.IndexedBase("w", shape=(COLUMNS,))
    margin = y[i] * sp.Sum(A[i, j] * w[j], (j, 0, COLUMNS - 1))
    loss = sp.Sum(sp.log(1 + sp.exp(-margin)), (i, 0, rows - 1)) / rows
    data = {A: folder / "A.npy", y: folder / "y.npy"}
    return nc.compile(nc.Problem(loss, data=data, start={w: np.zeros(COLUMNS)}))


def by_hand(folder: Path, rows: int):
    A, y = (np.load(folder / name, mmap_mode="r") for name in ("A.npy", "y.npy"))

    def gradient(w):
        z = y * (A @ w)
        return np.logaddexp(0, -z).mean(), A.T @ (-y / (1 + np.exp(z))) / rows

    return gradient


def peak(folder: Path, rows: int) -> None:
    oracle(folder, rows).value_and_gradient(np.full(COLUMNS, 0.1))
    (line,) = (line for line in Path("/proc/self/status").read_text().splitlines() if line.startswith("VmHWM"))
    print(int(line.split()[1]) / 1024)  # ru_maxrss would begin with that of the process that started this one


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--rows", type=int, default=10**7)
    parser.add_argument("--folder", type=Path)
    parser.add_argument("--peak", action="store_true", help=argparse.SUPPRESS)
    given = parser.parse_args()
    pin()
    if given.peak:
        return peak(given.folder, given.rows)
    with tempfile.TemporaryDirectory(dir=given.folder) as name:
        folder = Path(name)
        write(folder, given.rows)
        ours, peer = oracle(folder, given.rows).value_and_gradient, by_hand(folder, given.rows)
        points = [(w,) for w in np.random.default_rng(1).standard_normal((2, COLUMNS))]
        for (w,) in points:
            np.testing.assert_allclose(ours(w)[1], peer(w)[1], rtol=1e-9)
        seconds = interleaved({"ncsolve": (ours, points), "NumPy": (peer, points)}, 20)
        command = [sys.executable, __file__, "--peak", "--rows", str(given.rows), "--folder", name]
        memory = float(subprocess.run(command, capture_output=True, text=True, check=True).stdout)
    size = given.rows * (COLUMNS + 1) * 8e-6
    row = [f"{given.rows:.0e} x {COLUMNS}", f"{size:.0f} MB", *(f"{s:.2f} s" for s in seconds.values())]
    row += [f"{seconds['ncsolve'] / seconds['NumPy']:.2f}", f"{memory:.0f} MB"]
    print(table(["rows", "file", "value and gradient", "NumPy over the memmap", "ratio", "peak memory"], [row]))


if __name__ == "__main__":
    main()
