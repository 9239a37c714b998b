"""The group `ncsolve`: knows its commands by name, and turns an error of the user into one message and exit code 2."""

from __future__ import annotations

from importlib import import_module
from typing import Any

import click
from click.exceptions import NoSuchCommand

from ncsolve.cli.say import plain, say
from ncsolve.errors import NcsolveError, PluginError

COMMANDS = (
    "solve",
    "resume",
    "runs",
    "report",
    "classify",
    "landscape",
    "continue",
    "spectrum",
    "slice",
    "recheck",
    "check",
    "symmetry",
    "constants",
    "show",
    "compare",
    "verify",
    "rate",
    "tune",
    "solvers",
    "problems",
    "theorems",
    "plugins",
)
INTERRUPTED = 130


class BadInput(click.ClickException):
    """An error that the user can mend: shown as one message."""

    exit_code = 2


class Commands(click.Group):
    """Our commands, a module `ncsolve.cli.NAME` each, and those that plugins add.

    Plugins are loaded where they matter: for the list of commands and for a name that is not ours.
    """

    plugins_loaded = False

    def load_plugins(self) -> None:
        if not self.plugins_loaded:
            self.plugins_loaded = True
            import_module("ncsolve.hooks").register_commands(self)

    def add_command(self, cmd: click.Command, name: str | None = None) -> None:
        name = name or cmd.name
        if name in COMMANDS or name in self.commands:
            raise PluginError(f"its command '{name}' exists already")
        super().add_command(cmd, name)

    def list_commands(self, ctx: click.Context) -> list[str]:
        self.load_plugins()
        return [*COMMANDS, *sorted(self.commands)]

    def get_command(self, ctx: click.Context, name: str) -> click.Command | None:
        if name in COMMANDS:
            command: click.Command = import_module(f"ncsolve.cli.{name}").command
            return command
        self.load_plugins()
        return self.commands.get(name)

    def resolve_command(self, ctx: click.Context, args: list[str]) -> Any:
        try:
            return super().resolve_command(ctx, args)
        except NoSuchCommand as error:
            raise NoSuchCommand(error.command_name, possibilities=self.list_commands(ctx), ctx=ctx) from None

    def invoke(self, ctx: click.Context) -> Any:
        try:
            return super().invoke(ctx)
        except NcsolveError as error:
            raise BadInput(plain(str(error))) from error
        except click.UsageError as error:
            if (message := error.format_message()) == plain(message):
                raise
            raise click.UsageError(plain(message), error.ctx) from error
        except KeyboardInterrupt:
            say("Interrupted.", err=True)
            ctx.exit(INTERRUPTED)


@click.command(cls=Commands, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(package_name="ncsolve", message="%(prog)s %(version)s")
def cli() -> None:
    """Minimise a non-convex objective and know what was found.

    PROBLEM is a Python file, FILE.py:NAME, or a name that `ncsolve problems` lists.
    """


def main() -> None:
    """Entry point of the console script."""
    cli(prog_name="ncsolve")
