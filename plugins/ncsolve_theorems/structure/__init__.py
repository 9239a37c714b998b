"""What the structure of an objective promises, penalties, symmetry, clusters; and swarms."""

from ncsolve_theorems.structure.alternating import Alternating
from ncsolve_theorems.structure.balance import Balance
from ncsolve_theorems.structure.layers import LayerBalance
from ncsolve_theorems.structure.lloyd import Lloyd
from ncsolve_theorems.structure.morse import MorseSum
from ncsolve_theorems.structure.prox import ProximalPoint
from ncsolve_theorems.structure.proximal import ProximalDescent
from ncsolve_theorems.structure.rank_one import RankOnePower
from ncsolve_theorems.structure.seeding import Seeding
from ncsolve_theorems.structure.swarm import SwarmStability
from ncsolve_theorems.structure.symmetry import SymmetryDirections

THEOREMS = (
    ProximalPoint,
    ProximalDescent,
    Alternating,
    Lloyd,
    Seeding,
    Balance,
    RankOnePower,
    LayerBalance,
    SymmetryDirections,
    MorseSum,
    SwarmStability,
)
