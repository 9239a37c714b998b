"""Plugins are loaded one by one; a broken one is recorded and harms nobody else."""

from __future__ import annotations

import subprocess
import sys
from importlib.metadata import EntryPoint, entry_points
from pathlib import Path

import pytest

from ncsolve.errors import OptionError
from ncsolve.hooks import Registry, registry

SOLVER = '''
from dataclasses import dataclass
from typing import ClassVar

@dataclass(frozen=True)
class Solver:
    """Does nothing. [test]"""
    name: ClassVar[str] = "{name}"
    needs: ClassVar[frozenset] = frozenset({{"gradient"}})
    def init(self, oracle, x0, rng): ...
    def step(self, oracle, state, rng): ...

def ncsolve_register_solvers(register):
    register(Solver)
'''


class Distribution:
    def __init__(self, name, version="1.0"):
        self.name, self.version = name, version


@pytest.fixture
def found(tmp_path, monkeypatch):
    """`found(name="code of the module", ...)`: a registry of exactly these plugins, each of its own distribution."""
    monkeypatch.syspath_prepend(tmp_path)

    def make(_names=None, **modules):
        entries = []
        for module, code in modules.items():
            Path(tmp_path, f"{module}.py").write_text(code)
            sys.modules.pop(module, None)
            entry = EntryPoint((_names or {}).get(module, module), module, "ncsolve")
            entries.append(entry._for(Distribution(f"dist-{module}")))
        return Registry(entries)

    return make


def test_our_own_solvers_come_through_the_same_door():
    assert {"gd", "momentum", "lbfgs", "trust-region", "auto"} <= set(registry().solvers())
    records = {plugin.name: plugin for plugin in registry().plugins()}
    assert {"first-order", "second-order", "auto"} <= set(records)
    assert records["first-order"].distribution == "ncsolve"
    assert {"gd", "momentum"} <= set(records["first-order"].provides["solvers"])
    assert all(plugin.ok and plugin.error is None for plugin in records.values())


def test_a_plugin_needs_no_mark_above_its_hooks_but_may_have_one(found):
    marked = SOLVER.format(name="marked").replace("def ncsolve", "import ncsolve\n@ncsolve.hookimpl\ndef ncsolve")
    plugins = found(plain_one=SOLVER.format(name="plain"), marked_one=marked)
    assert set(plugins.solvers()) == {"plain", "marked"}
    assert [plugin.name for plugin in plugins.plugins()] == ["marked_one", "plain_one"]
    assert plugins.plugins()[0].provides == {"solvers": ["marked"]}
    assert (plugins.plugins()[0].distribution, plugins.plugins()[0].version) == ("dist-marked_one", "1.0")


@pytest.mark.parametrize(
    ("code", "error"),
    [
        ("import no_such_module", "ModuleNotFoundError: No module named 'no_such_module'"),
        ("1 / 0", "ZeroDivisionError: division by zero"),
        ("import sys; sys.exit(3)", "SystemExit: 3"),
        ("def broken(:", "SyntaxError: invalid syntax (broken_one.py, line 1)"),
        ("def ncsolve_register_solvers(register): 1 / 0", "ZeroDivisionError: division by zero"),
        ("def ncsolve_register_solver(register): ...", "unknown hook 'ncsolve_register_solver'"),
        ("def ncsolve_register_solvers(reg): ...", "Argument(s) {'reg'} are declared in the hookimpl"),
        ("def ncsolve_register_solvers(register): register(3)", "Solver class 3 is an instance"),
        ("def ncsolve_register_solvers(register): register(int)", "Solver class int has no name"),
        ("def ncsolve_register_problems(register): register(None, 1)", "None is not a name"),
        ("def ncsolve_register_theorems(register): register(1)", "1 has no name"),
    ],
)
def test_a_broken_plugin_is_recorded_and_the_others_work(found, code, error):
    plugins = found(broken_one=code, good_one=SOLVER.format(name="good"))
    assert set(plugins.solvers()) == {"good"}
    broken, good = plugins.plugins()
    assert (broken.name, broken.ok) == ("broken_one", False)
    assert error in broken.error
    assert good.ok


@pytest.mark.parametrize(
    ("change", "error"),
    [
        (('name: ClassVar[str] = "s"', "x: int = 1"), "has no name. Write: name: ClassVar[str] ="),
        (('"gradient"', '"gradent"'), "Solver 's' needs 'gradent', which is nothing that a problem has. Did you mean"),
        (("def step", "def stop"), "Solver 's' has no method step()"),
        (("@dataclass(frozen=True)", ""), "Solver class Solver is not a dataclass"),
    ],
)
def test_a_solver_that_breaks_the_contract_is_refused_by_name(found, change, error):
    plugins = found(bad_one=SOLVER.format(name="s").replace(*change))
    assert plugins.solvers() == {}
    assert error in plugins.plugins()[0].error


