"""What plugins provide: found through entry points, loaded one by one, so that a broken one harms nobody else."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from functools import cache
from importlib.metadata import EntryPoint, entry_points
from typing import Any

import pluggy

from ncsolve.errors import NcsolveError, OptionError, PluginError, did_you_mean
from ncsolve.hooks import specs
from ncsolve.texts import in_words

__all__ = ["Plugin", "Registry", "registry"]

HOST = "ncsolve"
"""The distribution whose plugins come first, so that no stranger's can take their names."""


@dataclass
class Plugin:
    """One entry point and what became of it."""

    name: str
    distribution: str
    version: str
    errors: list[str] = field(default_factory=list)
    provides: dict[str, list[str]] = field(default_factory=dict)
    """{"solvers": [names], ...}, filled when the hook has been called."""
    module: Any = None

    @property
    def ok(self) -> bool:
        return not self.errors

    @property
    def error(self) -> str | None:
        return "; ".join(self.errors) or None


class Registry:
    """All plugins and what they provide. Each kind of thing is asked for once, when it is first needed."""

    def __init__(self, found: Iterable[EntryPoint] | None = None) -> None:
        self._manager = _Manager(specs.GROUP)
        self._manager.add_hookspecs(specs)
        self._tables: dict[str, dict[str, Any]] = {}
        self._plugins: list[Plugin] = []
        for entry, name, version in _in_order(entry_points(group=specs.GROUP) if found is None else found):
            self._plugins.append(self._loaded(entry, name, version))

    def solvers(self) -> dict[str, type]:
        """Solver classes by name."""
        return self._table("solvers", _checked_solver)

    def problems(self) -> dict[str, Any]:
        """Problems, functions that return one, or paths of files, by name."""
        return self._table("problems", _checked_named)

    def theorems(self) -> dict[str, Any]:
        """Theorem classes by name."""
        return self._table("theorems", _checked_class)

    def backends(self) -> dict[str, Any]:
        """What makes a backend of a derivation, by name."""
        return self._table("backends", _checked_backend)

    def register_commands(self, cli: Any) -> None:
        """Let every plugin add its commands to the command line."""
        for plugin in self._plugins:
            self._call(plugin, "commands", cli=cli)

    def plugins(self) -> list[Plugin]:
        """Every plugin with what it provides and what is wrong with it."""
        self.solvers(), self.problems(), self.theorems(), self.backends()
        return list(self._plugins)

    def solver(self, name: str) -> type:
        """Return the solver class of this name, in any case. Raises OptionError, with the nearest name."""
        solvers = self.solvers()
        if name in solvers:
            return solvers[name]
        for known, solver in solvers.items():
            if known.lower() == name.lower().replace("_", "-"):
                return solver
        broken = [f" Plugin '{plugin.name}' is broken: {plugin.error}." for plugin in self._plugins if not plugin.ok]
        raise OptionError(
            f"There is no solver '{name}'.{did_you_mean(name, solvers)} `ncsolve solvers` lists them.{''.join(broken)}"
        )

    def _loaded(self, entry: EntryPoint, distribution: str, version: str) -> Plugin:
        plugin = Plugin(entry.name, distribution, version)
        twin = next((other for other in self._plugins if other.name == entry.name), None)
        if twin is not None:
            plugin.errors.append(f"its entry-point name '{entry.name}' is taken by distribution '{twin.distribution}'")
            return plugin
        try:
            plugin.module = entry.load()
            self._manager.register(plugin.module, name=entry.name)
            self._manager.check_pending()
        except KeyboardInterrupt:
            raise
        except BaseException as error:  # a plugin may raise anything, and harms itself alone
            plugin.errors.append(_in_words(error))
            if self._manager.has_plugin(entry.name):
                self._manager.unregister(name=entry.name)
            plugin.module = None
        return plugin

    def _table(self, kind: str, checked: Callable[..., tuple[str, Any]]) -> dict[str, Any]:
        if kind not in self._tables:
            table: dict[str, Any] = {}
            owners: dict[str, Plugin] = {}
            for plugin in self._plugins:
                self._call(plugin, kind, register=_register(plugin, kind, table, owners, checked))
            self._tables[kind] = table
        return self._tables[kind]

    def _call(self, plugin: Plugin, kind: str, **arguments: Any) -> None:
        """Call one hook of one plugin."""
        if plugin.module is None:
            return
        others = [other.module for other in self._plugins if other is not plugin and other.module is not None]
        try:
            self._manager.subset_hook_caller(f"ncsolve_register_{kind}", others)(**arguments)
        except KeyboardInterrupt:
            raise
        except BaseException as error:  # a plugin may raise anything, and harms itself alone
            plugin.errors.append(_in_words(error))


