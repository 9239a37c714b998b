"""Langevin algorithms."""

from ncsolve_theorems.langevin.gibbs import MetropolisGibbs
from ncsolve_theorems.langevin.law import LangevinLaw

THEOREMS = (LangevinLaw, MetropolisGibbs)
