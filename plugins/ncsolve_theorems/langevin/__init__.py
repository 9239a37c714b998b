"""Langevin algorithms."""

from ncsolve_theorems.langevin.covariance import LangevinCovariance
from ncsolve_theorems.langevin.detailed_balance import DetailedBalance
from ncsolve_theorems.langevin.gibbs import MetropolisGibbs
from ncsolve_theorems.langevin.kramers import Kramers
from ncsolve_theorems.langevin.law import LangevinLaw
from ncsolve_theorems.langevin.wasserstein import LangevinDistance

THEOREMS = (LangevinLaw, LangevinCovariance, LangevinDistance, DetailedBalance, MetropolisGibbs, Kramers)
