"""Stochastic gradients."""

from ncsolve_theorems.stochastic.sgd_gradient import SGDGradient
from ncsolve_theorems.stochastic.sgd_law import SGDLaw
from ncsolve_theorems.stochastic.sgd_step import SGDStep
from ncsolve_theorems.stochastic.strong_growth import StrongGrowth
from ncsolve_theorems.stochastic.svrg import VarianceReduction

THEOREMS = (SGDLaw, SGDStep, SGDGradient, StrongGrowth, VarianceReduction)
