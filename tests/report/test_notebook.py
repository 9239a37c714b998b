"""What a notebook shows: the numbers are there, texts are text, LaTeX is balanced, and no page is needed for it."""

import subprocess
import sys
from html.parser import HTMLParser

import pytest
import sympy as sp

import ncsolve as nc

x, y = sp.symbols("x y")
PROBLEM = nc.Problem(
    (x**2 - 1) ** 2 + y**2, name="<b>100% & more_of_it</b>", description="$\n<script>", start={x: 0.5, y: 1}
)
BOX = {x: (-2, 2), y: (-2, 2)}


@pytest.fixture(scope="module")
def shown():
    result = nc.solve(PROBLEM, "gd")
    (verdict, *_) = nc.verify(PROBLEM, "newton-quadratic-convergence")
    return {
        "problem": PROBLEM,
        "result": result,
        "point": result.point,
        "landscape": nc.landscape(PROBLEM, BOX),
        "verdict": verdict,
        "constrained": nc.load("hs71"),
        "penalised": nc.load("sparse-regression"),
        "game": nc.MinMax(x**2 / 0.3 - y**2, min=[x], max=[y]),
        "saddle": nc.solve(nc.Problem(x**2 - y**2 + y**4 / 4, start={x: 1, y: 0}), "gd", escape=False),
    }


class Balanced(HTMLParser):
    def __init__(self, html):
        super().__init__()
        self.open, self.text, self.seen = [], "", set()
        self.feed(html)
        assert self.open == []

    def handle_starttag(self, tag, attributes):
        self.open.append(tag)
        self.seen.add(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        if self.open[-1:] != ["style"]:
            self.text += data


SAID = {
    "problem": ["<b>100% & more_of_it</b>", "$\n<script>", "2 real variables: x, y"],
    "result": ["<b>100% & more_of_it</b>: A minimum at (x, y) = (1, ", "Both eigenvalues of the Hessian are positive",
               "Found by gd", "CONVERGED", "|∇f|", "effort"],
    "point": ["minimum at x = (1, ", "Both eigenvalues"],
    "landscape": ["3 critical points of '<b>100% & more_of_it</b>': 2 minima, 1 saddle", "−4, 2", "0 (up 1) - 1 (up 1)",
                  "Morse sum", "not proven complete"],
    "verdict": ["newton-quadratic-convergence about newton: "],
    "constrained": ["subject to", "4 real variables"],
    "penalised": ["plus the penalty MCP("],
    "game": ["minimised over x, maximised over y", "3.33333"],
    "saddle": ["A saddle point at (x, y) = ", "1 is negative, 1 is positive"],
}  # fmt: skip


@pytest.mark.parametrize("name", SAID)
def test_html(shown, name):
    parsed = Balanced(shown[name]._repr_html_())
    assert "script" not in parsed.seen
    for text in SAID[name]:
        assert text in parsed.text


FORMULAS = {
    "problem": [r"\min_{x, y} y^{2} + \left(x^{2} - 1\right)^{2}"],
    "result": [r"\lambda(\nabla^2 f(x)) = \left(2, 8\right): \text{minimum}"],
    "point": [r"f(x) = "],
    "landscape": [r"\begin{array}{llll}", r"\text{saddle} & 1 & \left(0, 0\right) & \left(-4, 2\right)"],
    "verdict": [r"\text{newton-quadratic-convergence}: \text{"],
    "constrained": [r"\quad \text{subject to} \quad x_{1}^{2}", r"\le 0"],
    "penalised": [r"+ \text{MCP("],
    "game": [r"\min_{x} \max_{y} 3.33333 x^{2} - y^{2}"],
    "saddle": [r"\text{saddle}"],
}


@pytest.mark.parametrize("name", FORMULAS)
def test_latex(shown, name):
    latex = shown[name]._repr_latex_()
    assert latex.startswith(r"$\displaystyle ")
    assert latex.endswith("$")
    assert latex.count("{") == latex.count("}")
    assert latex.count(r"\left") == latex.count(r"\right")
    for formula in FORMULAS[name]:
        assert formula in latex


def test_a_verdict_tells_its_constants():
    from ncsolve.theory import HOLDS, Verdict
    from ncsolve.theory.constants import Constant

    constants = {"smoothness": Constant(48.5, "sampled"), "my_own": Constant(2e-9, "declared")}
    verdict = Verdict("gd_x", HOLDS, "a < b", solver="gd", constants=constants, tightness=0.5)
    assert verdict._repr_latex_() == (
        r"$\displaystyle \text{gd\_x}: \text{HOLDS}, L = 48.5, \text{my\_own} = 2 \times 10^{-9}$"
    )
    text = Balanced(verdict._repr_html_()).text
    assert "a < b" in text
    assert "smoothness48.5sampled" in text
    assert "tightness0.5" in text


def test_without_the_extra_a_problem_is_shown_as_latex(monkeypatch):
    monkeypatch.setitem(sys.modules, "latex2mathml.converter", None)
    assert PROBLEM._repr_latex_() in Balanced(PROBLEM._repr_html_()).text


def test_nothing_of_it_is_imported_before():
    code = """
import sys, sympy, ncsolve as nc
nc.solve(nc.Problem(sympy.Symbol("x") ** 2), "gd")
sys.exit(" ".join(name for name in sys.modules if name.startswith("ncsolve.report") or name == "IPython") or None)
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (0, "")
