"""Plugins that are broken in one place, as source text."""

from __future__ import annotations

import re
import textwrap
import traceback
from dataclasses import dataclass

SOLVER = """\
from dataclasses import dataclass, field, replace
from typing import Any, ClassVar, Literal
import numpy as np
import ncsolve as nc
from ncsolve.errors import BudgetExhausted

@dataclass(frozen=True)
class State:
    x: Any
    objective: Any
    gradient: Any
    k: int
    #STATE

def at(oracle, x, k):
    f, g = oracle.value_and_gradient(x)
    return State(x, f, g, k)

def after(oracle, state, t):
    signs = oracle.problem.signs
    g = state.gradient if signs is None else signs * state.gradient
    return at(oracle, oracle.prox(state.x - t * g, t), state.k + 1)

def broken(oracle, state, x0):
    #CODE
    return state

@dataclass(frozen=True)
class Solver:
    '''Gradient descent. [test]'''
    step_size: float = 0.01
    #FIELDS
    name: ClassVar[str] = #NAME
    needs: ClassVar[Any] = #NEEDS
    state_type: ClassVar[type] = State
    #METHODS
    #ATTRIBUTES

def ncsolve_register_solvers(register):
    register(Solver)
"""
INIT = """
def init(self, oracle, x0, rng):
    return broken(oracle, at(oracle, x0, 0), x0)

def step(self, oracle, state, rng):
    return after(oracle, state, self.step_size)
"""
STEP = """
def init(self, oracle, x0, rng):
    return at(oracle, x0, 0)

def step(self, oracle, state, rng):
    new = after(oracle, state, self.step_size)
    return broken(oracle, new, state.x) if new.k >= 3 else new
"""
DRIVE = """
def drive(self, oracle, x0, rng, report):
    state = at(oracle, x0, 0)
    for k in range(20):
        report(broken(oracle, state, x0) if state.k >= 3 else state)
        state = after(oracle, state, self.step_size)
    return state
"""
METHODS = {"init": INIT, "step": STEP, "drive": DRIVE, "whole": STEP}


@dataclass(frozen=True)
class Fault:
    """One way to be broken."""

    name: str
    slots: dict[str, str]
    """What takes the place of the marks in the source of a solver, in lower case."""
    ends: tuple[str, ...] = ("FAILED",)
    """The statuses that it deserves; it may be refused at any time."""
    places: tuple[str, ...] = ("init", "step", "drive")
    """Where the code is run."""
    seconds: float | None = None

    def source(self, place: str, name: str, needs: set[str]) -> str:
        """The module of a plugin with one solver."""
        slots = {"methods": METHODS[place], "name": repr(name), "needs": f"frozenset({sorted(needs)})", **self.slots}
        return filled(SOLVER, slots)


def filled(text: str, slots: dict[str, str]) -> str:
    """A source whose marks are replaced, each by lines as far in as the mark."""

    def put(mark: re.Match[str]) -> str:
        indent = mark["indent"] or ""
        return textwrap.indent(slots.get(mark["name"].lower(), "").strip("\n"), indent)

    return re.sub(r"(?m)(?P<indent>^ +)?#(?P<name>[A-Z]+)$", put, text)


def returning(**fields: str) -> dict[str, str]:
    return {"code": "return replace(state, " + ", ".join(f"{k}={v}" for k, v in fields.items()) + ")"}


