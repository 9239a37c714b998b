"""What a problem declares, and that every wrong declaration says what is wrong."""

from __future__ import annotations

import pickle

import numpy as np
import pytest
import sympy as sp
from numpy.testing import assert_array_equal

from ncsolve.errors import ProblemError
from ncsolve.problem import Maximum, Minimum, Normal, Problem, Saddle

x, y, lam = sp.symbols("x y lam")
i, j, k = sp.symbols("i j k", integer=True)
v = sp.IndexedBase("v", shape=(3,))
A = sp.IndexedBase("A", shape=(4, 3))
row = sp.IndexedBase("row", shape=(4,))
table = np.arange(12).reshape(4, 3)
f = (x - 1) ** 2 + y**2
residual = sp.Sum((sp.Sum(A[i, j] * v[j], (j, 0, 2)) - lam) ** 2, (i, 0, 3))


def test_variables_are_the_free_symbols_in_natural_order():
    x1, x2, x10 = sp.symbols("x1 x2 x10")
    problem = Problem(x10**2 + x2**2 * v[0] + x1)
    assert [(u.name, u.shape, u.offset, u.size, u.slice) for u in problem.variables] == [
        ("v", (3,), 0, 3, slice(0, 3)),
        ("x1", (), 3, 1, slice(3, 4)),
        ("x2", (), 4, 1, slice(4, 5)),
        ("x10", (), 5, 1, slice(5, 6)),
    ]
    assert problem.n == 6


def test_variables_may_be_named_in_another_order_and_need_not_occur():
    problem = Problem(f, variables=["y", x, lam])
    assert [u.name for u in problem.variables] == ["y", "x", "lam"]


def test_data_and_parameters_are_not_variables():
    problem = Problem(residual, data={A: table}, parameters={lam: sp.Rational(1, 2)})
    assert [u.name for u in problem.variables] == ["v"]
    assert problem.parameters == {lam: 0.5}
    assert problem.data[A].dtype == np.int64
    assert problem.data[A].flags.c_contiguous
    assert not problem.data[A].flags.writeable


@pytest.mark.parametrize("objective", [x, v[0], sp.Symbol("p", positive=True), sp.Piecewise((x, x > 0), (-x, True))])
def test_the_smallest_objectives(objective):
    assert Problem(objective).objective is objective


def test_data_are_copied():
    mine = table.astype(float)
    problem = Problem(residual, data={"A": mine}, parameters={"lam": 1})
    mine[0, 0] = 99.0
    assert problem.data[A][0, 0] == 0.0


def test_data_that_index_become_integers():
    problem = Problem(sp.Sum(v[row[k]] ** 2, (k, 0, 3)), data={row: [0.0, 1.0, 2.0, 2.0]})
    assert problem.data[row].dtype == np.int64


def test_bound_indices_are_not_free_and_ends_may_use_outer_ones():
    n = sp.Idx("n", 3)
    problem = Problem(sp.Sum((v[i] - v[j]) ** 2, (j, i + 1, 2), (i, 0, 1)) + sp.Sum(v[n], n) + i_as_variable())
    assert [u.name for u in problem.variables] == ["i", "v"]


def i_as_variable():
    """A variable may have the name of an index: the two never meet."""
    return sp.Symbol("i") ** 2


def test_indexed_base_takes_its_shape_from_an_array_start():
    w = sp.IndexedBase("w")
    objective = sp.Sum(w[i, j] ** 2, (i, 0, 1), (j, 0, 2))
    assert Problem(objective, start={w: np.ones((2, 3))}).variables[0].shape == (2, 3)
    assert Problem(objective, start=np.ones((2, 3))).n == 6


def test_matrix_symbol_passes_through():
    M = sp.MatrixSymbol("M", 3, 1)
    B = sp.MatrixSymbol("B", 3, 3)
    problem = Problem(M.T * B * M, data={B: np.eye(3)})
    assert [(u.name, u.shape) for u in problem.variables] == [("M", (3, 1))]
    assert Problem(M[0, 0] ** 2 + M[1, 0] ** 2).n == 3


