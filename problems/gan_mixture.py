"""GAN on two Gaussians in the plane: generator and discriminator with one hidden layer. [Goodfellow et al. 2014]"""

from collections.abc import Callable

import numpy as np
import sympy as sp

import ncsolve as nc


def problem(samples: int = 64, hidden: int = 6, ridge: float = 1e-3, distance: float = 2.0) -> nc.MinMax:
    """min over G, max over D of mean log s(D(a)) + mean log s(-D(G(z))) - ridge/2 |D|^2 + ridge/20 |G|^2.

    s is the sigmoid. The data a lie around (-distance/2, 0) and (distance/2, 0) with standard deviation 0.2; the noise
    z is standard normal. The ridges keep the players from turning around each other for ever; much larger ones let both
    fade to nothing. The data have standard deviations 1.04 and 0.19; with optimistic-gda (step_size 0.3, 3000
    iterations, seeds 0 to 2) what is generated has 1.01 to 1.04 and 0.14 to 0.20, half of it on each side.
    """
    rng = np.random.default_rng(0)
    sides = np.where(np.arange(samples) % 2, 1.0, -1.0)[:, None] * [distance / 2, 0.0]
    a, z = sp.IndexedBase("a", shape=(samples, 2)), sp.IndexedBase("z", shape=(samples, 2))
    i, j, h = sp.symbols("i j h", integer=True)

    def layer(name: str, rows: int, columns: int) -> tuple[sp.IndexedBase, sp.IndexedBase]:
        return sp.IndexedBase(f"{name}_W", shape=(rows, columns)), sp.IndexedBase(f"{name}_b", shape=(columns,))

    (G1, g1), (G2, g2) = layer("G1", 2, hidden), layer("G2", hidden, 2)
    (D1, d1), D2, d2 = layer("D1", 2, hidden), sp.IndexedBase("D2", shape=(hidden,)), sp.Symbol("d2")

    def generated(c: int) -> sp.Expr:
        return sp.Sum(sp.tanh(sp.Sum(z[i, j] * G1[j, h], (j, 0, 1)) + g1[h]) * G2[h, c], (h, 0, hidden - 1)) + g2[c]

    def judged(x: Callable[[int], sp.Expr]) -> sp.Expr:
        return sp.Sum(sp.tanh(sum(x(k) * D1[k, h] for k in range(2)) + d1[h]) * D2[h], (h, 0, hidden - 1)) + d2

    real = sp.log(1 + sp.exp(-judged(lambda k: a[i, k])))
    fake = sp.log(1 + sp.exp(judged(generated)))

    def square(W: sp.IndexedBase) -> sp.Expr:
        indices = sp.symbols(f"p:{len(W.shape)}", integer=True)
        return sp.Sum(W[indices] ** 2, *((p, 0, size - 1) for p, size in zip(indices, W.shape, strict=True)))

    players = ([G1, g1, G2, g2], [D1, d1, D2])
    ridges = ridge / 20 * sum(map(square, players[0])) - ridge / 2 * (sum(map(square, players[1])) + d2**2)
    return nc.MinMax(
        -sp.Sum(real + fake, (i, 0, samples - 1)) / samples + ridges,
        min=players[0],
        max=[*players[1], d2],
        data={a: sides + 0.2 * rng.standard_normal((samples, 2)), z: rng.standard_normal((samples, 2))},
        start={W: nc.Normal(0, 0.5) for W in [*players[0], *players[1]]} | {d2: 0.0},
        samples=i,
    )
