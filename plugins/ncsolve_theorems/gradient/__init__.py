"""Gradient descent."""

from ncsolve_theorems.gradient.convex import GDConvex
from ncsolve_theorems.gradient.descent import GDDescent
from ncsolve_theorems.gradient.edge import GDEdge
from ncsolve_theorems.gradient.exact_search import GDExactSearch
from ncsolve_theorems.gradient.gradient_norm import GDGradientNorm
from ncsolve_theorems.gradient.identity import GDUpdate
from ncsolve_theorems.gradient.overparametrised import GDOverparametrised
from ncsolve_theorems.gradient.pl_linear import GDLinear
from ncsolve_theorems.gradient.pl_sharp import GDSharp
from ncsolve_theorems.gradient.polyak import GDPolyak
from ncsolve_theorems.gradient.quadratic_growth import GDGrowth
from ncsolve_theorems.gradient.quartic import GDQuartic
from ncsolve_theorems.gradient.stability import GDQuadratic
from ncsolve_theorems.gradient.strongly_convex import GDStronglyConvex

THEOREMS = (
    GDUpdate,
    GDDescent,
    GDGradientNorm,
    GDLinear,
    GDSharp,
    GDStronglyConvex,
    GDExactSearch,
    GDConvex,
    GDQuadratic,
    GDEdge,
    GDOverparametrised,
    GDGrowth,
    GDQuartic,
    GDPolyak,
)