ANY = ("CONVERGED", "STALLED", "ITERATIONS", "FAILED", "NONFINITE", "TARGET")
LIMIT = ("ITERATIONS",)
RAISES = {
    "error": "raise ZeroDivisionError('by nothing')",
    "without-a-word": "raise Exception",
    "assertion": "assert not oracle",
    "exit": "raise SystemExit(7)",
    "exit-in-peace": "raise SystemExit",
    "generator-exit": "raise GeneratorExit",
    "stop-iteration": "raise StopIteration",
    "base-exception": "raise type('Odd', (BaseException,), {})('odd')",
    "group": "raise ExceptionGroup('many', [ValueError(1)])",
    "memory": "raise MemoryError",
    "recursion": "return broken(oracle, state, x0)",
    "budget": "raise BudgetExhausted('NOTHING')",
    "refusal": "raise nc.errors.OptionError('its own words')",
    "unprintable": "raise type('Odd', (Exception,), {'__str__': lambda e: 1 / 0})",
    "odd-text": "raise ValueError('\\x1b[31m\\ud800<b>\\r')",
    "oracle-misused": "oracle.value(np.zeros(5))",
    "oracle-text": "oracle.value('here')",
    "oracle-none": "oracle.hvp(state.x, None)",
    "warning": "import warnings; warnings.simplefilter('error'); warnings.warn('mine')",
}
STATES = {
    "nothing": "return None",
    "number": "return 3.0",
    "array": "return state.x",
    "dict": "return dict(x=state.x)",
    "class": "return State",
    "generator": "return (s for s in [state])",
    "anything": "return type('Any', (), {'__getattr__': lambda s, n: s, '__call__': lambda s, *a: s})()",
    "property": "return type('Odd', (State,), {'x': property(lambda s: 1 / 0), '__init__': lambda s: None})()",
}
X = {
    "list": "state.x.tolist()", "tuple": "tuple(state.x)", "none": "None", "text": "'here'", "number": "1.0",
    "longer": "np.append(state.x, 0.0)", "column": "state.x[:, None]", "scalar": "np.float64(1)",
    "empty": "np.empty(0)",
    "integers": "np.zeros(len(state.x), int)", "single": "state.x.astype('f4')", "complex": "state.x * 1j",
    "objects": "state.x.astype(object)", "swapped": "state.x.astype('>f8')", "matrix": "np.matrix(state.x)",
    "records": "np.zeros(len(state.x), 'f8,f8')", "text-array": "state.x.astype(str)",
}  # fmt: skip
OBJECTIVE = {"text": "'low'", "complex": "1j", "list": "[1.0]", "pair": "np.ones(2)",
             "huge": "10**400", "dict": "{}", "type": "float"}  # fmt: skip
GRADIENT = {"text": "'steep'", "list": "state.gradient.tolist()", "longer": "np.append(state.gradient, 0)",
            "column": "state.gradient[:, None]", "number": "1.0", "scalar": "np.float64(1)", "dict": "{}",
            "objects": "np.full(len(state.x), None)", "text-array": "state.gradient.astype(str)",
            "records": "np.zeros(len(state.x), 'f8,f8')"}  # fmt: skip
