"""Options are declared once, as fields, and everything else follows from there."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, ClassVar, Literal

import pytest

from ncsolve.errors import OptionError, PluginError
from ncsolve.solving import configure, option, option_values, options_of


@dataclass(frozen=True)
class Sample:
    step_size: float | None = option(None, "length of a step", above=0)
    memory: int = option(10, "pairs", at_least=1, at_most=50)
    nesterov: bool = option(False, "look ahead")
    rule: Literal["armijo", "wolfe"] = option("armijo", "line search")
    label: str = "plain"
    scale: float = 1.0
    limit: float = option(float("inf"), "most", above=0)
    inner: Any = None
    name: ClassVar[str] = "sample"


@pytest.mark.parametrize(
    ("name", "given", "expected"),
    [
        ("step_size", "0.1", 0.1),
        ("step_size", "none", None),
        ("step_size", 1, 1.0),
        ("memory", "7", 7),
        ("memory", 7.0, 7),
        ("memory", "1e1", 10),
        ("nesterov", "yes", True),
        ("nesterov", "Off", False),
        ("nesterov", True, True),
        ("rule", "wolfe", "wolfe"),
        ("label", "1", "1"),
        ("scale", "1e-3", 1e-3),
        ("limit", "inf", float("inf")),
        ("inner", Sample, Sample),
    ],
)
def test_values_are_converted_by_the_annotation(name, given, expected):
    value = getattr(configure(Sample, {name: given}), name)
    assert value == expected
    assert type(value) is type(expected)


@pytest.mark.parametrize(
    ("name", "given", "text"),
    [
        ("step_size", 0, "Option 'step_size' of solver 'sample' must be above 0, but it is 0."),
        ("step_size", "abc", "Option 'step_size' of solver 'sample' must be none or a number, not 'abc'."),
        ("step_size", float("nan"), "Option 'step_size' of solver 'sample' must be none or a number, not nan."),
        ("step_size", "inf", "Option 'step_size' of solver 'sample' must be above 0, but it is inf."),
        ("step_size", True, "Option 'step_size' of solver 'sample' must be none or a number, not True."),
        ("memory", 0, "Option 'memory' of solver 'sample' must be at least 1, at most 50, but it is 0."),
        ("memory", "7.5", "Option 'memory' of solver 'sample' must be an integer, not '7.5'."),
        ("nesterov", 1, "Option 'nesterov' of solver 'sample' must be true or false, not 1."),
        (
            "rule",
            "wolf",
            "Option 'rule' of solver 'sample' must be 'armijo' or 'wolfe', not 'wolf'. Did you mean 'wolfe'?",
        ),
        ("label", 3, "Option 'label' of solver 'sample' must be text, not 3."),
        ("scale", "inf", "Option 'scale' of solver 'sample' must be a finite number, but it is inf."),
        (
            "stepsize",
            1,
            "There is no option 'stepsize' of solver 'sample'. Did you mean 'step_size'? "
            "Its options are step_size, memory, nesterov, rule, label, scale, limit, inner.",
        ),
    ],
)
def test_wrong_values_are_refused_in_one_sentence(name, given, text):
    with pytest.raises(OptionError) as caught:
        configure(Sample, {name: given})
    assert str(caught.value) == text


def test_an_instance_can_be_changed():
    sample = configure(Sample(memory=3), {"step_size": "0.5"})
    assert (sample.memory, sample.step_size) == (3, 0.5)
    assert option_values(sample)["memory"] == 3


def test_an_option_tells_of_itself():
    step_size, memory, *_ = options_of(Sample)
    assert (step_size.name, step_size.type_name, step_size.default) == ("step_size", "none or a number", None)
    assert (step_size.help, step_size.range) == ("length of a step", "above 0")
    assert memory.range == "at least 1, at most 50"


def test_a_required_option_is_asked_for():
    @dataclass(frozen=True)
    class Needy:
        rank: int
        parts: list[int] = field(default_factory=list)
        name: ClassVar[str] = "needy"

    with pytest.raises(OptionError, match="Solver 'needy' needs a value for its option 'rank'"):
        configure(Needy, {})
    assert configure(Needy, {"rank": "3"}).parts == []


def test_an_annotation_that_is_not_there_at_run_time_is_named():
    @dataclass(frozen=True)
    class Vague:
        rank: Missing = 1  # noqa: F821
        name: ClassVar[str] = "vague"

    with pytest.raises(PluginError, match=r"Vague: name 'Missing' is not defined in an annotation\. Import it"):
        options_of(Vague)


def test_a_class_that_is_no_dataclass_is_refused():
    class Plain:
        name = "plain"

    with pytest.raises(PluginError, match=r"Solver class .*Plain is not a dataclass"):
        configure(Plain, {})


@pytest.mark.parametrize("wrong", [{"help": 3}, {"above": "zero"}])
def test_a_wrong_declaration_is_told_where_it_is_made(wrong):
    with pytest.raises(PluginError, match=r"option\(\): help must be a text, and above, .* numbers"):
        option(1.0, **wrong)


def test_a_solver_whose_getattr_raises_something_else_is_refused():
    @dataclass(frozen=True)
    class Odd:
        name: ClassVar[str] = "odd"

        def __getattr__(self, name):
            raise KeyError(name)

    with pytest.raises(PluginError, match=r"solver 'odd' .* failed in __getattr__\(\): KeyError"):
        configure(Odd, {})