def test_data_of_a_column_may_be_flat():
    M, b = sp.MatrixSymbol("M", 3, 1), sp.MatrixSymbol("b", 3, 1)
    assert Problem(M.T * b, data={b: [1, 2, 3]}).data[b].shape == (3, 1)


def test_one_by_one_containers_are_scalars():
    assert Problem(sp.Matrix([[f]])).objective == f
    assert Problem(np.array(f)).objective == f


@pytest.mark.parametrize("size", [100_000])
def test_long_flat_expression(size):
    symbols = sp.symbols(f"x0:{size}")
    problem = Problem(sp.Add(*symbols))
    assert problem.n == size
    assert problem.variables[-1].name == f"x{size - 1}"


def test_deep_expression_does_not_recurse():
    deep = x
    for _ in range(5000):
        deep = sp.Add(sp.sin(deep, evaluate=False), y, evaluate=False)
    assert Problem(deep).n == 2


def test_pack_and_unpack_are_inverse():
    problem = Problem(residual + x**2, data={A: table}, parameters={lam: 1})
    packed = problem.pack({v: [1, 2, 3], "x": sp.Rational(1, 2)})
    assert_array_equal(packed, [1, 2, 3, 0.5])
    values = problem.unpack(packed)
    assert_array_equal(values["v"], [1, 2, 3])
    assert values["x"] == 0.5
    assert isinstance(values["x"], float)
    assert_array_equal(problem.pack(packed), packed)
    assert_array_equal(problem.pack({v: 7, x: 0}), [7, 7, 7, 0])
    assert problem.unpack(np.ones((5, 4)))["v"].shape == (5, 3)


def test_bounds_are_packed_and_none_without_any():
    problem = Problem(f, bounds={x: (None, 2), "y": (-1, None)})
    assert_array_equal(problem.lower, [-np.inf, -1])
    assert_array_equal(problem.upper, [2, np.inf])
    assert Problem(f).lower is None
    assert Problem(f, bounds={x: (None, None)}).upper is None
    assert_array_equal(Problem(sp.Sum(v[i], (i, 0, 2)), bounds={v: (0, [1, 2, 3])}).upper, [1, 2, 3])


def test_known_points_and_constants():
    problem = Problem(
        f, known=[Minimum({x: 1, y: 0}, value=0), Saddle([0, 1], index=1), Maximum({x: 0, y: 0})], constants={"pl": 2}
    )
    assert [(p.kind, p.index, p.value) for p in problem.known] == [
        ("minimum", 0, 0.0),
        ("saddle", 1, None),
        ("maximum", None, None),
    ]
    assert problem.constants == {"pl": 2.0}


def test_with_parameters_shares_what_was_derived_but_not_what_was_known():
    problem = Problem(lam * f, parameters={lam: 1}, known=[Minimum({x: 1, y: 0})], constants={"smoothness": 2})
    problem.derived["graph"] = "expensive"
    other = problem.with_parameters({lam: 0.2})
    assert other.parameters == {lam: 0.2}
    assert problem.parameters == {lam: 1.0}
    assert other.derived is problem.derived
    assert (other.known, other.constants) == ((), {})
    assert problem.with_parameters({"lam": 1}).known == problem.known


def test_samples_and_blocks():
    problem = Problem(residual + x**2, data={A: table}, parameters={lam: 1}, samples="i", blocks=[v, [x]])
    assert problem.samples == i
    assert problem.blocks == (("v",), ("x",))
    assert Problem(residual, data={A: table}, parameters={lam: 1}, samples=i).samples == i


