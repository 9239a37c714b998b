"""What campaigns share: cases that are drawn one after the other, an alarm for each, counts of how they ended."""

from __future__ import annotations

import argparse
import signal
import sys
import traceback
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

HANG = 120
"""Seconds of the processor after which a case is taken to hang; of the clock ten times as many, on a busy machine."""
WRONG = "WRONG: "
"""How the ending of a case begins that must not be."""


class Hang(BaseException):
    """A case took too long."""


@dataclass
class Tally:
    """How the cases of a campaign ended."""

    counts: Counter[str] = field(default_factory=Counter)
    wrong: list[str] = field(default_factory=list)

    def run(self, cases: Iterable[tuple[str, Callable[[], Iterator[str]]]], title: str = "", every: int = 100) -> Tally:
        """Run (name, function) one by one; a function yields its endings. With a title, tell how far it has come."""
        before = [(alarm, signal.signal(alarm, _hang)) for alarm in (signal.SIGPROF, signal.SIGALRM)]
        told = 0
        try:
            for k, (name, case) in enumerate(cases, 1):
                self._one(name, case)
                if title and k % every == 0:
                    new = self.wrong[told:]
                    print(f"{k} {title}, {len(self.wrong)} wrong", *new, sep="\n", file=sys.stderr, flush=True)
                    told = len(self.wrong)
        finally:
            for alarm, handler in before:
                signal.signal(alarm, handler)
        return self

    def _one(self, name: str, case: Callable[[], Iterator[str]]) -> None:
        signal.setitimer(signal.ITIMER_PROF, HANG)
        signal.alarm(10 * HANG)
        try:
            for ending in case():
                self.counts[ending.partition("\n")[0]] += 1
                if ending.startswith(WRONG):
                    self.wrong.append(f"{name}: {ending}")
        except KeyboardInterrupt:
            raise
        except Hang:
            self.wrong.append(f"{name}: longer than {HANG} s")
        except BaseException:  # a broken plugin may raise anything
            self.wrong.append(f"{name}: {traceback.format_exc()}")
        finally:
            signal.setitimer(signal.ITIMER_PROF, 0)
            signal.alarm(0)

    def finish(self, title: str) -> None:
        """Print it all, and exit."""
        print(f"{title}: {len(self.wrong)} wrong")
        for ending, count in sorted(self.counts.items(), key=lambda pair: (-pair[1], pair[0])):
            if not ending.startswith(WRONG):
                print(f"{count:7} {ending}")
        print(*self.wrong, sep="\n")
        raise SystemExit(bool(self.wrong))


def arguments(doc: str | None, *more: tuple[str, dict[str, Any]], argv: Sequence[str] | None = None) -> Any:
    """--count, --first and --seed, and more."""
    parser = argparse.ArgumentParser(description=(doc or "").partition("\n")[0])
    parser.add_argument("--count", type=int, default=10_000)
    parser.add_argument("--first", type=int, default=0, help="number of the first case")
    parser.add_argument("--seed", type=int, default=0)
    for name, options in more:
        parser.add_argument(name, **options)
    return parser.parse_args(argv)


def _hang(*_: object) -> None:
    raise Hang
