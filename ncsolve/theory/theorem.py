"""The contract of a theorem: a small class whose docstring is the statement."""

from __future__ import annotations

import inspect
import math
import re
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, ClassVar

from ncsolve.errors import PluginError
from ncsolve.theory.claim import Claim

if TYPE_CHECKING:
    from ncsolve.problem import Problem
    from ncsolve.theory.study import Study

__all__ = ["KINDS", "Case", "Theorem"]

KINDS = ("identity", "every iterate", "horizon", "expectation", "distribution", "almost surely")


@dataclass(frozen=True)
class Case:
    """A problem on which the verdict is known: a positive case, a witness of tightness, or a negative control."""

    problem: Callable[[], Problem]
    verdict: str = "HOLDS"
    witness: bool = False
    """The bound is attained here, or nearly so: controls can bite."""
    constants: Mapping[str, float] = field(default_factory=dict)
    options: Mapping[str, Any] = field(default_factory=dict)
    sabotage: Mapping[str, Any] = field(default_factory=dict)
    """Options that the solver runs with in secret: the theorem is checked as if they were those that it demands."""
    mutate: Callable[[Study], None] | None = None
    """Changes the study before it is judged: a wrong run."""
    x0: Any = None
    seed: int = 0
    horizon: int | None = None


class Theorem(ABC):
    """A statement about a solver that can be checked on a run. Its docstring is the statement; a subclass sets

    - `name`, lower case, solver first, and `id`, the short one of the catalogue;
    - `kind`, one of `KINDS`; `solvers` that it speaks of, the usual one first;
    - `constants` that it is computed from, `assumptions` in words, `demand` on the options in words;
    - `reference`; `positive`, `witness` cases and `controls`, on which the checks must fail.

    It defines `claims(study)`, both sides of each inequality; where needed `demands`, `refusal`, `identity`, `rate`.
    """

    id: ClassVar[str] = ""
    name: ClassVar[str]
    kind: ClassVar[str]
    solvers: ClassVar[tuple[str, ...]]
    constants: ClassVar[tuple[str, ...]] = ()
    assumptions: ClassVar[tuple[str, ...]] = ()
    demand: ClassVar[str] = "none"
    reference: ClassVar[str]
    horizon: ClassVar[int] = 200
    """Iterations of the run, unless the user says otherwise."""
    nonsmooth: ClassVar[bool] = False
    """Whether it speaks of problems with a penalty."""

    def __init_subclass__(cls) -> None:
        """Raises PluginError for a named theorem that does not say what it is about."""
        super().__init_subclass__()
        if "name" not in cls.__dict__:
            return
        for attribute in ("kind", "solvers", "reference"):
            if not hasattr(cls, attribute):
                raise PluginError(f"Theorem class {cls.__qualname__} has no '{attribute}'.")
        if cls.kind not in KINDS:
            raise PluginError(f"The kind of theorem '{cls.name}' must be one of {', '.join(KINDS)}, not {cls.kind!r}.")

    def demands(self, study: Study) -> Mapping[str, Any]:
        """Options that the solver must have, from the constants."""
        return {}

    def refusal(self, study: Study) -> str:
        """Which assumption fails on this problem, in words; "" where none is known to."""
        return ""

    def identity(self, study: Study) -> Claim | None:
        """The solver's update, recomputed from the oracle's gradient: checked before everything else."""
        return None

    @abstractmethod
    def claims(self, study: Study) -> Iterable[Claim]:
        """Both sides of what is promised."""

    def rate(self, study: Study) -> float:
        """The factor by which the bound on f - f* falls in an iteration; nan where it is no geometric one."""
        return math.nan

    def positive(self) -> Iterable[Case]:
        """At least two cases in which it holds, one of them a witness."""
        return ()

    def controls(self) -> Iterable[Case]:
        """Cases in which the check must fail."""
        return ()

    @classmethod
    def statement(cls) -> str:
        """The docstring: the statement in words and in LaTeX."""
        return inspect.getdoc(cls) or ""

    @classmethod
    def summary(cls) -> str:
        return cls.statement().partition("\n")[0]

    @classmethod
    def latex(cls) -> str:
        """The formula of the statement, without the dollars."""
        found = re.search(r"\$\$(.+?)\$\$", cls.statement(), re.DOTALL)
        return " ".join(found[1].split()) if found else ""

    @classmethod
    def proof(cls) -> str:
        """The sketch of a proof that the docstring gives, or ""."""
        found = re.search(r"^Proof:\s+(.+?)(?:\n\n|\Z)", cls.statement(), re.DOTALL | re.MULTILINE)
        return " ".join(found[1].split()) if found else ""

    @classmethod
    def words(cls) -> str:
        """The statement without formula and proof."""
        without = re.sub(r"\$\$.+?\$\$", "", cls.statement(), flags=re.DOTALL)
        paragraphs = [" ".join(part.split()) for part in re.split(r"\n\s*\n", without)]
        return "\n\n".join(part for part in paragraphs if part and not part.startswith("Proof:"))

    @classmethod
    def to_json(cls) -> dict[str, Any]:
        keys = ("name", "id", "kind", "solvers", "constants", "assumptions", "demand", "reference")
        said = {"statement": cls.statement(), "words": cls.words(), "latex": cls.latex(), "proof": cls.proof()}
        return {**{key: getattr(cls, key) for key in keys}, **said}