EXTRA = {
    "converged-array": ("converged: Any = False", "converged=np.ones(3)", ("FAILED",)),
    "converged-text": ("converged: Any = False", "converged='yes'", ANY),
    "converged-lie": ("converged: Any = False", "converged=True", ("CONVERGED", "FAILED")),
    "stalled-array": ("stalled: Any = False", "stalled=np.ones(3)", ("FAILED",)),
    "message-number": ("stalled: Any = False\nmessage: Any = ''", "stalled=True, message=3", ("STALLED", "FAILED")),
    "message-odd": (
        "stalled: Any = False\nmessage: Any = ''",
        "stalled=True, message='\\x1b[31m\\ud800'",
        ("STALLED",),
    ),
    "message-raises": (
        "stalled: Any = False\nmessage: Any = ''",
        "stalled=True, message=type('Odd', (), {'__str__': lambda s: 1 / 0})()",
        ("STALLED", "FAILED"),
    ),
    "exploring-array": ("exploring: Any = False", "exploring=np.ones(3)", ("FAILED",)),
    "exploring": ("exploring: Any = False", "exploring=True", LIMIT),
    "chains-none": ("chains: Any = None", "chains=3", ("FAILED",)),
    "chains-shape": ("chains: Any = None", "chains=np.ones((state.k + 1, 2))", ("FAILED",)),
    "minima-shape": (
        "minima: Any = None\ncounts: Any = None",
        "minima=np.ones((2, 5)), counts=np.ones(2)",
        ("FAILED", *LIMIT),
    ),
    "minima-counts": (
        "minima: Any = None\ncounts: Any = None",
        "minima=np.ones((2, 2)), counts='two'",
        ("FAILED", *LIMIT),
    ),
    "minima-type": ("minima: Any = None\ncounts: Any = None", "minima=7", ("FAILED", *LIMIT)),
    "multipliers-shape": ("multipliers: Any = None", "multipliers=np.ones(7)", ("FAILED", *LIMIT)),
    "multipliers-text": ("multipliers: Any = None", "multipliers='none'", ("FAILED", *LIMIT)),
    "multipliers-nan": ("multipliers: Any = None", "multipliers=np.full(2, np.nan)", ("FAILED", "NONFINITE", *LIMIT)),
    "number-text": ("length: Any = 0.0", "length='long'", ("FAILED", *LIMIT)),
    "number-none": ("length: Any = 0.0", "length=None", ("FAILED", *LIMIT)),
    "number-huge": ("length: Any = 0.0", "length=10**400", ("FAILED", *LIMIT)),
    "number-nan": ("length: Any = 0.0", "length=np.nan", LIMIT),
    "number-complex": ("length: Any = 0.0", "length=1j", ("FAILED", *LIMIT)),
    "number-decimal": ("length: Any = 0.0", "length=__import__('decimal').Decimal(1)", ("FAILED", *LIMIT)),
    "field-lock": ("lock: Any = None", "lock=__import__('threading').Lock()", ("FAILED", *LIMIT)),
    "field-function": ("lock: Any = None", "lock=lambda: 1", ("FAILED", *LIMIT)),
    "field-cycle": ("many: Any = None", "many=(lambda a: a.append(a) or a)([])", ("FAILED", *LIMIT)),
}
"""Further fields of a state: declared, set, deserved."""
WRITES = {
    "x0": "x0[:] = 7",
    "state": "object.__setattr__(state, 'x', state.x.copy()); state.x.setflags(write=False); state.x[:] = 7",
    "buffer": "B = globals().setdefault('B', state.x.copy())\nB[:] = state.x\nstate = replace(state, x=B[:])",
    "bounds": "(oracle.lower if oracle.lower is not None else x0)[:] = -9",
}
LIES = {
    "bounds": "state = at(oracle, state.x - 50.0, state.k)",
    "prox": "state = at(oracle, state.x - 0.01 * state.gradient, state.k)",
    "rows": "oracle.value_and_gradient(state.x, rows=[0, 1])",
    "constraints": "oracle.constraints.values(state.x)",
    "blocks": "oracle.structure.blocks[0]",
    "squares": "oracle.least_squares.residuals(state.x)",
}
"""It uses what it does not say that it needs, or ignores what it says that it handles."""
ENDLESS = {
    "quiet": "while True: pass",
    "catching": "while True:\n    try: sum(range(100))\n    except Exception: pass",
    "asking": "while True:\n    try: oracle.gradient(state.x)\n    except Exception: pass",
    "asking-elsewhere": "while True: oracle.gradient(np.random.default_rng().standard_normal(len(state.x)))",
    "sleeping": "import time\nwhile True: time.sleep(0.01)",
}
DECLARES = {
    "needs-text": ("needs", "'gradient'"),
    "needs-nothing": ("needs", "None"),
    "needs-number": ("needs", "3"),
    "needs-unknown": ("needs", "{'gradent'}"),
    "needs-unhashable": ("needs", "[['gradient']]"),
    "needs-samples": ("needs", "{'samples'}"),
    "needs-no-bounds": ("needs", "set()"),
    "iterations-text": ("attributes", "default_iterations = 'many'"),
    "iterations-negative": ("attributes", "default_iterations = -1"),
    "iterations-nan": ("attributes", "default_iterations = float('nan')"),
    "burn-in-text": ("attributes", "burn_in = 'long'"),
    "thin-zero": ("attributes", "thin = 0"),
    "state-type": ("attributes", "state_type = 3"),
    "state-type-other": ("attributes", "state_type = int"),
    "resumable-text": ("attributes", "resumable = 'perhaps'"),
    "stability-text": ("attributes", "limit_of_stability = 'far'"),
    "check-raises": ("attributes", "def check(self, oracle): 1 / 0"),
    "check-signature": ("attributes", "def check(self): pass"),
    "draw-raises": ("attributes", "def draw_start(self, oracle, rng): 1 / 0"),
    "draw-shape": ("attributes", "def draw_start(self, oracle, rng): return np.ones(7)"),
    "draw-none": ("attributes", "def draw_start(self, oracle, rng): return None"),
    "draw-nan": ("attributes", "def draw_start(self, oracle, rng): return np.full(oracle.n, np.nan)"),
    "draw-list": ("attributes", "def draw_start(self, oracle, rng): return [1, 2]"),
    "draw-outside": ("attributes", "def draw_start(self, oracle, rng): return np.full(oracle.n, 99.0)"),
    "draw-signature": ("attributes", "def draw_start(self): return 1"),
    "choose-raises": ("attributes", "def choose(self, oracle, solvers): 1 / 0"),
    "choose-none": ("attributes", "def choose(self, oracle, solvers): return None"),
    "choose-unknown": ("attributes", "def choose(self, oracle, solvers): return 'nobody', ''"),
    "choose-itself": ("attributes", "def choose(self, oracle, solvers): return self.name, ''"),
    "made-raises": ("attributes", "def __post_init__(self): 1 / 0"),
    "made-refuses": ("attributes", "def __post_init__(self): raise nc.errors.OptionError('its own words')"),
    "attributes-raise": ("attributes", "def __getattr__(self, name): 1 / 0"),
    "init-signature": ("attributes", "init = property(lambda self: 1 / 0)"),
    "no-name": ("attributes", "name = None"),
    "number-name": ("attributes", "name = 3"),
    "space-name": ("attributes", "name = 'two words'"),
    "empty-name": ("attributes", "name = ''"),
    "name-property": ("attributes", "name = property(lambda self: 'mine')"),
    "taken-name": ("attributes", "name = 'gd'"),
    "option-dict": ("fields", "extra: dict = field(default_factory=dict)"),
    "option-list": ("fields", "extra: list = []"),
    "option-array": ("fields", "extra: Any = field(default_factory=lambda: np.ones(3))"),
    "option-function": ("fields", "extra: Any = print"),
    "option-object": ("fields", "extra: object = object()"),
    "option-nan": ("fields", "extra: float = float('nan')"),
    "option-inf": ("fields", "extra: float = float('inf')"),
    "option-wrong-default": ("fields", "extra: int = 'three'"),
    "option-complex": ("fields", "extra: complex = 1j"),
    "option-bytes": ("fields", "extra: bytes = b'\\xff'"),
    "option-set": ("fields", "extra: frozenset = frozenset({1})"),
    "option-unknown": ("fields", "extra: 'Nobody' = 1"),
    "option-syntax": ("fields", "extra: 'a b' = 1"),
    "option-value": ("fields", "extra: 3 = 1"),
    "option-literal": ("fields", "extra: Literal['a', 'b'] = 'c'"),
    "option-help": ("fields", "extra: float = nc.option(1.0, help=3, above='zero')"),
    "option-factory": ("fields", "extra: Any = field(default_factory=lambda: 1 / 0)"),
    "option-needed": ("fields", "extra: float = field(kw_only=True)"),
    "options-raise": ("attributes", "declared_options = classmethod(lambda cls: 1 / 0)"),
    "options-nothing": ("attributes", "declared_options = classmethod(lambda cls: None)"),
    "options-odd": ("attributes", "declared_options = classmethod(lambda cls: [1, 2])"),
}
MODULES = {
    "import": "import no_such_module",
    "raises": "1 / 0",
    "exits": "import sys; sys.exit(3)",
    "syntax": "def broken(:",
    "null": "x = '\\0'\n\0",
    "base-exception": "raise type('Odd', (BaseException,), {})('odd')",
    "hook-raises": "def ncsolve_register_solvers(register): 1 / 0",
    "hook-exits": "def ncsolve_register_solvers(register): raise SystemExit",
    "hook-base-exception": "def ncsolve_register_solvers(register): raise type('Odd', (BaseException,), {})('odd')",
    "hook-signature": "def ncsolve_register_solvers(reg): ...",
    "hook-misspelt": "def ncsolve_register_solver(register): ...",
    "hook-number": "ncsolve_register_solvers = 3",
    "hook-class": "class ncsolve_register_solvers: ...",
    "nothing": "def ncsolve_register_solvers(register): register()",
    "many": "def ncsolve_register_solvers(register): register(1, 2, 3)",
    "instance": "def ncsolve_register_solvers(register): register(object())",
    "builtin": "def ncsolve_register_solvers(register): register(int)",
    "metaclass": (
        "class Meta(type):\n    def __getattr__(cls, name): 1 / 0\nclass Odd(metaclass=Meta): ...\n"
        "def ncsolve_register_solvers(register): register(Odd)"
    ),
    "problem-none": "def ncsolve_register_problems(register): register(None, 1)",
    "problem-number": "def ncsolve_register_problems(register): register('odd-problem', 1)",
    "problem-raises": "def ncsolve_register_problems(register): register('odd-problem', lambda: 1 / 0)",
    "problem-path": "def ncsolve_register_problems(register): register('odd-problem', '/no/such/file.py')",
    "theorem": "def ncsolve_register_theorems(register): register(1)",
    "backend": "def ncsolve_register_backends(register): register('odd', object())",
    "commands": "def ncsolve_register_commands(cli): cli.no_such_method()",
    "command-taken": "import click\ndef ncsolve_register_commands(cli): cli.add_command(click.Command('solve'))",
    "command-number": "def ncsolve_register_commands(cli): cli.add_command(3)",
}
BACKENDS = {
    "raises": "1 / 0",
    "none": "return None",
    "number": "return 3",
    "exits": "raise SystemExit",
    "function-raises": "return Backend(lambda *a: 1 / 0)",
    "make-raises": "return Backend(None, error=ValueError('no'))",
    "returns-none": "return Backend(lambda *a: None)",
    "returns-nan": "return Backend(lambda x, *a: (np.nan, np.full(x.shape, np.nan)))",
    "returns-text": "return Backend(lambda x, *a: ('low', 'steep'))",
    "returns-shape": "return Backend(lambda x, *a: (1.0, np.ones(7)))",
    "returns-type": "return Backend(lambda x, *a: (1, np.ones(x.shape, int)))",
    "returns-list": "return Backend(lambda x, *a: (1.0, x.tolist()))",
    "writes": "return Backend(lambda x, *a: (1.0, x.__imul__(0)))",
    "exits-later": "return Backend(lambda x, *a: exit())",
    "not-printable": "return Backend(None, error=NotImplementedError())",
}
BACKEND = """\
import numpy as np

class Backend:
    def __init__(self, made, error=None):
        self.made, self.error = made, error

    def function(self, kind, roles, rows):
        if self.error:
            raise self.error
        return self.made

def make(derivation):
    #CODE

def ncsolve_register_backends(register):
    register("odd", make)
"""


