"""`ncsolve plugins`: list them, begin a new one, test one."""

from __future__ import annotations

import re
import subprocess
import sys
import tempfile
from importlib.util import find_spec
from pathlib import Path

import click

from ncsolve.cli.options import json_option
from ncsolve.cli.say import say
from ncsolve.errors import MissingExtra, OptionError, did_you_mean

TEMPLATE = Path(__file__).parent / "templates" / "plugin"
NAME = re.compile(r"[a-z][a-z0-9]*(-[a-z0-9]+)*")

KIT = """\
from ncsolve.hooks import registry
from ncsolve.testing import SolverTests

for name in {names!r}:
    globals()["Test " + name] = type("Test " + name, (SolverTests,), {{"solver": registry().solver(name)}})
"""


@click.group("plugins", short_help="List plugins, begin a new one, test one.")
def command() -> None:
    """List the plugins that are installed, begin a new one, or test one."""


@command.command("list")
@json_option
def list_plugins(as_json: bool) -> None:
    """List the plugins, what they provide and, where one is broken, why."""
    from ncsolve.hooks import registry
    from ncsolve.report.data import to_json
    from ncsolve.report.table import print_table

    plugins = registry().plugins()
    if as_json:
        keys = ("name", "distribution", "version", "ok", "error", "provides")
        say(to_json({"plugins": [{key: getattr(plugin, key) for key in keys} for plugin in plugins]}))
    else:
        rows = [
            [
                p.name,
                f"{p.distribution} {p.version}",
                "; ".join(f"{kind}: {', '.join(names)}" for kind, names in p.provides.items()),
                p.error or "ok",
            ]
            for p in plugins
        ]
        print_table(["plugin", "distribution", "provides", "state"], rows)


@command.command("new")
@click.argument("name", help="Of the solver: lower case, words joined by hyphens.")
def new(name: str) -> None:
    """Write the folder ncsolve-NAME: a distribution with one solver and its tests, ready to be installed."""
    from ncsolve.hooks import registry

    if not NAME.fullmatch(name):
        raise OptionError(
            f"'{name}' is no name for a solver: use lower-case letters, digits and hyphens, such as my-solver."
        )
    if name in registry().solvers():
        raise OptionError(f"There is a solver '{name}' already. Choose another name.")
    folder = Path(f"ncsolve-{name}")
    if folder.exists():
        raise OptionError(f"{folder} exists already. Choose another name, or remove it.")
    for source in sorted(TEMPLATE.rglob("*")):
        if source.is_file() and source.suffix != ".pyc":
            target = folder / renamed(str(source.relative_to(TEMPLATE)), name)
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_text(renamed(source.read_text(encoding="utf-8"), name), encoding="utf-8")
    say(f"{folder} is written. Next: pip install -e {folder} && ncsolve solve himmelblau -s {name}")


def renamed(text: str, name: str) -> str:
    """The template's own names replaced by those of `name`, in every spelling."""
    title = "".join(word.capitalize() for word in name.split("-"))
    return (
        text.replace("my-solver", name)
        .replace("my_solver", name.replace("-", "_"))
        .replace("MySolver", title)
        .replace("MyState", f"{title}State")
    )


@command.command("test")
@click.argument("name", help="A plugin that `ncsolve plugins list` shows.")
def test(name: str) -> None:
    """Run the kit `nc.testing.SolverTests` over every solver of a plugin. Exit code: 0 all pass; 5 one fails."""
    from ncsolve.hooks import registry

    plugins = {plugin.name: plugin for plugin in registry().plugins()}
    if name not in plugins:
        raise OptionError(
            f"There is no plugin '{name}'.{did_you_mean(name, plugins)} `ncsolve plugins list` shows them."
        )
    plugin = plugins[name]
    if not plugin.ok:
        raise OptionError(f"Plugin '{name}' is broken: {plugin.error}.")
    solvers = plugin.provides.get("solvers", [])
    if not solvers:
        raise OptionError(f"Plugin '{name}' has no solver to test.")
    if find_spec("pytest") is None:
        raise MissingExtra("pytest", "test")
    with tempfile.TemporaryDirectory() as folder:
        kit = Path(folder, "test_plugin.py")
        kit.write_text(KIT.format(names=solvers))
        done = subprocess.run(
            [sys.executable, "-m", "pytest", "-q", "-W", "error", "-p", "no:cacheprovider", str(kit)], cwd=folder
        )
    click.get_current_context().exit(0 if done.returncode == 0 else 5)
