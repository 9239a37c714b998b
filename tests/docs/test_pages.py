"""Pages of the documentation run as they are written: commands and Python cells."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import pytest

from ncsolve.theorems import catalogue

DOCS = Path(__file__).parents[2] / "docs"
CELL = re.compile(r"```\{code-cell\}\n(?::tags: [^\n]*\n)?(.*?)```", re.DOTALL)


PAGES = ["constraints", "continuation", "curvature", "report", "runs", "scipy", "second-order", "theorems"]


@pytest.mark.parametrize("page", PAGES)
def test_pages_run(page, run, monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    text = (DOCS / f"{page}.md").read_text(encoding="utf-8")
    namespace: dict[str, object] = {}
    commands = 0
    for cell in CELL.findall(text):
        if cell.startswith("%%bash"):
            for line in cell.splitlines()[1:]:
                command, _, otherwise = line.partition(" || ")
                result = run(*shlex.split(command)[1:])
                assert (result.exit_code != 0) == bool(otherwise), f"{command}: {result.output}"
                commands += 1
        elif not cell.startswith(("%run", "from IPython", "SVG(")):
            exec(cell, namespace)
    assert commands >= 4
    assert f"\n{page}\n" in (DOCS / "index.md").read_text(encoding="utf-8")


def test_every_family_of_theorems_has_a_page():
    """The pages are executed when the documentation is built; their tables are made from the catalogue."""
    contents = (DOCS / "theorems.md").read_text(encoding="utf-8")
    rooms = {type(theorem).__module__.split(".")[1] for theorem in catalogue()}
    for room in rooms:
        name = room.replace("_", "-")
        assert f"\ntheorems/{name}\n" in contents
        assert f'family("{room}")' in (DOCS / "theorems" / f"{name}.md").read_text(encoding="utf-8")
