"""The options of SciPy's methods, read from SciPy itself when they are first asked for."""

from __future__ import annotations

import inspect
import re
from collections.abc import Iterator
from functools import cache
from typing import Any, Union

import numpy as np

from ncsolve.solving import Option

OURS = {
    "accept_test", "args", "bounds", "callback", "constraints", "disp", "finite_diff_rel_step", "fun", "func", "hess",
    "hessp", "integrality", "iprint", "jac", "method", "minimizer_kwargs", "options", "return_all", "rng", "seed",
    "sparse_jacobian", "take_step", "vectorized", "verbose", "workers", "x0",
}  # fmt: skip
"""What ncsolve itself sets, or what only numerical differentiation and printing need."""

ENTRY = re.compile(r"^(\w+(?:, \w+)*) *: *(.+)$")
SECTION = re.compile(r"^(\w[\w ]*)\n-+$", re.MULTILINE)
TYPES = {"float": float, "number": float, "int": int, "integer": int, "bool": bool, "str": str}
ARRAYS = (tuple, list, np.ndarray)

MAXITER = Option("maxiter", int | None, None, "Maximum number of iterations", {})
"""All but TNC take it, but not all pages name it."""


@cache
def minimize_options(method: str) -> tuple[Option, ...]:
    """Those of a method of scipy.optimize.minimize, from the text of scipy.optimize.show_options."""
    from scipy.optimize import show_options

    found = dict(_documented(show_options("minimize", method, disp=False)))
    if method == "trust-krylov":  # its page leaves out what it takes besides its own
        found |= {option.name: option for option in minimize_options("trust-ncg")}
    if method != "tnc":
        found.setdefault("maxiter", MAXITER)
    return tuple(found.values())


@cache
def function_options(function: str) -> tuple[Option, ...]:
    """Those of a function of scipy.optimize, from its signature."""
    import scipy.optimize

    parameters = inspect.signature(getattr(scipy.optimize, function)).parameters
    return tuple(
        Option(name, _type_like(parameter.default), None, f"SciPy's own: {parameter.default!r}", {})
        for name, parameter in parameters.items()
        if name not in OURS and not callable(parameter.default)
    )


def _documented(text: str) -> Iterator[tuple[str, Option]]:
    """Entries `name, name : type` with the first sentence below them, in the sections Options and Parameters."""
    text = inspect.cleandoc(text)
    titles = list(SECTION.finditer(text))
    for title, following in zip(titles, [*titles[1:], None], strict=False):
        if title[1] not in ("Options", "Parameters"):
            continue
        lines = text[title.end() : following.start() if following else None].splitlines()
        for k, line in enumerate(lines):
            if (entry := ENTRY.match(line)) is None:
                continue
            for name in entry[1].split(", "):
                if name in OURS or name == "eps":  # of numerical differentiation
                    continue
                yield name, Option(name, _type_of(entry[2]), None, _sentence(lines[k + 1 :]), {})


def _sentence(lines: list[str]) -> str:
    said = []
    for line in lines:
        if not line.startswith(" "):
            break
        said.append(line.strip())
    return " ".join(said).partition(". ")[0].rstrip(".")


def _type_of(said: str) -> Any:
    """A type from words such as "float or ndarray", "int, optional", "{'a', 'b'}"."""
    named = [kind for word, kind in TYPES.items() if re.search(rf"\b{word}", said)]
    if re.search("array|list|sequence", said):
        named += ARRAYS
    return _union(named or [str])


def _type_like(default: Any) -> Any:
    if default is None or default is inspect.Parameter.empty:
        return _union([int, float])
    if isinstance(default, tuple):
        return _union([float, *ARRAYS])
    return _union([type(default)] if not isinstance(default, int) or isinstance(default, bool) else [int, float])


def _union(kinds: list[Any]) -> Any:
    return Union[(*kinds, type(None))]
