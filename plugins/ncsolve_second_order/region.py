"""Rules of trust regions: when a step is accepted, and how the radius Delta follows."""

from __future__ import annotations

ACCEPT, POOR, GOOD = 1e-4, 0.25, 0.75
GROWTH = 2.5


def relaxed(rho: float, fall: float, promised: float, excess: float) -> float:
    """The ratio of a non-monotone method: rho, or the fall below the highest of the last values, if that is larger.

    `excess` is how far that highest value lies above f(x). Steps along curved valleys may rise for a while, and global
    convergence is kept [Grippo, Lampariello & Lucidi 1986; Toint 1996].
    """
    return max(rho, (excess + fall) / (excess + promised)) if excess > 0 else rho


def radius_after(radius: float, length: float, rho: float, restricted: bool, max_radius: float) -> float:
    """Delta after an accepted step of this length."""
    if rho < POOR:
        return (0.5 if rho > 0 else 0.25) * length
    return min(max(radius, GROWTH * length), max_radius) if rho > GOOD and restricted else radius
