"""Options of a solver: the fields of a frozen dataclass, declared once and used for checks, help, listings and JSON."""

from __future__ import annotations

import math
import types
from collections.abc import Mapping
from dataclasses import MISSING, Field, dataclass, field, fields, is_dataclass
from functools import cache
from numbers import Integral, Real
from typing import Any, Literal, Union, get_args, get_origin, get_type_hints

from ncsolve.errors import OptionError, PluginError, did_you_mean
from ncsolve.solving.asking import asked, who

__all__ = ["Option", "alternatives", "configure", "option", "option_values", "options_of"]

TRUE, FALSE = ("true", "yes", "on", "1"), ("false", "no", "off", "0")


def option(
    default: Any,
    help: str = "",
    *,
    above: float | None = None,
    at_least: float | None = None,
    below: float | None = None,
    at_most: float | None = None,
) -> Any:
    """Declare an option of a solver: a dataclass field with its help and its range.

    step_size: float = option(0.1, "length of a step", above=0)

    A plain `step_size: float = 0.1` works as well, without help and range.
    """
    limits = {"above": above, "at_least": at_least, "below": below, "at_most": at_most}
    if not isinstance(help, str) or not all(value is None or isinstance(value, Real) for value in limits.values()):
        raise PluginError("option(): help must be a text, and above, at_least, below and at_most numbers.")
    metadata = {"help": help, **{name: limit for name, limit in limits.items() if limit is not None}}
    return field(default=default, metadata=metadata)


@dataclass(frozen=True)
class Option:
    """One option of a solver, as help, listings and checks see it."""

    name: str
    type: Any
    default: Any
    help: str
    limits: Mapping[str, float]

    @property
    def type_name(self) -> str:
        """The type as a reader would write it: `float`, `int or none`, `'fast' or 'exact'`."""
        return " or ".join(_name_of(kind) for kind in alternatives(self.type))

    @property
    def range(self) -> str:
        """The range in words, such as "above 0, below 1", or ""."""
        return ", ".join(f"{name.replace('_', ' ')} {limit:g}" for name, limit in self.limits.items())

    def convert(self, value: Any, owner: str) -> Any:
        """Return `value`, perhaps written as text, in the type of the option. Raises OptionError."""
        for kind in alternatives(self.type):
            try:
                converted = _converted(value, kind)
            except ValueError:
                continue
            self._check_range(converted, owner)
            return converted
        raise OptionError(
            f"Option '{self.name}' of {owner} must be {self.type_name}, not {value!r}.{self._hint(value)}"
        )

    def _check_range(self, value: Any, owner: str) -> None:
        if isinstance(value, bool) or not isinstance(value, Real):
            return
        finite = math.isfinite(value) or value == self.default
        inside = all(_within(value, name, limit) for name, limit in self.limits.items())
        if not (finite and inside):
            wanted = self.range or "a finite number"
            raise OptionError(f"Option '{self.name}' of {owner} must be {wanted}, but it is {value:g}.")

    def _hint(self, value: Any) -> str:
        words = [
            str(choice) for kind in alternatives(self.type) if get_origin(kind) is Literal for choice in get_args(kind)
        ]
        return did_you_mean(str(value), words)


def options_of(solver: type) -> tuple[Option, ...]:
    """Return the options that a solver class declares, in the order of its fields."""
    if hasattr(solver, "declared_options"):
        declared = asked(solver, "declared_options()", lambda: tuple(solver.declared_options()))
        if not all(isinstance(each, Option) for each in declared):
            raise PluginError(f"{who(solver)} declares options that are no nc.Option.")
        return declared  # type: ignore[no-any-return]
    if not is_dataclass(solver):
        raise PluginError(
            f"Solver class {solver.__qualname__} is not a dataclass. Write @dataclass(frozen=True) above it."
        )
    return _of_fields(solver)


@cache  # annotations are text, and what they mean takes as long to find out as a small solve
def _of_fields(solver: type) -> tuple[Option, ...]:
    try:
        hints = get_type_hints(solver)
    except NameError as error:
        raise PluginError(
            f"Solver class {solver.__qualname__}: {error} in an annotation. Import it at run time."
        ) from None
    return tuple(_option(declared, hints[declared.name]) for declared in fields(solver) if declared.init)


