"""The answer of a run: the point, why the run stopped, what the point is worth, and how it came about."""

from __future__ import annotations

import math
import platform
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache, cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from ncsolve.critical.kkt import KKT
from ncsolve.display import Displayed
from ncsolve.executors.base import portable
from ncsolve.solving.ends import End, ends_of
from ncsolve.solving.status import Status
from ncsolve.solving.trace import Trace
from ncsolve.texts import escaped

if TYPE_CHECKING:
    from ncsolve.critical import CriticalPoint
    from ncsolve.solving.diagnostics import Diagnostics
    from ncsolve.solving.minima import Found

__all__ = ["Result", "versions"]

LISTED = 10  # points


@dataclass(frozen=True, repr=False)
class Result(Displayed):
    """What a run found. `status` says why it stopped, `point` what x is: two questions, two fields."""

    problem: str
    solver: str
    status: Status
    message: str
    point: CriticalPoint
    """Kind, index and eigenvalues at x, decided by the core from the exact Hessian."""
    x: NDArray[np.float64]
    """The point that the run converged to, else the best one seen; shape (n,)."""
    values: dict[str, Any]
    """x by variable: floats and arrays of the variables' shapes."""
    objective: float
    gradient_norm: float
    """Infinity norm of the gradient; of the projected one with bounds; with a penalty of the proximal one, with the
    step `Oracle.proximal_step`."""
    iterations: int
    evaluations: dict[str, int]
    """Points evaluated, by kind: value, gradient, hessian, hvp."""
    seconds: float
    seed: int
    options: dict[str, Any]
    versions: dict[str, str]
    trace: Trace
    hints: tuple[str, ...] = ()
    """What could be tried, in words."""
    error: BaseException | None = None
    """What the solver raised, with its traceback, where it did."""
    samples: NDArray[np.float64] | None = None
    """(kept iterations, chains, n) for solvers that sample, at most 256 MB: see `Samples`."""
    minima: tuple[Found, ...] = ()
    """Distinct points at which the local runs of a solver such as `multistart` ended, lowest first."""
    metrics: dict[str, float] = field(default_factory=dict)
    """The problem's own numbers at x, such as a test error."""
    runs: tuple[Result, ...] = field(default=())
    """All runs, this one among them, where there were several starts."""

    def __getstate__(self) -> dict[str, Any]:
        """An error that cannot be copied travels as its text."""
        return {**self.__dict__, "error": None if self.error is None else portable(self.error)}

    @property
    def success(self) -> bool:
        """Whether the run stopped with success (gradient or target) at a minimum, or an equilibrium of a game."""
        return self.status in (Status.CONVERGED, Status.TARGET) and self.point.kind in ("minimum", "minmax")

    @cached_property
    def diagnostics(self) -> Diagnostics | None:
        """R-hat, effective sample size and acceptance rate of the samples, computed when first asked for."""
        if self.samples is None:
            return None
        from ncsolve.solving.diagnostics import diagnose

        sampling = self.trace["iteration"] > self.options.get("burn_in", 0)
        accepted = self.trace.get("acceptance")
        return diagnose(self.samples, None if accepted is None else float(accepted[sampling].mean()))

    @cached_property
    def ends(self) -> list[End]:
        """The distinct points at which the runs from several starts ended, the lowest first."""
        return ends_of(self.runs)

    @property
    def kkt(self) -> KKT | None:
        """Residuals and multipliers of the KKT conditions at x, where the problem has constraints."""
        return self.point.kkt

    def to_json(self) -> dict[str, Any]:
        """Plain data with the keys of `ncsolve solve --json`; numbers that are not finite become None."""
        judged = ("kind", "index", "nullity", "eigenvalues", "certified", "explanation")
        point = {key: getattr(self.point, key) for key in judged}
        keys = (
            "x",
            "values",
            "objective",
            "gradient_norm",
            "iterations",
            "evaluations",
            "seconds",
            "seed",
            "options",
            "versions",
        )
        rest = {key: getattr(self, key) for key in keys}
        data: dict[str, Any] = plain(
            {"problem": self.problem, "solver": self.solver, "status": str(self.status), "point": point, **rest}
        )
        data["message"] = self.message
        data["escapes"] = [{"iteration": left.iteration, "kind": left.point.kind} for left in self.trace.escapes]
        if self.diagnostics:
            data["diagnostics"] = plain(vars(self.diagnostics))
        if self.minima:
            data["minima"] = plain([found.to_json() for found in self.minima])
        if self.runs:
            data["ends"] = plain([end.to_json() for end in self.ends])
        if self.metrics:
            data["metrics"] = plain(self.metrics)
        if self.kkt is not None:
            data["kkt"] = plain(self.kkt.to_dict())
        return data

    def summary(self) -> str:
        """A few lines for people."""
        counts = ", ".join(f"{count} {name}" for name, count in self.evaluations.items() if count)
        lines = [
            f"{self.point.kind} of '{self.problem}' by {self.solver}",
            f"  status         {self.status}: {self.message}",
            f"  point          {self.point.explanation}",
            f"  objective      {self.objective:.10g}",
            f"  gradient norm  {self.gradient_norm:.3g}" if self.kkt is None else f"  KKT residuals  {self.kkt}",
            *(f"  {name:<14} {_short(value)}" for name, value in list(self.values.items())[:10]),
            *(f"  {name:<14} {value:.6g}" for name, value in self.metrics.items()),
            f"  effort         {self.iterations} iterations, {counts or 'no'} evaluations, {self.seconds:.3g} s",
            *(f"  hint           {hint}" for hint in self.hints),
        ]
        if self.samples is not None and self.diagnostics:
            draws, chains, _ = self.samples.shape
            lines += [
                f"  samples        {draws} iterations of {chains} chain{'s' * (chains > 1)}",
                f"  R-hat          {_short(self.diagnostics.r_hat)}",
                f"  effective size {_short(self.diagnostics.effective_sample_size)}",
            ]
            if self.diagnostics.acceptance is not None:
                lines.append(f"  acceptance     {self.diagnostics.acceptance:.3g}")
        if self.minima:
            lines.append(
                f"  minima         {len(self.minima)} distinct" + ", the lowest:" * (len(self.minima) > LISTED)
            )
            lines += [
                f"    {found.objective:<16.10g} {found.count:>5} run{_plural(found.count)} {100 * found.share:5.1f}%  "
                f"at {_short(found.x)}"
                for found in self.minima[:LISTED]
            ]
        if self.runs:
            kinds = [run.point.kind for run in self.runs]
            found = ", ".join(f"{kinds.count(kind)} {kind}" for kind in dict.fromkeys(kinds))
            several = len(self.ends) > 1
            more = f", at {len(self.ends)} points" + ", the lowest:" * (len(self.ends) > LISTED) if several else ""
            lines.append(f"  starts         {len(self.runs)}: {found}{more}")
            lines += [
                f"    {end.objective:<16.10g} {end.count:>5} run{_plural(end.count)}  {end.kind} at {_short(end.x)}"
                for end in self.ends[: LISTED * several]
            ]
        return escaped("\n".join(lines), but="\n")

    __repr__ = summary


@cache
def versions() -> dict[str, str]:
    """What the numbers of a run depend on."""
    import sympy

    import ncsolve

    return {
        "ncsolve": ncsolve.__version__,
        "python": platform.python_version(),
        "numpy": np.__version__,
        "sympy": sympy.__version__,
    }


def plain(value: Any) -> Any:
    """Data for strict JSON: arrays become lists, numbers that are not finite None, anything unknown its text."""
    if isinstance(value, Mapping):
        return {str(key): plain(item) for key, item in value.items()}
    if hasattr(value, "tolist"):  # NumPy's arrays and scalars
        is_plain = value.dtype.kind in "iub" or (value.dtype.kind == "f" and bool(np.isfinite(value).all()))
        return value.tolist() if is_plain else plain(value.tolist())
    if isinstance(value, (list, tuple)):
        return [plain(item) for item in value]
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    return value if isinstance(value, (str, int, bool)) or value is None else str(value)


def _plural(count: int) -> str:
    return " " if count == 1 else "s"


def _short(value: Any) -> str:
    with np.printoptions(precision=8, threshold=8, edgeitems=3, linewidth=100):
        return f"{value:.10g}" if isinstance(value, float) else " ".join(str(np.asarray(value)).split())
