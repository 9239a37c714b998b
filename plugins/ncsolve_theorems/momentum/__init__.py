"""Momentum and acceleration."""

from ncsolve_theorems.momentum.heavy_ball_convex import HeavyBallConvex
from ncsolve_theorems.momentum.heavy_ball_cycle import HeavyBallCycle
from ncsolve_theorems.momentum.heavy_ball_quadratic import HeavyBallQuadratic
from ncsolve_theorems.momentum.nesterov_convex import NesterovConvex
from ncsolve_theorems.momentum.nesterov_strongly_convex import NesterovStronglyConvex

THEOREMS = (HeavyBallQuadratic, HeavyBallCycle, HeavyBallConvex, NesterovConvex, NesterovStronglyConvex)
