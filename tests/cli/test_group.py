"""The command line as a whole: help, start-up, interrupts, commands of plugins."""

import signal
import subprocess
import sys

import click
import pytest

from ncsolve import api
from ncsolve.cli.group import COMMANDS, Commands
from ncsolve.errors import PluginError


def test_help_lists_every_command(run):
    for arguments in (["--help"], ["-h"]):
        result = run(*arguments)
        assert result.exit_code == 0
        for name in COMMANDS:
            assert f"\n  {name} " in result.stdout


@pytest.mark.parametrize("name", [*COMMANDS, "plugins list", "plugins new", "plugins test"])
def test_every_command_has_help(run, name):
    result = run(*name.split(), "--help")
    assert result.exit_code == 0
    assert result.stdout.startswith(f"Usage: ncsolve {name} ")


def test_version(run):
    assert run("--version").stdout.startswith("ncsolve 0.")


@pytest.mark.parametrize("arguments", ["--help", "--version", "solve --help", "plugins --help"])
def test_help_imports_nothing_heavy(arguments):
    code = f"""
import sys
from ncsolve.cli import cli
cli({arguments.split()!r}, standalone_mode=False)
sys.exit(" ".join({{"numpy", "scipy", "sympy", "matplotlib", "rich"}} & set(sys.modules)) or None)
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (0, "")


def test_the_console_script_runs():
    done = subprocess.run([sys.executable, "-m", "ncsolve", "solve", "himmelblau"], capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith("minimum of 'himmelblau'")


@pytest.mark.parametrize("command", ["solve himmelblau -s gd", "compare himmelblau -s gd --seeds 3"])
def test_an_interrupted_run_is_printed(run, monkeypatch, command):
    """Ctrl-C in the middle of a run: what was found is printed, and the exit code is 130."""
    whole = api.solve

    def interrupted(*arguments, **options):
        def press(look):
            if look.iteration == 5:
                signal.raise_signal(signal.SIGINT)

        return whole(*arguments, callbacks=[press], **options)

    monkeypatch.setattr(api, "solve", interrupted)
    before = signal.signal(signal.SIGINT, signal.default_int_handler)  # a process in the background ignores it
    try:
        result = run(*command.split())
    finally:
        signal.signal(signal.SIGINT, before)
    assert result.exit_code == 130
    assert "INTERRUPTED" in result.stdout
    assert result.stdout.count("INTERRUPTED") == 1


def test_an_interrupt_before_the_run(run, problem_file):
    result = run("solve", problem_file("raise KeyboardInterrupt"))
    assert (result.exit_code, result.stdout, result.stderr) == (130, "", "Interrupted.\n")


def test_commands_of_plugins(monkeypatch, run):
    from ncsolve import hooks
    from ncsolve.cli import cli

    def register(group):
        group.add_command(click.Command("dance", callback=lambda: click.echo("la la"), short_help="Dances."))

    monkeypatch.setattr(hooks, "register_commands", register)
    monkeypatch.setattr(cli, "plugins_loaded", False)
    monkeypatch.setattr(cli, "commands", {})
    assert "dance" in run("--help").stdout
    assert run("dance").stdout == "la la\n"
    assert "'dance'" in run("danc").stderr


@pytest.mark.parametrize("name", ["solve", "dance"])
def test_a_plugin_cannot_take_a_command(name):
    group = Commands("ncsolve", commands={"dance": click.Command("dance")})
    with pytest.raises(PluginError, match=f"its command '{name}' exists already"):
        group.add_command(click.Command(name))
