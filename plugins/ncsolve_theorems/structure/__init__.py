"""What the structure of an objective promises: penalties, symmetry, clusters."""

from ncsolve_theorems.structure.balance import Balance
from ncsolve_theorems.structure.lloyd import Lloyd
from ncsolve_theorems.structure.proximal import ProximalDescent

THEOREMS = (ProximalDescent, Lloyd, Balance)
