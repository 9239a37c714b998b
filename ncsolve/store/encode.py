"""Data as JSON and arrays, and back: no code is stored, and none is run where it is read."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import fields, is_dataclass
from importlib import import_module
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ncsolve.errors import StoreError

__all__ = ["Classes", "decode", "encode"]

Arrays = list[NDArray[Any]]
Classes = Callable[[str], type]
"""The dataclass or named tuple for "module:qualified name"; raises StoreError for one that is not to be made."""


def encode(value: Any, arrays: Arrays) -> Any:
    """`value` as data for JSON, its arrays appended to `arrays`: one that occurs twice is stored once.

    Numbers keep their bits and types; None, text, lists, tuples, named ones, dicts with text as keys and dataclasses
    their structure. Raises StoreError for anything else.
    """
    places = {id(array): k for k, array in enumerate(arrays)}

    def put(value: Any) -> Any:
        if value is None or type(value) in (bool, int, str):
            return value
        if type(value) is float:
            return ["float", value.hex()]
        if isinstance(value, (np.ndarray, np.generic)):
            return _put_array(value, arrays, places)
        if type(value) in (tuple, list):
            return [type(value).__name__, [put(item) for item in value]]
        if isinstance(value, Mapping) and all(type(key) is str for key in value):
            return ["dict", {key: put(item) for key, item in value.items()}]
        if names := _fields(type(value)):
            name = f"{type(value).__module__}:{type(value).__qualname__}"
            return ["data", name, {name: put(getattr(value, name)) for name in names}]
        raise StoreError(f"it holds a {type(value).__name__}, which is neither an array nor a number")

    return put(value)


def _put_array(value: Any, arrays: Arrays, places: dict[int, int]) -> Any:
    if value.dtype.kind not in "fiub":
        raise StoreError(f"it holds an array of type {value.dtype}, which is no data")
    if id(value) not in places:
        places[id(value)] = len(arrays)
        arrays.append(value if isinstance(value, np.ndarray) else np.asarray(value))
        if not isinstance(value, np.ndarray):
            places.pop(id(value))  # a scalar is gone once it is copied, and another may get its place
            return ["scalar", len(arrays) - 1]
    return ["array", places[id(value)], bool(value.flags.writeable)]


def decode(value: Any, arrays: Sequence[NDArray[Any]], classes: Classes) -> Any:
    """What `encode` was given. Arrays that were one are one again. Raises StoreError."""
    if not isinstance(value, list):
        return value
    kind, content, *rest = value
    if kind == "float":
        return float.fromhex(content)
    if kind == "scalar":
        return arrays[content][()]
    if kind == "array":
        array = arrays[content]
        if not rest[0]:
            array.flags.writeable = False
        return array
    if kind in ("tuple", "list"):
        items = [decode(item, arrays, classes) for item in content]
        return tuple(items) if kind == "tuple" else items
    if kind == "dict":
        return {key: decode(item, arrays, classes) for key, item in content.items()}
    return _made(classes(content), {key: decode(item, arrays, classes) for key, item in rest[0].items()})


def _fields(cls: type) -> tuple[str, ...]:
    """Names of the fields of a dataclass or a named tuple; () for any other class."""
    if is_dataclass(cls):
        return tuple(field.name for field in fields(cls))
    return tuple(getattr(cls, "_fields", ())) if issubclass(cls, tuple) else ()


def _made(cls: type, values: Mapping[str, Any]) -> Any:
    """An instance with these fields; its __init__ is not called."""
    names = _fields(cls)
    if set(names) != set(values):
        differ = ", ".join(sorted(set(names) ^ set(values)))
        raise StoreError(f"{cls.__qualname__} has other fields than the one that was saved: {differ}")
    if issubclass(cls, tuple):
        return tuple.__new__(cls, (values[name] for name in names))
    made: Any = object.__new__(cls)
    for name, value in values.items():
        object.__setattr__(made, name, value)
    return made


def classes_of(roots: set[str], state_type: type) -> Classes:
    """Dataclasses and named tuples of the packages `roots`, and the solver's own state; nothing else is looked up."""

    def find(name: str) -> type:
        module, _, qualified = name.partition(":")
        if name == f"{state_type.__module__}:{state_type.__qualname__}":
            return state_type
        found: Any = None
        if module.partition(".")[0] in roots and "<" not in qualified:
            try:
                found = import_module(module)
                for part in qualified.split("."):
                    found = getattr(found, part)
            except (ImportError, AttributeError):
                found = None
        if not (isinstance(found, type) and _fields(found)):
            raise StoreError(f"there is no dataclass '{name}' of a known solver")
        return found

    return find