def test_a_solver_name_belongs_to_the_first_and_the_second_hears_of_it(found):
    two = SOLVER.format(name="twin") + "    class Other(Solver): name = 'other'\n    register(Other)\n"
    plugins = found(a_one=SOLVER.format(name="twin"), b_two=two)
    assert plugins.solvers()["twin"].__module__ == "a_one"
    assert plugins.solvers()["other"].__module__ == "b_two"
    first, second = plugins.plugins()
    assert first.ok
    assert second.error == "its solver 'twin' is already provided by plugin 'a_one' of distribution 'dist-a_one'"
    assert second.provides == {"solvers": ["other"]}


def test_an_entry_point_name_belongs_to_the_first_too(found):
    plugins = found({"b_two": "a_one"}, a_one=SOLVER.format(name="one"), b_two=SOLVER.format(name="two"))
    assert set(plugins.solvers()) == {"one"}
    assert plugins.plugins()[1].error == "its entry-point name 'a_one' is taken by distribution 'dist-a_one'"


def test_problems_theorems_and_backends_are_registered_by_name(found):
    plugins = found(
        many="class T: name = 'gd-descent'\n"
        "def ncsolve_register_problems(register): register('mine', lambda: 1)\n"
        "def ncsolve_register_theorems(register): register(T)\n"
        "def ncsolve_register_backends(register): register('tpu', lambda derivation: None)\n"
    )
    assert [list(table) for table in (plugins.problems(), plugins.theorems(), plugins.backends())] == [
        ["mine"],
        ["gd-descent"],
        ["tpu"],
    ]
    assert plugins.plugins()[0].provides == {"problems": ["mine"], "theorems": ["gd-descent"], "backends": ["tpu"]}


def test_a_backend_is_something_that_makes_one(found):
    plugins = found(bare="def ncsolve_register_backends(register): register('tpu', object())\n")
    assert plugins.backends() == {}
    assert plugins.plugins()[0].error == (
        "backend 'tpu' is not callable. Call register(name, factory), with factory(derivation)."
    )


def test_commands_are_added_one_plugin_at_a_time(found):
    plugins = found(
        bad_one="def ncsolve_register_commands(cli): cli.no_such_method()",
        good_one="def ncsolve_register_commands(cli): cli.append('hello')",
    )
    commands = []
    plugins.register_commands(commands)
    assert commands == ["hello"]
    assert "no_such_method" in plugins.plugins()[0].error


def test_an_unknown_solver_is_an_error_with_the_nearest_name_and_the_broken_plugins(found):
    plugins = found(broken_one="1 / 0", good_one=SOLVER.format(name="newton"))
    with pytest.raises(OptionError) as caught:
        plugins.solver("nweton")
    assert str(caught.value) == (
        "There is no solver 'nweton'. Did you mean 'newton'? `ncsolve solvers` lists them. "
        "Plugin 'broken_one' is broken: ZeroDivisionError: division by zero."
    )


def test_every_hook_is_specified_with_one_argument_and_documented():
    from ncsolve.hooks import specs

    hooks = {name: hook for name, hook in vars(specs).items() if name.startswith("ncsolve_register_")}
    kinds = ("solvers", "problems", "theorems", "backends", "commands")
    assert set(hooks) == {f"ncsolve_register_{kind}" for kind in kinds}
    for name, hook in hooks.items():
        assert hook.__doc__
        assert list(hook.__annotations__)[:1] == (["cli"] if name.endswith("commands") else ["register"])


def test_loading_our_plugins_imports_nothing_heavy():
    code = (
        "import sys; from ncsolve.hooks import registry; registry(); "
        "print([m for m in ('numpy', 'scipy', 'sympy', 'rich', 'ncsolve.solving') if m in sys.modules])"
    )
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True).stdout == "[]\n"


def test_importing_ncsolve_imports_nothing_heavy():
    code = "import sys, ncsolve; print([m for m in ('numpy', 'scipy', 'sympy', 'pluggy', 'rich') if m in sys.modules])"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True).stdout == "[]\n"


def test_every_public_name_is_there():
    import ncsolve as nc

    for name in nc.__all__:
        assert getattr(nc, name) is not None
        assert name in dir(nc)
    with pytest.raises(AttributeError, match="module 'ncsolve' has no attribute 'solv'"):
        nc.solv  # noqa: B018
    assert [e.value for e in entry_points(group="ncsolve", name="auto")] == ["ncsolve_auto"]
