"""`nc.rate`: how fast a run converged, by its trace."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from ncsolve.errors import NcsolveError, OptionError, StoreError
from ncsolve.oracle import compile
from ncsolve.store import problem_of, read_arrays
from ncsolve.theory.claim import FLOOR
from ncsolve.theory.constants import declared
from ncsolve.theory.rate import Rate, fitted_rate

__all__ = ["errors_of", "rate", "read_run"]

ARRIVED = 1e-3
"""A declared minimum is taken for the limit of a run that covered all but this part of the way to it."""


def rate(run: Any, minimum: float | None = None) -> dict[str, Rate]:
    """The rate of each sequence of errors in a run: "gradient_norm", and "objective", f - f*, where f* is known.

    Parameters
    ----------
    run
        A `Result`, a trace or another mapping with the columns objective and gradient_norm, the folder of a kept run or
        its trace.npz; or an array of errors, whose rate is that of "errors".
    minimum
        f*. Without it, what the problem of a kept run declares, if the run went there.

    Raises OptionError for what is no run, StoreError for a file that cannot be read.
    """
    trace, reached = read_run(run)
    if not isinstance(trace, Mapping):
        return {"errors": fitted_rate(trace)}
    return {
        name: fitted_rate(errors, at, floor)
        for name, (at, errors, floor) in errors_of(trace, reached if minimum is None else minimum).items()
    }


def errors_of(trace: Mapping[str, Any], minimum: float | None) -> dict[str, tuple[Any, Any, float | None]]:
    """Iterations, errors and rounding floor of each sequence that tends to zero."""
    f, at = np.asarray(trace["objective"], dtype=float), np.asarray(trace["iteration"])
    found: dict[str, tuple[Any, Any, float | None]] = {"gradient_norm": (at, trace["gradient_norm"], None)}
    if minimum is not None:
        found["objective"] = (at, f - minimum, FLOOR * max(1.0, abs(minimum)))
    return found


def read_run(run: Any) -> tuple[Any, float | None]:
    """The trace of a run, or its errors as an array; and f* if a kept run's problem declares it and it was reached."""
    if isinstance(run, (str, Path)):
        return _kept(Path(run))
    trace = run if isinstance(run, np.ndarray) else getattr(run, "trace", run)
    if isinstance(trace, Mapping):
        missing = {"iteration", "objective", "gradient_norm"} - trace.keys()
        if missing:
            raise OptionError(f"The trace has no column '{min(missing)}', from which a rate is fitted.")
        return trace, None
    try:
        errors = np.asarray(trace, dtype=float)
    except (TypeError, ValueError):
        raise OptionError(f"A rate is that of a Result, a trace, a folder of a run or an array, not {run!r}.") from None
    if errors.ndim != 1:
        raise OptionError(f"Errors must be an array of one dimension, not of {errors.ndim}.")
    return errors, None


def _kept(path: Path) -> tuple[Mapping[str, Any], float | None]:
    folder = path if path.is_dir() else path.parent
    file = path / "trace.npz" if path.is_dir() else path
    if not file.exists():
        raise StoreError(f"{path} holds no trace.npz: it is what `ncsolve solve --out` and `compare --out` write.")
    trace, _ = read_run(read_arrays(file))
    try:
        run = json.loads((folder / "run.json").read_text())
        minimum = declared(compile(problem_of(run.get("source"), folder))).get("minimum")
    except (OSError, ValueError, NcsolveError):
        return trace, None
    f = np.asarray(trace["objective"])
    if minimum is None or not len(f) or not f[-1] - minimum <= ARRIVED * (f[0] - minimum):
        return trace, None
    return trace, minimum
