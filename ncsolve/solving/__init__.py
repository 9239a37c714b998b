"""SOLVE: the solver contract, the one loop, stopping tests, the trace; a run is loop, judgement and escape."""

from ncsolve.solving.criteria import Criteria
from ncsolve.solving.options import Option, configure, option, option_values, options_of
from ncsolve.solving.result import Result, versions
from ncsolve.solving.run import run
from ncsolve.solving.solver import NEEDS, Solver, check_contract, check_needs, summary_of
from ncsolve.solving.starts import run_starts
from ncsolve.solving.status import Status
from ncsolve.solving.stopping import Look, Stop
from ncsolve.solving.trace import Escape, Trace

__all__ = [
    "NEEDS",
    "Criteria",
    "Escape",
    "Look",
    "Option",
    "Result",
    "Solver",
    "Status",
    "Stop",
    "Trace",
    "check_contract",
    "check_needs",
    "configure",
    "option",
    "option_values",
    "options_of",
    "run",
    "run_starts",
    "summary_of",
    "versions",
]
