"""The page of 10 runs of 10 000 iterations: how large it is, and how soon it is drawn in headless Chromium.

    python benchmarks/page.py [--iterations 10000] [--repeats 5]

`drawn` is the time from the navigation to the second frame after loading; `cpu` is what the page's thread computed.
Both are the least of the repeats. Needs Chromium and chromedriver.
"""

import argparse
import importlib.util
import sys
import tempfile
import time
from pathlib import Path

import ncsolve as nc
from ncsolve.report.page import Asked, make_page

SOLVERS = ("langevin", "mala")  # samplers never stand still: no path is harder to draw


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--iterations", type=int, default=10_000)
    parser.add_argument("--repeats", type=int, default=5)
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        runs, page = Path(folder) / "runs", Path(folder) / "report.html"
        for seed in range(5):
            for solver in SOLVERS:
                limits = {"max_iterations": asked.iterations, "gradient_tolerance": 1e-300}
                nc.solve(nc.load("himmelblau"), solver, seed=seed, checkpoint=runs / f"{solver}-{seed}", **limits)
        start = time.perf_counter()
        made = make_page([runs], Asked())
        page.write_text(made.html, encoding="utf-8")
        seconds = time.perf_counter() - start
        drawn, cpu = opened(page, asked.repeats)
    size = len(made.html.encode()) / 1e6
    print(f"{made.runs} runs of {asked.iterations} iterations, made in {seconds:.1f} s")
    print(f"size   {size:6.2f} MB  (at most 3)")
    print(f"drawn  {drawn:6.2f} s   (at most 1)")
    print(f"cpu    {cpu:6.2f} s")
    return int(size > 3 or drawn > 1)


def opened(page: Path, repeats: int) -> tuple[float, float]:
    """Least time until the page is drawn, and least time of its thread (s)."""
    where = Path(__file__).parents[1] / "tests" / "report" / "conftest.py"
    spec = importlib.util.spec_from_file_location("browser", where)
    browser = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(browser)
    drawn, cpu = [], []
    with browser.chromium() as window:
        window.emulate("Performance.enable", timeDomain="threadTicks")
        for _ in range(repeats):
            window.open(page)  # returns two frames after the page is loaded
            drawn.append(window.run("return performance.now()") / 1000)
            metrics = window.emulate("Performance.getMetrics")["metrics"]
            cpu.append(next(each["value"] for each in metrics if each["name"] == "TaskDuration"))
            assert window.errors() == []
    return min(drawn), min(cpu)


if __name__ == "__main__":
    sys.exit(main())
