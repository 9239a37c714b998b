"""Second-order methods."""

from ncsolve_theorems.second_order.arc import AdaptiveCubic
from ncsolve_theorems.second_order.conjugate_gradients import ConjugateGradients
from ncsolve_theorems.second_order.cubic import CubicRegularisation
from ncsolve_theorems.second_order.cubic_pl import CubicPL
from ncsolve_theorems.second_order.finite_termination import FiniteTermination
from ncsolve_theorems.second_order.gradient_regularisation import GradientRegularisation
from ncsolve_theorems.second_order.inexact_newton import InexactNewton
from ncsolve_theorems.second_order.newton_barrier import NewtonBarrier
from ncsolve_theorems.second_order.newton_cube import NewtonCube
from ncsolve_theorems.second_order.newton_damped import NewtonDamped
from ncsolve_theorems.second_order.newton_local import NewtonLocal
from ncsolve_theorems.second_order.newton_self_concordant import NewtonSelfConcordant
from ncsolve_theorems.second_order.secant import Secant
from ncsolve_theorems.second_order.steihaug import TruncatedStep
from ncsolve_theorems.second_order.trust_region import TrustRegionStep

THEOREMS = (
    NewtonBarrier,
    NewtonCube,
    NewtonLocal,
    NewtonSelfConcordant,
    NewtonDamped,
    CubicRegularisation,
    CubicPL,
    AdaptiveCubic,
    GradientRegularisation,
    TrustRegionStep,
    TruncatedStep,
    InexactNewton,
    FiniteTermination,
    Secant,
    ConjugateGradients,
)
