"""PSO1."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from functools import partial
from typing import Any, ClassVar

import numpy as np

from ncsolve.problem import load
from ncsolve.theory import NOT_APPLICABLE, VIOLATED, Case, Claim, Study, Theorem
from ncsolve.theory.statistics import expectation_at_most, frequencies
from ncsolve.theory.study import Refused

PARTICLES, MOVES, CELLS = 400, 20, 12
SIZE = 1e-30
"""Of the swarm: far from the bounds; around 0 nothing is lost to rounding."""


class SwarmStability(Theorem):
    """Around fixed attractors a particle swarm converges in mean square, in a region of its three coefficients.

    $$v_+ = w v - \\theta x, \\quad x_+ = x + v_+, \\quad \\theta = c_1 r_1 + c_2 r_2: \\qquad
    \\begin{pmatrix} E x_+^2 \\\\ E x_+ x \\\\ E x^2 \\end{pmatrix} = \\begin{pmatrix}
    E(1 + w - \\theta)^2 & -2w(1 + w - E\\theta) & w^2 \\\\ 1 + w - E\\theta & -w & 0 \\\\ 1 & 0 & 0 \\end{pmatrix}
    \\begin{pmatrix} E x^2 \\\\ E x x_- \\\\ E x_-^2 \\end{pmatrix}$$

    x counted from the attractor p = g, E theta = (c1 + c2)/2, E theta^2 = (c1^2 + c2^2)/3 + c1 c2/2. The region is
    where the spectral radius of the matrix is below 1: for c1 = c2, where c1 + c2 < 24 (1 - w^2)/(7 - 5 w). The solver
    moves a small swarm around attractors that are frozen at 0: theta, recovered from each move, has the law of c1 r1 +
    c2 r2, chi-square over all particles, coordinates and moves; and E x^2 after 10 and 20 moves is what the recursion
    says or less, by betting.

    Proof: theta is independent of x and x-; take the mean of the square of x+ = (1 + w - theta) x - w x-, and of x+ x.
    """

    id: ClassVar[str] = "PSO1"
    name: ClassVar[str] = "pso-stability"
    kind: ClassVar[str] = "identity"
    solvers: ClassVar[tuple[str, ...]] = ("pso",)
    assumptions: ClassVar[tuple[str, ...]] = ("attractors are fixed", "spectral radius < 1", "0 lies within the bounds")
    demand: ClassVar[str] = "schedule = constant, particles = 400"
    reference: ClassVar[str] = "Poli 2009; Clerc & Kennedy 2002"
    horizon: ClassVar[int] = 2

    def refusal(self, study: Study) -> str:
        lower, upper = study.oracle.lower, study.oracle.upper
        if lower is None or upper is None or not ((lower < 0) & (upper > 0)).all():
            return "0 does not lie within the bounds."
        return ""

    def demands(self, study: Study) -> Mapping[str, Any]:
        w, c1, c2 = coefficients(study.make(study.options))
        if not c1 > 0 < c2:
            raise Refused("cognitive and social must be above 0.")
        radius = spectral_radius(w, c1, c2)
        if not radius < 1:
            said = f"inertia = {w:g}, cognitive = {c1:g} and social = {c2:g} have the spectral radius {radius:.4g}"
            raise Refused(f"{said}: the swarm is not stable.")
        return {"schedule": "constant", "particles": PARTICLES}

    def claims(self, study: Study) -> Iterable[Claim]:
        w, c1, c2 = coefficients(study.declared)
        moments, theta, expected = moment_matrix(w, c1, c2), [], np.ones(3)
        for k, (x, v, after) in enumerate(self.moves(study), 1):
            theta.append(((w * v - (after - x)) / x).ravel())
            expected = moments @ expected
            if k in (MOVES // 2, MOVES):
                yield expectation_at_most(f"x^2 after {k} moves", (after.ravel() / SIZE) ** 2, float(expected[0]), 2, k)
        edges = np.linspace(0.0, c1 + c2, CELLS + 1)
        law = np.diff(distribution(edges, c1, c2))
        seen = np.concatenate(theta)
        beyond = np.maximum(-seen, seen - c1 - c2).max()
        yield Claim.at_most("0 <= theta <= c1 + c2", beyond, 0.0, allowed=np.full(1, 1e-9 * (c1 + c2)))
        yield frequencies("theta", np.histogram(np.clip(seen, 0.0, c1 + c2), edges)[0], law)

    def moves(self, study: Study) -> Iterator[tuple[np.ndarray, np.ndarray, np.ndarray]]:
        """Positions, velocities and next positions of a swarm from SIZE at rest, whose attractors stay at 0."""
        rng, oracle = np.random.default_rng(study.seed), study.oracle
        state = study.solver.init(oracle, study.x0, rng)
        start = np.full_like(state.positions, SIZE)
        never = {"best_positions": 0 * start, "best_values": np.full(len(start), -1e300)}  # nothing is lower
        searching = {"x": oracle.upper / 2, "objective": -2e300, "ended": 0, "done": False, "idle": -10 * MOVES}
        state = replace(state, positions=start, velocities=0 * start, **never, **searching)
        for _ in range(MOVES):
            after = study.solver.step(oracle, state, rng)
            yield state.positions, state.velocities, after.positions
            state = after

    def positive(self) -> Iterable[Case]:
        yield Case(partial(load, "six-hump-camel"), witness=True)
        clerc = {"inertia": 0.729844, "cognitive": 1.49618, "social": 1.49618}
        yield Case(partial(load, "rastrigin"), options=clerc, seed=1)
        yield Case(partial(load, "six-hump-camel"), options={"inertia": 0.4, "cognitive": 0.5, "social": 2.0}, seed=2)

    def controls(self) -> Iterable[Case]:
        yield Case(partial(load, "six-hump-camel"), VIOLATED, sabotage={"inertia": 0.9})
        yield Case(partial(load, "six-hump-camel"), VIOLATED, sabotage={"social": 1.6 * 1.193147})
        unstable = {"inertia": 0.9, "cognitive": 1.0, "social": 1.0}
        yield Case(partial(load, "six-hump-camel"), NOT_APPLICABLE, options=unstable)


def coefficients(solver: Any) -> tuple[float, float, float]:
    """w, c1 and c2."""
    return solver.inertia, solver.cognitive, solver.social


def moment_matrix(w: float, c1: float, c2: float) -> np.ndarray:
    """Of (E x^2, E x x-, E x-^2), from a move to the next."""
    mean, square = (c1 + c2) / 2, (c1**2 + c2**2) / 3 + c1 * c2 / 2
    first = [(1 + w) ** 2 - 2 * (1 + w) * mean + square, -2 * w * (1 + w - mean), w**2]
    return np.array([first, [1 + w - mean, -w, 0.0], [1.0, 0.0, 0.0]])


def spectral_radius(w: float, c1: float, c2: float) -> float:
    return float(np.abs(np.linalg.eigvals(moment_matrix(w, c1, c2))).max())


def distribution(t: np.ndarray, c1: float, c2: float) -> np.ndarray:
    """P(c1 r1 + c2 r2 <= t), r1 and r2 uniform in [0, 1]."""
    ramps = [np.maximum(t - corner, 0.0) ** 2 for corner in (0.0, c1, c2, c1 + c2)]
    return np.asarray((ramps[0] - ramps[1] - ramps[2] + ramps[3]) / (2 * c1 * c2))
