"""Langevin chains on Mueller-Brown: whole runs of the sampler against a jitted JAX scan, float64, one core.

    python benchmarks/langevin.py [--chains 10000] [--steps 1000]

Both draw their noise anew in every step, keep nothing but the last states, and are warm. The mean objective of the last
states shows that they sample the same law.
"""

from __future__ import annotations

import argparse
import math
import time
from collections.abc import Callable
from statistics import median

import numpy as np
from _timing import pin, readable, table

import ncsolve as nc

BETA, ETA, ROUNDS = 0.05, 1e-5, 5


def ours(backend: str, chains: int, steps: int) -> Callable[[], np.ndarray]:
    problem = nc.Problem(nc.load("mueller-brown").objective, start=[-0.5, 1.4])  # without bounds, as the scan
    options = {"chains": chains, "step_size": ETA, "inverse_temperature": BETA, "thin": steps}

    def run() -> np.ndarray:
        samples = nc.solve(problem, "langevin", options=options, max_iterations=steps, backend=backend).samples
        return samples[-1]

    return run


def jax_scan(chains: int, steps: int) -> Callable[[], np.ndarray]:
    import jax
    import jax.numpy as jnp

    jax.config.update("jax_enable_x64", True)
    A = np.array([-200.0, -100, -170, 15])
    a, b, c = np.array([-1.0, -1, -6.5, 0.7]), np.array([0.0, 0, 11, 0.6]), np.array([-10.0, -10, -6.5, 0.7])
    p, q = np.array([1.0, 0, -0.5, -1]), np.array([0.0, 0.5, 1.5, 1])

    def f(point):
        x, y = point[0] - p, point[1] - q
        return jnp.sum(A * jnp.exp(a * x * x + b * x * y + c * y * y))

    gradient = jax.vmap(jax.grad(f))
    scale = math.sqrt(2 * ETA / BETA)

    def step(points, key):
        return points - ETA * gradient(points) + scale * jax.random.normal(key, points.shape), None

    @jax.jit
    def scan(seed):
        points = jnp.tile(jnp.array([-0.5, 1.4]), (chains, 1))
        return jax.lax.scan(step, points, jax.random.split(jax.random.PRNGKey(seed), steps))[0]

    return lambda: np.asarray(scan(0).block_until_ready())


def noise(chains: int, steps: int) -> dict[str, float]:
    """Seconds per step for the noise alone: a new array, a given one, and twenty steps at once."""
    rng, one, block = np.random.default_rng(0), np.empty((chains, 2)), np.empty((20, chains, 2))
    draws = {
        "a new array": (lambda: rng.standard_normal((chains, 2)), 1),
        "out=": (lambda: rng.standard_normal(out=one), 1),
        "20 steps at once": (lambda: rng.standard_normal(out=block), 20),
    }
    return {name: best(draw, max(1, steps // (10 * size))) / size for name, (draw, size) in draws.items()}


def best(call: Callable[[], object], loops: int) -> float:
    seconds = []
    for _ in range(ROUNDS):
        start = time.perf_counter()
        for _ in range(loops):
            call()
        seconds.append((time.perf_counter() - start) / loops)
    return min(seconds)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--chains", type=int, default=10_000)
    parser.add_argument("--steps", type=int, default=1000)
    chains, steps = (given := parser.parse_args()).chains, given.steps
    pin()
    runs = {
        "ncsolve, numba": ours("numba", chains, steps),
        "ncsolve, numpy": ours("numpy", chains, steps),
        "jax scan": jax_scan(chains, steps),
    }
    oracle = nc.compile(nc.load("mueller-brown"))
    energies = {name: float(oracle.value(run()).mean()) for name, run in runs.items()}  # warms up, too
    seconds: dict[str, list[float]] = {name: [] for name in runs}
    for _ in range(ROUNDS):
        for name, run in runs.items():
            start = time.perf_counter()
            run()
            seconds[name].append(time.perf_counter() - start)
    reference = median(seconds["jax scan"])
    rows = [
        [name, readable(median(times) / steps), f"{steps / median(times):.0f}", f"{reference / median(times):.2f}",
         f"{energies[name]:.2f}"]
        for name, times in seconds.items()
    ]  # fmt: skip
    print(f"{chains} chains x {steps} steps:\n")
    print(table(["", "a step", "steps a second", "speed over jax", "mean objective"], rows))
    print("\nThe noise alone:\n")
    print(table(["", "a step"], [[name, readable(each)] for name, each in noise(chains, steps).items()]))


if __name__ == "__main__":
    main()
