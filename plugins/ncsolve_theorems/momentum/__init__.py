"""Momentum and acceleration."""

from ncsolve_theorems.momentum.heavy_ball_convex import HeavyBallConvex
from ncsolve_theorems.momentum.heavy_ball_cycle import HeavyBallCycle
from ncsolve_theorems.momentum.heavy_ball_quadratic import HeavyBallQuadratic
from ncsolve_theorems.momentum.nesterov_convex import NesterovConvex
from ncsolve_theorems.momentum.nesterov_strongly_convex import NesterovStronglyConvex
from ncsolve_theorems.momentum.optimized_gradient import OptimizedGradient
from ncsolve_theorems.momentum.triple_momentum import TripleMomentum

THEOREMS = (
    HeavyBallQuadratic,
    HeavyBallCycle,
    HeavyBallConvex,
    NesterovConvex,
    NesterovStronglyConvex,
    TripleMomentum,
    OptimizedGradient,
)
