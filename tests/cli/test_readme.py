"""What the README shows is what happens."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
README = (ROOT / "README.md").read_text(encoding="utf-8")


def blocks(language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```$", README, re.MULTILINE | re.DOTALL)


def without_numbers(text: str) -> str:
    return re.sub(r"-?\d[\d.]*(e[+-]?\d+)?", "#", text)


def test_the_example_is_that_of_the_tutorial():
    assert blocks("python")[0] == (ROOT / "docs" / "phone.py").read_text(encoding="utf-8")


def test_the_answer_is_the_one_that_is_printed(run, monkeypatch):
    monkeypatch.chdir(ROOT / "docs")
    (shown,) = blocks("console")
    command, _, answer = shown.partition("\n")
    result = run(*command.removeprefix("$ ncsolve ").split())
    assert without_numbers(result.stdout) == without_numbers(answer)


def test_the_example_in_python(monkeypatch):
    monkeypatch.chdir(ROOT / "docs")
    namespace: dict = {}
    exec(blocks("python")[1], namespace)
    result = namespace["result"]
    assert result.point.kind == "minimum"
    assert result.point.eigenvalues == pytest.approx([3.48375852, 4.51624148])


def test_the_two_commands_come_first_and_alone():
    """They are what a newcomer types, and what .ci/run runs."""
    assert [block.count("\n") for block in blocks("sh")] == [1, 1]


def test_the_table_of_solvers_is_complete(run):
    names = {line.split()[0] for line in run("solvers").stdout.splitlines()[1:]}
    _, _, section = README.partition("## Solvers")
    told = set(re.findall(r"`([\w:-]+)`", section.partition("\n## ")[0]))
    assert {name for name in names if not name.startswith("scipy:")} <= told


@pytest.mark.parametrize("target", re.findall(r"\]\(([^)]+)\)", README))
def test_links(target):
    assert (ROOT / target).is_file()
