"""What the structure of an objective promises: penalties, symmetry, clusters."""

from ncsolve_theorems.structure.alternating import Alternating
from ncsolve_theorems.structure.balance import Balance
from ncsolve_theorems.structure.lloyd import Lloyd
from ncsolve_theorems.structure.prox import ProximalPoint
from ncsolve_theorems.structure.proximal import ProximalDescent

THEOREMS = (ProximalPoint, ProximalDescent, Alternating, Lloyd, Balance)