def test_what_is_derived_is_made_once_for_all_parameters_or_for_each():
    problem, made = Problem(x**2 * lam, parameters={lam: 2}), []

    def count():
        made.append(1)
        return len(made)

    other = problem.with_parameters({lam: 3})
    assert [p.once("shared", count) for p in (problem, other, problem)] == [1, 1, 1]
    own = [p.once(("own", *p.parameters.values()), count) for p in (problem, other, problem, other)]
    assert own == [2, 3, 2, 3]


def test_a_problem_is_immutable_and_pickles_without_what_was_derived():
    problem = Problem(f, name="bowl", start={x: Normal(0, 1)})
    problem.derived["code"] = lambda: None
    with pytest.raises(AttributeError, match="immutable"):
        problem.name = "other"
    copy = pickle.loads(pickle.dumps(problem))
    assert repr(copy) == repr(problem) == "<Problem 'bowl': x, y; n = 2>"
    assert copy.derived == {}
    renamed = problem.replaced(name="dish", source="bowl.py")
    assert (renamed.name, renamed.source, renamed.derived is problem.derived) == ("dish", "bowl.py", True)


WRONG = {
    # The objective
    "text": (lambda: Problem("x**2"), "The objective is the text 'x**2', not an expression. Write it with symbols: "),
    "number": (lambda: Problem(3.5), "The objective has no variables"),
    "constant": (lambda: Problem(lam, parameters={lam: 1}), "The objective has no variables"),
    "none": (lambda: Problem(None), "must be a scalar SymPy expression, not a NoneType."),
    "function": (lambda: Problem(lambda x: x), "not a function. Call it with symbols and pass what it returns."),
    "equation": (lambda: Problem(sp.Eq(x, y)), "The objective is a Equality (a condition)"),
    "bool": (lambda: Problem(True), "The objective is a bool (a condition)"),
    "list": (lambda: Problem([x, y]), "The objective is a list, not a scalar."),
    "tuple": (lambda: Problem((x, y)), "The objective is a tuple, not a scalar."),
    "array": (lambda: Problem(np.array([x, y])), "The objective is a ndarray of shape (2,), not a scalar."),
    "matrix": (
        lambda: Problem(sp.Matrix([x, y])),
        "The objective is a MutableDenseMatrix of shape (2, 1), not a scalar.",
    ),
    "matrix expression": (lambda: Problem(sp.MatrixSymbol("M", 2, 2)), "MatrixSymbol of shape (2, 2), not a scalar."),
    "bare base": (lambda: Problem(v), "The objective is a IndexedBase of shape (3,), not a scalar."),
    "base inside": (lambda: Problem(v * x), "'v' stands in the objective without an index. Write v[i]."),
    "complex": (lambda: Problem(x + sp.I * y), "The objective is complex: it contains I."),
    "undefined function": (lambda: Problem(sp.Function("g")(x)), "The function 'g' in the objective is undefined."),
    "loose index": (
        lambda: Problem(v[i] ** 2),
        "'i' is used as an index or as the limit of a sum, but no Sum binds it.",
    ),
    "loose Idx": (lambda: Problem(sp.Idx("q") * x), "'q' is used as an index"),
    "loose limit": (lambda: Problem(sp.Sum(v[i], (i, 0, k))), "'k' is used as an index or as the limit of a sum"),
    "two ranks": (
        lambda: Problem(sp.IndexedBase("w")[0] + sp.IndexedBase("w")[0, 1]),
        "'w' is used with ",
    ),
    "same name": (
        lambda: Problem(x + sp.Symbol("x", real=True)),
        "Two different symbols are called 'x': Symbol x and Symbol x (real).",
    ),
    "same name, other shape": (
        lambda: Problem(v[0] + sp.IndexedBase("v")[1]),
        "Two different symbols are called 'v': IndexedBase v and IndexedBase v of shape (3,).",
    ),
    "integer unknown": (lambda: Problem(sp.Symbol("m", integer=True) ** 2), "Variable 'm' is declared integer."),
    "imaginary unknown": (lambda: Problem(sp.Symbol("m", imaginary=True) ** 2), "Variable 'm' is declared not real."),
    "no shape": (
        lambda: Problem(sp.IndexedBase("w")[0]),
        """Variable 'w' needs a shape of positive integers, which () is not. Declare IndexedBase("w", shape=(10,))""",
    ),
    "symbolic shape": (lambda: Problem(sp.IndexedBase("w", shape=(k,))[0]), "which (k,) is not."),
    "empty shape": (lambda: Problem(sp.IndexedBase("w", shape=(0,))[0]), "which (0,) is not."),
    "symbolic matrix": (lambda: Problem(sp.Trace(sp.MatrixSymbol("M", k, k))), 'Declare MatrixSymbol("M", 10, 3)'),
    "rank of start": (
        lambda: Problem(sp.IndexedBase("w")[0], start={"w": [[1, 2]]}),
        "Variable 'w' has shape (1, 2), but is used with 1 index.",
    ),
    # variables
    "left out": (lambda: Problem(f, variables=[x]), "The objective also contains y, which is neither in variables"),
    "misspelt": (lambda: Problem(f, variables=[x, "yy"]), "variables: there is no symbol 'yy'. Did you mean 'y'?"),
    "twice": (lambda: Problem(f, variables=[x, y, x]), "variables: 'x' is listed twice."),
    "both": (
        lambda: Problem(f, variables=[x, y], parameters={y: 1}),
        "variables: 'y' is also under data or parameters.",
    ),
    "none at all": (lambda: Problem(f, variables=[]), "variables is empty"),
    "wrong type": (lambda: Problem(f, variables=[x, 3]), "variables: 3 is not a symbol. Give a symbol or its name."),
    "of other assumptions": (
        lambda: Problem(f, variables=[sp.Symbol("x", positive=True), y]),
        "variables: Symbol x (positive) is another symbol than the objective's Symbol x.",
    ),
    # parameters
    "parameter unknown": (lambda: Problem(f, parameters={lam: 1}), "parameters: there is no symbol 'lam'."),
    "parameter array": (lambda: Problem(f + v[0], parameters={v: 1}), "parameters: 'v' is an array."),
    "parameter complex": (lambda: Problem(f, parameters={y: 1j}), "parameters: 'y' is complex."),
    "parameter nan": (lambda: Problem(f, parameters={y: np.nan}), "parameters: 'y' contains nan."),
    "parameter text": (lambda: Problem(f, parameters={y: "1"}), "parameters: 'y' must be a number or an array"),
    "parameters type": (
        lambda: Problem(f, parameters=[y]),
        "parameters must be a dictionary {symbol: ...}, not a list.",
    ),
    "with_parameters": (
        lambda: Problem(f, parameters={y: 1}).with_parameters({"yy": 1}),
        "with_parameters: there is no parameter 'yy'. Did you mean 'y'? The parameters are y.",
    ),
    "with_parameters without any": (lambda: Problem(f).with_parameters({x: 1}), "There are no parameters."),
    # data
    "data unknown": (lambda: Problem(v[0], data={"vv": [1]}), "data: there is no symbol 'vv'. Did you mean 'v'?"),
    "data for a Symbol": (lambda: Problem(f, data={x: [1]}), "data: 'x' is a Symbol."),
    "data shape": (
        lambda: Problem(residual, data={A: table.T}, parameters={lam: 1}),
        "data: 'A' is declared with shape (4, 3), but its array has shape (3, 4).",
    ),
    "data rank": (
        lambda: Problem(x * sp.IndexedBase("B")[0], data={"B": table}),
        "data: 'B' has shape (4, 3), but is used with 1 indices.",
    ),
    "data nan": (
        lambda: Problem(v[0] * x, data={v: [1, np.nan, 2]}),
        "data: 'v' contains nan at [1]. Every number must be finite.",
    ),
    "data inf": (lambda: Problem(v[0] * x, data={v: [1, 0, -np.inf]}), "data: 'v' contains -inf at [2]."),
    "data complex": (lambda: Problem(v[0] * x, data={v: [1, 2, 1j]}), "data: 'v' is complex."),
    "data exact complex": (lambda: Problem(v[0] * x, data={v: [1, 2, sp.I]}), "data: 'v' is complex."),
    "data text": (
        lambda: Problem(v[0] * x, data={v: ["a", "b", "c"]}),
        "data: 'v' must be a number or an array of numbers",
    ),
    "data ragged": (
        lambda: Problem(v[0] * x, data={v: [[1], [2, 3]]}),
        "data: 'v' must be a number or an array of numbers",
    ),
    "data empty": (lambda: Problem(x * sp.IndexedBase("B")[0], data={"B": []}), "data: 'B' is empty"),
    "index not data": (
        lambda: Problem(v[row[0]]),
        "'row' is used as an index, so it must be given under data, as integers.",
    ),
    "index not integer": (
        lambda: Problem(v[row[0]], data={row: [0, 1, 0.5, 1]}),
        "data: 'row' is used as an index, so it must contain integers.",
    ),
    # bounds
    "bounds unknown": (
        lambda: Problem(f, bounds={"z": (0, 1)}),
        "bounds: there is no variable 'z'. The variables are x, y.",
    ),
    "bounds on a parameter": (
        lambda: Problem(f, parameters={y: 1}, bounds={y: (0, 1)}),
        "bounds: there is no variable 'y'.",
    ),
    "bounds on an element": (lambda: Problem(v[0] ** 2, bounds={v[0]: (0, 1)}), "bounds: v[0] is one element of 'v'."),
    "bounds not a pair": (
        lambda: Problem(f, bounds={x: 3}),
        "bounds: 'x' must be a pair (low, high), either side None, not 3.",
    ),
    "bounds crossed": (lambda: Problem(f, bounds={x: (2, 1)}), "bounds: 'x' has low > high: 2 > 1."),
    "bounds crossed in an array": (
        lambda: Problem(v[0], bounds={v: ([0, 0, 5], 4)}),
        "bounds: 'v[2]' has low > high: 5 > 4.",
    ),
    "bounds at infinity": (lambda: Problem(f, bounds={x: (np.inf, None)}), "bounds: 'x' has the bounds (inf, inf)"),
    "bounds nan": (
        lambda: Problem(f, bounds={x: (np.nan, 1)}),
        "bounds: 'x' contains nan. A side that is not bounded is None.",
    ),
    "bounds shape": (
        lambda: Problem(v[0], bounds={v: ([0, 0], 1)}),
        "bounds: 'v' has shape (2,), but it must be a number or an array of shape (3,).",
    ),
    "bounds type": (lambda: Problem(f, bounds=[(0, 1)]), "bounds must be a dictionary"),
    # start
    "start unknown": (lambda: Problem(f, start={"xx": 0}), "start: there is no variable 'xx'. Did you mean 'x'?"),
    "start shape": (
        lambda: Problem(v[0], start={v: [1, 2]}),
        "start: 'v' has shape (2,), but it must be a number or an array of shape (3,).",
    ),
    "start of a scalar": (
        lambda: Problem(f, start={x: [1, 2]}),
        "start: 'x' has shape (2,), but it must be one number.",
    ),
    "start vector": (
        lambda: Problem(f + v[0], start=[1, 2]),
        "start has shape (2,), but the variables v[3], x, y need (5,). To name them use {variable: value}.",
    ),
    "start nan": (lambda: Problem(f, start={x: np.nan}), "start: 'x' contains nan."),
    "start text": (
        lambda: Problem(f, start={x: "one"}),
        "start: 'x' must be a number or an array of numbers, not 'one'.",
    ),
    # known points and constants
    "known unknown": (
        lambda: Problem(f, known=[Minimum({"z": 0})]),
        "known: point 1 (minimum): there is no variable 'z'.",
    ),
    "known incomplete": (
        lambda: Problem(f, known=[Minimum({x: 1, y: 0}), Saddle({x: 0})]),
        "known: point 2 (saddle): there is no value for y. Every variable needs one.",
    ),
    "known shape": (lambda: Problem(f, known=[Minimum([1, 2, 3])]), "known: point 1 (minimum) has shape (3,)"),
    "known outside": (
        lambda: Problem(f, bounds={y: (1, 2)}, known=Minimum({x: 1, y: 0})),
        "known: point 1 (minimum) lies outside the bounds: y = 0 is not in [1, 2].",
    ),
    "known type": (lambda: Problem(f, known=[(1, 0)]), "known: (1, 0) is not a critical point."),
    "known number": (lambda: Problem(f, known=3), "known: 3 is not a critical point."),
    "known value": (
        lambda: Minimum({x: 0}, value="low"),
        "known: the value of a minimum must be a finite number, not 'low'.",
    ),
    "known index": (lambda: Saddle({x: 0}, index=-1), "counts negative eigenvalues, so it cannot be -1."),
    "known index too large": (
        lambda: Problem(f, known=Saddle([0, 0], index=3)),
        "has index 3, more than there are dimensions (2)",
    ),
    "constant unknown": (
        lambda: Problem(f, constants={"smothness": 1}),
        "constants: there is no constant 'smothness'. Did you mean 'smoothness'?",
    ),
    "constant negative": (lambda: Problem(f, constants={"pl": -1}), "constants: 'pl' must be positive, but it is -1."),
    "constant below zero": (
        lambda: Problem(f, constants={"hessian_lipschitz": -1}),
        "constants: 'hessian_lipschitz' cannot be negative, but it is -1.",
    ),
    "constant text": (lambda: Problem(f, constants={"pl": "x"}), "constants: 'pl' must be a finite number, not 'x'."),
    "constants contradict": (
        lambda: Problem(f, constants={"smoothness": 1, "strong_convexity": 2}),
        "constants: 'strong_convexity' = 2 cannot exceed 'smoothness' = 1.",
    ),
    "constants type": (lambda: Problem(f, constants=[1]), "constants must be a dictionary"),
    # the rest
    "penalty": (lambda: Problem(f, penalty=object()), "is not a penalty. Give nc.L1(0.1), nc.MCP(...)"),
    "samples unknown": (
        lambda: Problem(residual, data={A: table}, parameters={lam: 1}, samples="ii"),
        "samples: no Sum runs over 'ii'. Did you mean 'i'? The sums run over i, j.",
    ),
    "samples without sum": (
        lambda: Problem(f, samples="i"),
        "samples: no Sum runs over 'i'. The objective contains no Sum.",
    ),
    "samples type": (lambda: Problem(f, samples=3), "samples must be the index of a Sum"),
    "blocks incomplete": (
        lambda: Problem(f, blocks=[x]),
        "blocks: 'y' is in 0 blocks. Every variable belongs to exactly one.",
    ),
    "blocks twice": (lambda: Problem(f, blocks=[x, [x, y]]), "blocks: 'x' is in 2 blocks."),
    "blocks unknown": (lambda: Problem(f, blocks=["z"]), "blocks: there is no variable 'z'."),
    "blocks type": (lambda: Problem(f, blocks=3), "blocks must be a list of variables"),
    "name type": (lambda: Problem(f, name=3), "name must be a text, not a int."),
    "unpack": (lambda: Problem(f).unpack([1, 2, 3]), "x has shape (3,), but the problem has n = 2."),
    "pack": (lambda: Problem(f).pack({x: 1}, "x0"), "x0: there is no value for y."),
}


@pytest.mark.parametrize("case", WRONG)
def test_wrong_declarations(case):
    make, text = WRONG[case]
    with pytest.raises(ProblemError) as caught:
        make()
    assert text in str(caught.value)
