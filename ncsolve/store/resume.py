"""Whether a run may go on: the same problem, versions and options as when it began."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from ncsolve.errors import OptionError, ProblemError, StoreError
from ncsolve.hooks import registry
from ncsolve.problem import load
from ncsolve.problem.files import is_file_reference
from ncsolve.solving import configure, option_values
from ncsolve.store.fingerprint import fingerprint
from ncsolve.store.provenance import all_versions

if TYPE_CHECKING:
    from ncsolve.problem import Problem
    from ncsolve.store.checkpoint import Header

__all__ = ["absolute", "check_same", "configured", "problem_of"]


def absolute(source: str | None) -> str | None:
    """A source whose file is found from any working folder."""
    if source is None:
        return None
    reference, *parameters = source.split(" -p ")
    if is_file_reference(reference):
        path, colon, name = reference.rpartition(":") if not reference.endswith(".py") else (reference, "", "")
        reference = f"{Path(path).resolve()}{colon}{name}"
    return " -p ".join([reference, *parameters])


def problem_of(source: str | None, where: Path) -> Problem:
    """The problem that a source refers to. Raises StoreError where it was declared in Python."""
    if source is None:
        raise StoreError(
            f"{where}: its problem was declared in Python, not in a file. Resume it there: "
            f'nc.resume("{where}", problem).'
        )
    reference, *parameters = source.split(" -p ")
    arguments = dict(parameter.split("=", 1) for parameter in parameters)
    try:
        return load(reference, arguments, registry().problems())
    except ProblemError as error:
        raise StoreError(f"{where}: its problem cannot be loaded; --problem says where it is now. {error}") from error


def check_same(header: Header, problem: Problem, where: Path, any_version: bool) -> None:
    """Raise StoreError, unless problem and versions are those of the header."""
    now = fingerprint(problem)
    if now["all"] != header.fingerprint["all"]:
        parts = [name.replace("_", " ") for name, digest in now.items() if header.fingerprint.get(name) != digest]
        was = f"It was {header.source}. " if header.source else ""
        raise StoreError(
            f"{where} cannot be resumed: problem '{header.problem}' has changed since, in {_listed(parts, 'all')}. "
            f"{was}Start a new run, or restore the problem."
        )
    if not any_version:
        differ = _difference(header.versions, all_versions())
        if differ:
            raise StoreError(
                f"{where} cannot be resumed to the same bits: it began with other versions, {differ}. "
                "Install those, or allow others with --any-version."
            )


def configured(cls: type, options: Mapping[str, Any], where: Path) -> Any:
    """The solver with the options of the run. Raises StoreError where it has others now."""
    try:
        solver = configure(cls, options)
    except OptionError as error:
        raise StoreError(f"{where} cannot be resumed: its options are not those of the solver now. {error}") from error
    differ = _difference(options, option_values(solver))
    if differ:
        raise StoreError(f"{where} cannot be resumed: the solver's options have changed since, {differ}.")
    return solver


def _difference(then: Mapping[str, Any], now: Mapping[str, Any]) -> str:
    names = [name for name in {**then, **now} if not _is_same(then.get(name), now.get(name))]
    return "; ".join(f"{name}: {then.get(name, 'none')} then, {now.get(name, 'none')} now" for name in names)


def _is_same(one: Any, other: Any) -> bool:
    arrays = isinstance(one, np.ndarray) or isinstance(other, np.ndarray)
    return bool(np.array_equal(one, other) if arrays else one == other)


def _listed(names: list[str], leave: str) -> str:
    return ", ".join(name for name in names if name != leave)
