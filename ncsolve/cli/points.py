"""Points and boxes written on the command line.

A point is "1,2" in packed order, or "x=1,y=2" and "x[0]=1,x[1]=2" by name; a box is "x=-5:5,y=0:".
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from ncsolve.errors import ProblemError

if TYPE_CHECKING:
    from pathlib import Path

    import numpy as np
    from numpy.typing import NDArray

    from ncsolve.problem import Problem, Variable

COMMA = re.compile(r",(?![^\[]*\])")  # a comma that is not inside an index
NAMED = re.compile(r"\s*([^\[\]=]+?)\s*(?:\[([^\]]*)\])?\s*=(.*)")


def parse_point(problem: Problem, text: str, option: str) -> NDArray[np.float64]:
    """The point (n,) that `text` names. "x=1" fills all of an array x; every entry needs exactly one value.

    `option` is where the text was written; it begins the text of an error.
    """
    import numpy as np

    parts = [part for part in COMMA.split(text) if part.strip()]
    if not any("=" in part for part in parts):
        return problem.pack([number(part, option) for part in parts], option)
    values: dict[str, Any] = {}
    for part in parts:
        match = NAMED.fullmatch(part)
        if match is None:
            raise ProblemError(f"{option}: {part.strip()!r} is neither NAME=NUMBER nor NAME[INDEX]=NUMBER.")
        name, index, value = match.groups()
        variable = problem.variables.named.get(name)
        if index is None or variable is None:
            given_twice(name in values, name, option)
            values[name] = number(value, option)
        else:
            place = position(variable, index, option)
            entries = values.setdefault(name, np.full(variable.shape, np.nan))
            given_twice(not isinstance(entries, np.ndarray) or not np.isnan(entries[place]), part, option)
            entries[place] = number(value, option)
    for name, entries in values.items():
        if np.isnan(entries).any():
            missing = ",".join(map(str, np.argwhere(np.isnan(entries))[0]))
            raise ProblemError(f"{option} gives no value of {name}[{missing}].")
    return problem.pack(values, option)


def parse_box(problem: Problem, text: str, option: str) -> dict[str, tuple[Any, Any]]:
    """{name: (low, high)} from "x=-5:5,y=0:,z[2]=:1". A side left out is unbounded; other entries keep their bounds."""
    import numpy as np

    box: dict[str, tuple[Any, Any]] = {}
    parts = [part for part in COMMA.split(text) if part.strip()]
    if not parts:
        raise ProblemError(f"{option} is empty: write NAME=LOW:HIGH, and a comma before the next one.")
    for part in parts:
        match = NAMED.fullmatch(part)
        ends = match[3].split(":") if match else ()
        if match is None or len(ends) != 2:
            raise ProblemError(f"{option}: {part.strip()!r} is neither NAME=LOW:HIGH nor NAME[INDEX]=LOW:HIGH.")
        name, index, _ = match.groups()
        low, high = (side(end, option) if end.strip() else None for end in ends)
        variable = problem.variables.named.get(name)
        if index is None or variable is None:
            given_twice(name in box, name, option)
            box[name] = low, high
            continue
        if name not in box:
            lower = np.full(problem.n, -np.inf) if problem.lower is None else problem.lower
            upper = np.full(problem.n, np.inf) if problem.upper is None else problem.upper
            shape = variable.shape
            box[name] = lower[variable.slice].reshape(shape).copy(), upper[variable.slice].reshape(shape).copy()
        given_twice(not isinstance(box[name][0], np.ndarray), part, option)
        for ends_of, end, free in zip(box[name], (low, high), (-np.inf, np.inf), strict=True):
            ends_of[position(variable, index, option)] = free if end is None else end
    return box


def chosen_point(
    problem: Problem, text: str | None, folder: Path | None, seed: int, option: str = "--at"
) -> NDArray[np.float64]:
    """The point (n,) that `text` names, the end of the run kept in `folder`, or without both the start."""
    import numpy as np

    if text is not None and folder is not None:
        raise ProblemError(f"{option} and a kept run are two points: give one of them.")
    if folder is not None:
        from ncsolve.spectra.runs import kept_end

        return kept_end(folder, problem)
    return parse_point(problem, text, option) if text is not None else problem.start_point(np.random.default_rng(seed))


def parse_range(text: str, option: str) -> tuple[str, tuple[float, float]]:
    """The name and both ends of "lam=0:2"."""
    name, equals, sides = text.partition("=")
    ends = sides.split(":")
    if not (name.strip() and equals) or len(ends) != 2 or not all(end.strip() for end in ends):
        raise ProblemError(f"{option}: {text!r} is not NAME=LOW:HIGH.")
    return name.strip(), (number(ends[0], option), number(ends[1], option))


def position(variable: Variable, index: str, option: str) -> tuple[int, ...]:
    """ "0,2" -> (0, 2), checked against the variable's shape."""
    parts = [part.strip() for part in index.split(",")]
    place = tuple(int(part) for part in parts if part.isdecimal())
    fits = len(place) == len(parts) == len(variable.shape)
    if not fits or any(k >= size for k, size in zip(place, variable.shape, strict=True)):
        shape = f"its shape is {variable.shape}" if variable.shape else "it is a single number"
        raise ProblemError(f"{option}: there is no {variable.name}[{index}]; {shape}.")
    return place


def side(text: str, option: str) -> float:
    """A finite end of an interval."""
    if text.strip().lstrip("+-").lower() in ("inf", "infinity", "oo"):
        raise ProblemError(f"{option}: leave a side out where the box is unbounded, as in x=0: and x=:1.")
    return number(text, option)


def number(text: str, option: str) -> float:
    try:
        value = float(text)
    except ValueError:
        raise ProblemError(f"{option}: {text.strip()!r} is not a number.") from None
    if value - value != 0:
        raise ProblemError(f"{option}: {text.strip()} is not a finite number.")
    return value


def given_twice(twice: bool, what: str, option: str) -> None:
    if twice:
        raise ProblemError(f"{option} gives {what.partition('=')[0].strip()} twice.")