def faults() -> list[Fault]:
    """All solvers that are broken in one place."""
    whole = ("whole",)
    return [
        *(Fault(f"raises-{name}", {"code": code}) for name, code in RAISES.items()),
        Fault("raises-interrupt", {"code": "raise KeyboardInterrupt"}, ("INTERRUPTED",)),
        *(Fault(f"state-{name}", {"code": code}) for name, code in STATES.items()),
        *(Fault(f"x-{name}", returning(x=value)) for name, value in X.items()),
        *(Fault(f"x-{bad}", returning(x=f"state.x * np.{bad}"), ("NONFINITE", "FAILED")) for bad in ("nan", "inf")),
        *(Fault(f"objective-{name}", returning(objective=value)) for name, value in OBJECTIVE.items()),
        *(Fault(f"objective-{bad}", returning(objective=f"np.{bad}")) for bad in ("nan", "inf")),
        Fault("objective-none", returning(objective="None"), LIMIT),
        Fault("objective-too-high", returning(objective="state.objective + 5"), ("FAILED", *LIMIT)),
        Fault("objective-too-low", returning(objective="state.objective - 5"), ("FAILED", *LIMIT)),
        *(Fault(f"gradient-{name}", returning(gradient=value)) for name, value in GRADIENT.items()),
        *(Fault(f"gradient-{bad}", returning(gradient=f"state.gradient * np.{bad}")) for bad in ("nan", "inf")),
        Fault("gradient-zero", returning(gradient="np.zeros(len(state.x))"), ("FAILED", "CONVERGED", *LIMIT)),
        Fault("gradient-integers", returning(gradient="np.ones(len(state.x), int)"), ("FAILED", *LIMIT)),
        Fault("gradient-complex", returning(gradient="state.gradient * 1j"), ("FAILED",)),
        *(
            Fault(f"field-{name}", {"state": declared, "code": f"return replace(state, {value})"}, ends)
            for name, (declared, value, ends) in EXTRA.items()
        ),
        *(Fault(f"writes-{name}", {"code": code}, ("FAILED", *LIMIT)) for name, code in WRITES.items()),
        *(Fault(f"lies-{name}", {"code": code}, ANY, ("step", "drive")) for name, code in LIES.items()),
        *(Fault(f"endless-{name}", {"code": code}, ("TIME",), seconds=0.05) for name, code in ENDLESS.items()),
        *(Fault(f"declares-{name}", {slot: code}, ANY, whole) for name, (slot, code) in DECLARES.items()),
    ]


def in_words(error: BaseException) -> str:
    """The last lines of its traceback."""
    return "".join(traceback.format_exception(error)[-4:])
