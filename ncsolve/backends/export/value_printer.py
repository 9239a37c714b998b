"""What the files that hold a value only have in common: the graph's nodes, one after another, as lines of code."""

from __future__ import annotations

import re
from abc import ABC, abstractmethod
from collections.abc import Mapping

from ncsolve.backends.export.text import Names
from ncsolve.graph import Derivation
from ncsolve.graph.nodes import Node

_SHORT = 20  # characters of an expression that needs no name


class ValuePrinter(ABC):
    """The lines that compute the value, and the arrays {name: text} that they read. `constants` are the parameters."""

    def __init__(self, derivation: Derivation, names: Names, constants: Mapping[str, str]) -> None:
        self.graph, self.names, self.constants = derivation.graph, names, constants
        self.arrays: dict[str, str] = {}
        self.lines: list[str] = []
        self.codes: dict[int, str] = {}
        self._array_of: dict[str, str] = {}
        self._known: dict[str, str] = {}
        for node in self.graph.reachable([derivation.value]):
            self.codes[node.id] = self.assigned(self.code(node))
        self.lines.append(f"return {self.codes[derivation.value.id]}")

    @property
    def source(self) -> str:
        return "\n".join(["def _value(x):", *(f"    {line}" for line in self.lines)])

    @property
    def definitions(self) -> list[str]:
        return [f"{name} = {text}" for name, text in self.arrays.items()]

    @abstractmethod
    def code(self, node: Node) -> str:
        """A node as an expression of the codes of its operands."""

    def assigned(self, text: str) -> str:
        """The name of an expression, or itself where it is short; the same expression is computed once."""
        if text.isidentifier() or (len(text) < _SHORT and "[" not in text):
            return text
        if text not in self._known:
            self._known[text] = self.names.new(f"t{len(self._known)}")
            self.lines.append(f"{self._known[text]} = {text}")
        return self._known[text]

    def array(self, wanted: str, text: str) -> str:
        """The name of an array of the file; equal ones have one name."""
        if text not in self._array_of:
            self._array_of[text] = self.names.new(f"d_{wanted}")
            self.arrays[self._array_of[text]] = text
        return self._array_of[text]


def helpers_used(helpers: Mapping[str, str], source: str) -> list[list[str]]:
    """The helpers {name: text} that the source calls, and those before them that they call in turn."""
    used: list[str] = []
    for name, text in reversed(list(helpers.items())):
        if re.search(rf"(?<![.\w]){name}\(", "\n".join([source, *used])):
            used.append(text.strip())
    return [[text] for text in reversed(used)]
