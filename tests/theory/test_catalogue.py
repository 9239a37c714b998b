"""The kit over the registry: whatever is registered is tested."""

from __future__ import annotations

import pytest

from ncsolve.hooks import registry
from ncsolve.testing import TheoremTests


def kit_of(name):
    """The tests of the kit for one theorem, bound to one class so that its cases run once."""
    return type(f"Test_{name}", (TheoremTests,), {"theorem": name})()


KITS = {name: kit_of(name) for name in registry().theorems()}


@pytest.mark.parametrize("test", sorted(name for name in vars(TheoremTests) if name.startswith("test_")))
@pytest.mark.parametrize("name", KITS)
def test_theorem(name, test):
    getattr(KITS[name], test)()


def test_ids_and_names_are_unique():
    ids = [theorem.id for theorem in registry().theorems().values()]
    assert len(set(ids)) == len(ids)
