"""The stability region of a swarm with fixed attractors, measured on the solver, against Poli's bound."""

from dataclasses import replace
from types import SimpleNamespace

import matplotlib.pyplot as plt
import numpy as np

from ncsolve_population.pso import PSO

SWARM, MOVES = 300, 60
never_better = SimpleNamespace(
    n=1, lower=None, upper=None, remaining=(np.inf, np.inf), value=lambda x: np.arange(1.0, len(x) + 1)
)


def settles(w, c):
    """Whether the mean square distance has fallen to a tenth after 60 moves."""
    solver = PSO(particles=SWARM, inertia=w, cognitive=c, social=c, patience=10**9)
    rng = np.random.default_rng(0)
    still = np.zeros((SWARM, 1))
    state = replace(
        solver.init(never_better, np.zeros(1), rng),
        x=still[0],
        positions=rng.uniform(-1, 1, (SWARM, 1)),
        velocities=still,
        best_positions=still,
        best_values=np.arange(SWARM) / SWARM,
        ended=0,
    )
    for _ in range(MOVES):
        state = replace(solver.step(never_better, state, rng), ended=0, done=False)
    return np.mean(state.positions**2) < 0.1 / 3


w, total = np.linspace(0, 0.99, 25), np.linspace(0.1, 5, 25)
measured = np.array([[settles(a, b / 2) for a in w] for b in total])
figure, axes = plt.subplots(figsize=(6, 4), layout="constrained")
axes.pcolormesh(w, total, measured, cmap="Blues", vmin=0, vmax=2, shading="nearest")
axes.plot(w, 24 * (1 - w**2) / (7 - 5 * w), "k", label="$24 (1 - w^2) / (7 - 5 w)$")
axes.plot(PSO().inertia, PSO().cognitive + PSO().social, "o", color="tab:red", label="default")
axes.set(xlabel="$w$", ylabel="$c_1 + c_2$", ylim=(0, 5), title="Shaded: the swarm settles within 60 moves")
axes.legend()
plt.show()
