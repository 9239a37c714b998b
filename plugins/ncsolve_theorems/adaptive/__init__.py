"""Adaptive steps."""

from ncsolve_theorems.adaptive.adagrad_coordinates import AdaGradCoordinates
from ncsolve_theorems.adaptive.adagrad_norm import AdaGradNorm
from ncsolve_theorems.adaptive.adam_cycle import AdamCycle
from ncsolve_theorems.adaptive.adam_scale import AdamScale
from ncsolve_theorems.adaptive.adam_step import AdamStep
from ncsolve_theorems.adaptive.rmsprop_cycle import RMSPropCycle

THEOREMS = (AdaGradNorm, AdaGradCoordinates, AdamStep, AdamCycle, AdamScale, RMSPropCycle)
