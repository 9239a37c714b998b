"""The published updates, each in a few lines of NumPy: independent of the solvers that they are compared with."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

import numpy as np

Gradient = Callable[[np.ndarray], np.ndarray]


def gd(x, gradient: Gradient, eta):
    while True:
        x = x - eta * gradient(x)
        yield x


def momentum(x, gradient, eta, beta=0.9):
    """[Polyak 1964]"""
    before = x
    while True:
        x, before = x - eta * gradient(x) + beta * (x - before), x
        yield x


def nag(y, gradient, eta, beta=0.9):
    """[Nesterov 1983], the points y at which gradients are taken; beta constant."""
    x = y
    while True:
        x, before = y - eta * gradient(y), x
        y = x + beta * (x - before)
        yield y


def fista(y, gradient, eta):
    """[Beck & Teboulle 2009, eqs. 4.1-4.3] without a penalty, the points y."""
    x, t = y, 1.0
    while True:
        x, before = y - eta * gradient(y), x
        t, last = (1 + np.sqrt(1 + 4 * t * t)) / 2, t
        y = x + (last - 1) / t * (x - before)
        yield y


def ogm(y, gradient, eta):
    """[Kim & Fessler 2016, Alg. OGM2] without an end, the points y; theta_0 = 1."""
    z, t = y, 1.0
    while True:
        z, before = y - eta * gradient(y), z
        t, last = (1 + np.sqrt(1 + 4 * t * t)) / 2, t
        y = z + (last - 1) / t * (z - before) + last / t * (z - y)
        yield y


def tmm(y, gradient, eta, m=0.02):
    """[Van Scoy, Freeman & Lynch 2018, eq. 9], the points y, eta = 1/L."""
    rho = 1 - np.sqrt(m * eta)
    beta, gamma = rho**2 / (2 - rho), rho**2 / ((1 + rho) * (2 - rho))
    u = before = y
    while True:
        u, before = (1 + beta) * u - beta * before - (1 + rho) * eta * gradient(y), u
        y = (1 + gamma) * u - gamma * before
        yield y


def adagrad(x, gradient, eta, delta=1e-8):
    """[Duchi, Hazan & Singer 2011], diagonal"""
    seen = []
    while True:
        seen.append(gradient(x))
        x = x - eta * seen[-1] / (delta + np.sqrt(np.sum(np.square(seen), axis=0)))
        yield x


def adagrad_norm(x, gradient, eta, b0=0.5):
    """[Ward, Wu & Bottou 2019, Alg. 1]"""
    b2 = b0**2
    while True:
        g = gradient(x)
        b2 = b2 + np.linalg.norm(g) ** 2
        x = x - eta / np.sqrt(b2) * g
        yield x


def rmsprop(x, gradient, eta, rho=0.9, epsilon=1e-8):
    """[Tieleman & Hinton 2012]"""
    mean_square = np.zeros_like(x)
    while True:
        g = gradient(x)
        mean_square = rho * mean_square + (1 - rho) * g**2
        x = x - eta * g / (np.sqrt(mean_square) + epsilon)
        yield x


def adam(theta, gradient, alpha, beta1=0.9, beta2=0.999, epsilon=1e-8, amsgrad=False, decay=0.0):
    """[Kingma & Ba 2015, Alg. 1; Loshchilov & Hutter 2019, Alg. 2]; amsgrad keeps the largest corrected v"""
    m = v = largest = np.zeros_like(theta)
    t = 0
    while True:
        t += 1
        g = gradient(theta)
        m = beta1 * m + (1 - beta1) * g
        v = beta2 * v + (1 - beta2) * g**2
        m_hat, v_hat = m / (1 - beta1**t), v / (1 - beta2**t)
        largest = np.maximum(largest, v_hat) if amsgrad else v_hat
        theta = theta - alpha * (m_hat / (np.sqrt(largest) + epsilon) + decay * theta)
        yield theta


def amsgrad_as_published(x, gradient, alpha, beta1=0.9, beta2=0.999, epsilon=1e-8):
    """[Reddi, Kale & Kumar 2018, Alg. 2], without bias correction"""
    m = v = largest = np.zeros_like(x)
    while True:
        g = gradient(x)
        m, v = beta1 * m + (1 - beta1) * g, beta2 * v + (1 - beta2) * g**2
        largest = np.maximum(largest, v)
        x = x - alpha * m / (np.sqrt(largest) + epsilon)
        yield x


def aggmo(x, gradient, eta, betas=(0.0, 0.9, 0.99)):
    """[Lucas et al. 2019, eq. 3]"""
    velocities = [np.zeros_like(x) for _ in betas]
    while True:
        g = gradient(x)
        velocities = [beta * v - g for beta, v in zip(betas, velocities, strict=True)]
        x = x + eta / len(betas) * np.sum(velocities, axis=0)
        yield x


def svrg(snapshot, gradient_of_row, N, eta, draws):
    """[Johnson & Zhang 2013, Alg. 1, option I]; `draws` has the rows of one inner loop after another"""
    for inner in draws:
        w, mean = snapshot, np.mean([gradient_of_row(snapshot, i) for i in range(N)], axis=0)
        for i in inner:
            w = w - eta * (gradient_of_row(w, i) - gradient_of_row(snapshot, i) + mean)
        snapshot = w
        yield w


def saga(x, gradient_of_row, N, eta, draws):
    """[Defazio, Bach & Lacoste-Julien 2014, Sec. 2]; the iterate after each epoch of draws"""
    table = [gradient_of_row(x, i) for i in range(N)]
    for epoch in draws:
        for j in epoch:
            new = gradient_of_row(x, j)
            x = x - eta * (new - table[j] + np.mean(table, axis=0))
            table[j] = new
        yield x


Update = Callable[..., Iterator[np.ndarray]]
UPDATES: Mapping[str, tuple[Update, str, dict[str, Any]]] = {
    "gd": (gd, "gd", {}),
    "momentum": (momentum, "momentum", {}),
    "nag": (nag, "nag", {"momentum": 0.9, "restart": False}),
    "fista": (fista, "nag", {"restart": False}),
    "ogm": (ogm, "ogm", {"restart": False}),
    "tmm": (tmm, "tmm", {"strong_convexity": 0.02}),
    "adagrad": (adagrad, "adagrad", {}),
    "adagrad-norm": (adagrad_norm, "adagrad", {"norm": True, "initial_accumulator": 0.25, "epsilon": 0.0}),
    "rmsprop": (rmsprop, "rmsprop", {}),
    "adam": (adam, "adam", {}),
    "amsgrad": (lambda *a: adam(*a, amsgrad=True), "adam", {"amsgrad": True}),
    "amsgrad as published": (amsgrad_as_published, "adam", {"amsgrad": True, "bias_correction": False}),
    "adamw": (lambda *a: adam(*a, decay=0.1), "adam", {"weight_decay": 0.1}),
    "aggmo": (aggmo, "aggmo", {}),
}
"""What is published, the solver that shall do the same, and its options; all take x, the gradient and the step size."""

STEP_SIZES = {"adagrad": 0.3, "adagrad-norm": 0.5, "rmsprop": 0.003, "adam": 0.02, "amsgrad": 0.02, "adamw": 0.02}
"""On problems whose curvature is about 1; 0.02 elsewhere. rmsprop is not to reach its cycle, which is chaotic."""
