"""Texts of `-p key=value`, converted for the function that makes a problem."""

from __future__ import annotations

import inspect
import types
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Literal, Union, get_args, get_origin

from ncsolve.errors import ProblemError, did_you_mean

__all__ = ["converted", "signature"]

_TRUE, _FALSE = ("true", "yes", "on", "1"), ("false", "no", "off", "0")


def signature(factory: Callable[..., Any]) -> Mapping[str, inspect.Parameter]:
    """Return the parameters of a function, annotations evaluated where that is possible."""
    try:
        return inspect.signature(factory, eval_str=True).parameters
    except NameError:
        return inspect.signature(factory).parameters


def converted(arguments: Mapping[str, Any], factory: Callable[..., Any], where: str) -> dict[str, Any]:
    """Return keyword arguments for `factory`: texts converted by annotation or default, anything else as it is.

    Raises `ProblemError` for an unknown, missing or ill-typed parameter.
    """
    parameters = signature(factory)
    named = {name: p for name, p in parameters.items() if p.kind in (p.POSITIONAL_OR_KEYWORD, p.KEYWORD_ONLY)}
    takes_any = any(p.kind is p.VAR_KEYWORD for p in parameters.values())
    for name in arguments:
        if name not in named and not takes_any:
            there = f"Its parameters are {', '.join(named)}." if named else "It has no parameters."
            raise ProblemError(f"{where} has no parameter '{name}'.{did_you_mean(name, named)} {there}")
    for name, parameter in named.items():
        if parameter.default is parameter.empty and name not in arguments:
            raise ProblemError(f"{where} needs the parameter '{name}': add -p {name}=...")
    return {
        name: _convert(value, _wanted(named.get(name)), f"-p {name}={value}") if isinstance(value, str) else value
        for name, value in arguments.items()
    }


def _wanted(parameter: inspect.Parameter | None) -> Any:
    """The type that a parameter asks for; None where it does not say."""
    if parameter is None:
        return None
    if parameter.annotation is not parameter.empty and not isinstance(parameter.annotation, str):
        return parameter.annotation
    has_default = parameter.default is not parameter.empty and parameter.default is not None
    return type(parameter.default) if has_default else None


def _convert(text: str, wanted: Any, what: str) -> Any:
    if wanted is None or wanted is Any:
        return _guess(text)
    if get_origin(wanted) is Literal:
        return _choice(text, get_args(wanted), what)
    if get_origin(wanted) in (Union, types.UnionType):
        return _first_fitting(text, get_args(wanted), what)
    if wanted not in _CONVERTERS:
        kind = getattr(wanted, "__name__", str(wanted))
        raise ProblemError(
            f"{what}: a parameter of type {kind} cannot be given as text. Call the function from Python."
        )
    try:
        return _CONVERTERS[wanted](text)
    except ValueError:
        article = "an" if wanted is int else "a"
        raise ProblemError(f"{what}: '{text}' is not {article} {wanted.__name__}.") from None


def _first_fitting(text: str, alternatives: tuple[Any, ...], what: str) -> Any:
    if type(None) in alternatives and text.lower() == "none":
        return None
    alternatives = tuple(wanted for wanted in alternatives if wanted is not type(None))
    for wanted in alternatives[:-1]:
        try:
            return _convert(text, wanted, what)
        except ProblemError:
            continue
    return _convert(text, alternatives[-1], what)


def _choice(text: str, choices: tuple[Any, ...], what: str) -> Any:
    by_text = {str(choice): choice for choice in choices}
    if text not in by_text:
        raise ProblemError(f"{what}: choose one of {', '.join(by_text)}.{did_you_mean(text, by_text)}")
    return by_text[text]


def _integer(text: str) -> int:
    """Also 1e6, which is how people write a large n."""
    try:
        return int(text)
    except ValueError:
        number = float(text)
        if not number.is_integer():
            raise
        return int(number)


def _truth(text: str) -> bool:
    if text.lower() not in _TRUE + _FALSE:
        raise ValueError(text)
    return text.lower() in _TRUE


def _path(text: str) -> Path:
    return Path(text).expanduser()


def _guess(text: str) -> int | float | str:
    for convert in (int, float):
        try:
            return convert(text)
        except ValueError:
            continue
    return text


_CONVERTERS: Mapping[Any, Callable[[str], Any]] = {
    bool: _truth,
    int: _integer,
    float: float,
    str: str,
    Path: _path,
    type(Path()): _path,
}
