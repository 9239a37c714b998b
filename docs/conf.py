"""Sphinx configuration. The page of each command is written from its --help before Sphinx reads the pages."""

import os
import sys
import tempfile
from pathlib import Path

import click

import ncsolve
from ncsolve.cli import cli
from ncsolve.report.page import Asked, make_page

project = "ncsolve"
author = "The ncsolve developers"
release = ncsolve.__version__

extensions = ["myst_nb"]
html_theme = "furo"
html_title = f"ncsolve {release}"
exclude_patterns = ["_build", "_sample", "jupyter_execute"]
html_extra_path = ["_sample"]
Path(__file__).with_name("_sample").mkdir(exist_ok=True)  # it must be there before it is filled
myst_enable_extensions = ["dollarmath", "colon_fence"]
myst_heading_anchors = 3
nb_execution_mode = "force"
nb_execution_raise_on_error = True
nb_execution_timeout = 300
nb_merge_streams = True

# The pages run `ncsolve` of the environment that builds them, without colours.
os.environ["PATH"] = os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", "")])
os.environ["NO_COLOR"] = "1"


def write_command_pages(app):
    """commands/NAME.md: what `ncsolve NAME --help` prints, a section for each command below it."""
    folder = Path(app.srcdir) / "commands"
    folder.mkdir(exist_ok=True)
    context = click.Context(cli, info_name="ncsolve", **cli.context_settings)
    for name in cli.list_commands(context):
        sections = "\n".join(help_sections(cli.get_command(context, name), name, context))
        page = folder / f"{name}.md"
        if not page.exists() or page.read_text() != sections:
            page.write_text(sections)


def help_sections(command, name, parent, level=1):
    context = click.Context(command, info_name=name, parent=parent, **command.context_settings)
    yield f"{'#' * level} {context.command_path}\n\n```text\n{command.get_help(context)}\n```\n"
    if isinstance(command, click.Group):
        for below in command.list_commands(context):
            yield from help_sections(command.get_command(context, below), below, context, level + 1)


def write_sample_report(app):
    """report-sample.html, to which the page on reports links."""
    with tempfile.TemporaryDirectory() as runs:
        for solver in ("gd", "lbfgs", "cma"):
            ncsolve.solve(ncsolve.load("himmelblau"), solver, checkpoint=Path(runs) / solver)
        page = make_page([Path(runs)], Asked(), "A sample: Himmelblau's function")
    (Path(app.srcdir) / "_sample" / "report-sample.html").write_text(page.html, encoding="utf-8")


def setup(app):
    app.connect("builder-inited", write_command_pages)
    app.connect("builder-inited", write_sample_report)
