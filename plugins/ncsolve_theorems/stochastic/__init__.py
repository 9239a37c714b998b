"""Stochastic gradients, random rows and coordinates."""

from ncsolve_theorems.stochastic.coordinate import RandomCoordinate
from ncsolve_theorems.stochastic.falling_steps import FallingSteps
from ncsolve_theorems.stochastic.kaczmarz import Kaczmarz
from ncsolve_theorems.stochastic.sgd_gradient import SGDGradient
from ncsolve_theorems.stochastic.sgd_law import SGDLaw
from ncsolve_theorems.stochastic.sgd_step import SGDStep
from ncsolve_theorems.stochastic.strong_growth import StrongGrowth
from ncsolve_theorems.stochastic.svrg import VarianceReduction

THEOREMS = (SGDLaw, SGDStep, FallingSteps, SGDGradient, Kaczmarz, StrongGrowth, VarianceReduction, RandomCoordinate)
