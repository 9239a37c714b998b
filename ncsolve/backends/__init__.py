"""Backends make functions from derivations. `numpy` is complete and the default; nothing above knows which one runs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ncsolve.errors import OptionError, did_you_mean

if TYPE_CHECKING:
    from ncsolve.backends.native_backend import NativeBackend
    from ncsolve.backends.numpy_backend import NumpyBackend
    from ncsolve.graph import Derivation

    Backend = NumpyBackend | NativeBackend

BACKENDS = ("numpy", "numba", "auto")


def make_backend(name: str, derivation: Derivation, cache: dict[str, Any]) -> Backend:
    """The backend of a name; it lives in the cache, with the functions that it has made."""
    if name not in BACKENDS:
        raise OptionError(f"unknown backend '{name}'.{did_you_mean(name, BACKENDS)} Known: {', '.join(BACKENDS)}.")
    name = "numpy" if name == "auto" else name
    key = f"backend:{name}"
    if key not in cache:
        if name == "numba":
            from ncsolve.backends.native_backend import NativeBackend

            cache[key] = NativeBackend(derivation)
        else:
            from ncsolve.backends.numpy_backend import NumpyBackend

            cache[key] = NumpyBackend(derivation)
    backend: Backend = cache[key]
    return backend
