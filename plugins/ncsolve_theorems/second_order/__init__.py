"""Second-order methods."""

from ncsolve_theorems.second_order.arc import AdaptiveCubic
from ncsolve_theorems.second_order.cubic import CubicRegularisation
from ncsolve_theorems.second_order.gradient_regularisation import GradientRegularisation
from ncsolve_theorems.second_order.newton_barrier import NewtonBarrier
from ncsolve_theorems.second_order.newton_local import NewtonLocal
from ncsolve_theorems.second_order.secant import Secant
from ncsolve_theorems.second_order.trust_region import TrustRegionStep

THEOREMS = (
    NewtonBarrier,
    NewtonLocal,
    CubicRegularisation,
    AdaptiveCubic,
    GradientRegularisation,
    TrustRegionStep,
    Secant,
)
