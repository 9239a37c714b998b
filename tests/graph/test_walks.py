"""Walks through graphs."""

from ncsolve.graph.walks import reachable


def test_everything_below_once_however_deep():
    assert reachable([10**5], lambda k: [k - 1] if k else []) == set(range(10**5 + 1))
    looked = []
    assert reachable("ab", lambda k: looked.append(k) or {"a": "c", "b": "cd", "c": "d"}.get(k, "")) == set("abcd")
    assert sorted(looked) == list("abcd")
