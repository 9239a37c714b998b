"""Perceptron with one hidden layer on handwritten digits: tanh, softmax, cross-entropy. [Alpaydin & Kaynak 1998]"""

import sympy as sp
from _digits import digits

import ncsolve as nc


def problem(
    hidden: int = 32, ridge: float = 1e-4, data: str = "", pixels: int = 8, rows: int = 0, dropout: float = 0.0
) -> nc.Problem:
    """Mean cross-entropy of 1437 images of 8 x 8 pixels (360 more are kept for testing), plus ridge/2 |W|^2.

    In mini-batches of 32, sgd (step_size=0.3, momentum=0.9) and adam (step_size=0.005) classify 98% of the test images
    rightly after 30 epochs, svrg (step_size=0.6) 97%: benchmarks/first_order.py. `data` is a folder with the four files
    of MNIST, whose images are wider: -p data=FOLDER -p pixels=28. `pixels` averages neighbours, `rows` keeps the first,
    `dropout` is the probability with which mini-batches leave a hidden unit out.
    """
    if hidden < 1 or ridge < 0:
        raise ValueError(f"hidden must be at least 1 and ridge at least 0, not {hidden} and {ridge}")
    table = digits(data, pixels, rows)
    count, width = table.features.shape
    classes = 10
    A, y = sp.IndexedBase("A", shape=(count, width)), sp.IndexedBase("y", shape=(count,))
    W1, b1 = sp.IndexedBase("W1", shape=(width, hidden)), sp.IndexedBase("b1", shape=(hidden,))
    W2, b2 = sp.IndexedBase("W2", shape=(hidden, classes)), sp.IndexedBase("b2", shape=(classes,))
    k, d, h, c = sp.symbols("k d h c", integer=True)
    r = sp.Symbol("r")

    activation = sp.tanh(sp.Sum(A[k, d] * W1[d, h], (d, 0, width - 1)) + b1[h])

    def logit(c: sp.Expr) -> sp.Expr:
        return sp.Sum(activation * W2[h, c], (h, 0, hidden - 1)) + b2[c]

    entropy = sp.log(sp.Sum(sp.exp(logit(c)), (c, 0, classes - 1))) - logit(y[k])
    weights = sp.Sum(W1[d, h] ** 2, (d, 0, width - 1), (h, 0, hidden - 1)) + sp.Sum(
        W2[h, c] ** 2, (h, 0, hidden - 1), (c, 0, classes - 1)
    )
    return nc.Problem(
        sp.Sum(entropy, (k, 0, count - 1)) / count + r / 2 * weights,
        variables=[W1, b1, W2, b2],
        data={A: table.features, y: table.labels},
        parameters={r: ridge},
        start={W1: nc.Xavier(), b1: 0.0, W2: nc.Xavier(), b2: 0.0},
        samples=k,
        dropout={W2: nc.Dropout(dropout)} if dropout else None,
    )