def configure(solver: Any, values: Mapping[str, Any]) -> Any:
    """Make an instance of a solver class, or change one, with these options, converted and checked.

    Raises OptionError for an unknown name (with the nearest one), a wrong type or a value out of range.
    """
    cls = solver if isinstance(solver, type) else type(solver)
    owner = f"solver '{getattr(cls, 'name', cls.__qualname__)}'"
    declared = {each.name: each for each in options_of(cls)}
    given = {} if solver is cls else option_values(solver)
    for name, value in {**given, **values}.items():
        if name not in declared:
            raise OptionError(_unknown(name, owner, declared))
        given[name] = declared[name].convert(value, owner)
    missing = [name for name, each in declared.items() if each.default is MISSING and name not in given]
    if missing:
        raise OptionError(f"{owner[0].upper()}{owner[1:]} needs a value for its option '{missing[0]}'.")
    made = asked(cls, "__init__", cls, **given)
    if hasattr(cls, "__getattr__"):  # the core asks for much that need not be there
        asked(cls, "__getattr__()", getattr, made, "_an_attribute_that_is_not_there", None)
    return made


def option_values(solver: Any) -> dict[str, Any]:
    """Return the options of a solver instance by name: of a wrapped one, those that were given."""
    if hasattr(solver, "declared_options"):
        return dict(solver.options)
    return {declared.name: getattr(solver, declared.name) for declared in fields(solver) if declared.init}


def _option(declared: Field[Any], kind: Any) -> Option:
    limits = {
        name: value for name, value in declared.metadata.items() if name in ("above", "below", "at_least", "at_most")
    }
    default = declared.default if declared.default_factory is MISSING else declared.default_factory()
    return Option(declared.name, kind, default, declared.metadata.get("help", ""), limits)


def _unknown(name: str, owner: str, declared: Mapping[str, Option]) -> str:
    there = f"Its options are {', '.join(declared)}." if declared else "It has no options."
    return f"There is no option '{name}' of {owner}.{did_you_mean(name, declared)} {there}"


def alternatives(kind: Any) -> tuple[Any, ...]:
    """The members of a union, None first so that the text "none" is not taken for a string."""
    members = get_args(kind) if get_origin(kind) in (Union, types.UnionType) else (kind,)
    return tuple(sorted(members, key=lambda member: member is not type(None)))


def _name_of(kind: Any) -> str:
    if get_origin(kind) is Literal:
        return " or ".join(map(repr, get_args(kind)))
    if kind is type(None):
        return "none"
    return {float: "a number", int: "an integer", bool: "true or false", str: "text"}.get(
        kind, getattr(kind, "__name__", str(kind))
    )


def _within(value: Any, name: str, limit: float) -> bool:
    return bool(
        {"above": value > limit, "below": value < limit, "at_least": value >= limit, "at_most": value <= limit}[name]
    )


def _converted(value: Any, kind: Any) -> Any:
    """Return `value` as `kind`, or raise ValueError."""
    if get_origin(kind) is Literal:
        return _choice(value, get_args(kind))
    if kind in _CONVERTERS:
        return _CONVERTERS[kind](value)
    fits = kind is Any or not isinstance(kind, type) or isinstance(value, kind)
    if isinstance(value, str) or not fits:
        raise ValueError(value)
    return value


def _choice(value: Any, choices: tuple[Any, ...]) -> Any:
    for choice in choices:
        if value == choice or (isinstance(value, str) and value == str(choice)):
            return choice
    raise ValueError(value)


def _none(value: Any) -> None:
    if value is not None and not (isinstance(value, str) and value.lower() == "none"):
        raise ValueError(value)


def _bool(value: Any) -> bool:
    text = str(value).lower()
    if text not in TRUE + FALSE or not isinstance(value, (bool, str)):
        raise ValueError(value)
    return text in TRUE


def _float(value: Any) -> float:
    if isinstance(value, bool) or not isinstance(value, (str, Real)):
        raise ValueError(value)
    number = float(value)
    if math.isnan(number):
        raise ValueError(value)
    return number


def _int(value: Any) -> int:
    if isinstance(value, Integral) and not isinstance(value, bool):
        return int(value)
    number = _float(value)
    if not number.is_integer():
        raise ValueError(value)
    return int(number)


def _str(value: Any) -> str:
    if not isinstance(value, str):
        raise ValueError(value)
    return value


_CONVERTERS = {type(None): _none, bool: _bool, float: _float, int: _int, str: _str}