class _Manager(pluggy.PluginManager):
    """Takes a function with the name of a hook for one, whether or not it is marked; a misspelled one is an error."""

    def parse_hookimpl_opts(self, plugin: Any, name: str) -> Any:
        options = super().parse_hookimpl_opts(plugin, name)
        if options is None and name.startswith("ncsolve_register_") and inspect.isfunction(getattr(plugin, name, None)):
            return {
                "wrapper": False,
                "hookwrapper": False,
                "optionalhook": False,
                "tryfirst": False,
                "trylast": False,
                "specname": None,
            }
        return options


@cache
def registry() -> Registry:
    """The registry of this process."""
    return Registry()


def _register(
    plugin: Plugin, kind: str, table: dict[str, Any], owners: dict[str, Plugin], checked: Callable[..., tuple[str, Any]]
) -> Callable[..., None]:
    """The function that a hook of one plugin is called with. A wrong registration is recorded and spoils no other."""

    def register(*things: Any) -> None:
        try:
            name, thing = checked(*things)
        except Exception as error:
            plugin.errors.append(_in_words(error))
            return
        if name in table:
            owner = owners[name]
            plugin.errors.append(
                f"its {kind[:-1]} '{name}' is already provided by plugin '{owner.name}' "
                f"of distribution '{owner.distribution}'"
            )
            return
        table[name], owners[name] = thing, plugin
        plugin.provides.setdefault(kind, []).append(name)

    return register


def _checked_solver(solver: Any) -> tuple[str, Any]:
    from ncsolve.solving import check_contract

    check_contract(solver)
    return solver.name, solver


def _checked_class(thing: Any) -> tuple[str, Any]:
    if not isinstance(getattr(thing, "name", None), str):
        raise PluginError(f'{thing!r} has no name. Write: name: ClassVar[str] = "...".')
    return thing.name, thing


def _checked_named(name: Any, thing: Any) -> tuple[str, Any]:
    if not isinstance(name, str) or not name:
        raise PluginError(f"{name!r} is not a name. Call register(name, thing).")
    return name, thing


def _checked_backend(name: Any, factory: Any) -> tuple[str, Any]:
    if not callable(factory):
        raise PluginError(f"backend {name!r} is not callable. Call register(name, factory), with factory(derivation).")
    return _checked_named(name, factory)


def _in_order(found: Iterable[EntryPoint]) -> list[tuple[EntryPoint, str, str]]:
    """Entry points with name and version of their distributions, ours first."""
    known: dict[int, tuple[str, str]] = {}  # metadata are parsed whenever one of both is asked for: milliseconds
    listed = []
    for entry in found:
        key = id(entry.dist)
        if key not in known:
            known[key] = (entry.dist.name, entry.dist.version) if entry.dist else ("unknown", "")
        listed.append((entry, *known[key]))
    return sorted(listed, key=lambda each: (each[1] != HOST, each[1], each[0].name))


def _in_words(error: BaseException) -> str:
    return str(error) if isinstance(error, NcsolveError) else in_words(error)
