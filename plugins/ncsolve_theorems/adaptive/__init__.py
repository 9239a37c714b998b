"""Adaptive steps."""

from ncsolve_theorems.adaptive.adagrad_norm import AdaGradNorm
from ncsolve_theorems.adaptive.adam_scale import AdamScale
from ncsolve_theorems.adaptive.adam_step import AdamStep
from ncsolve_theorems.adaptive.rmsprop_cycle import RMSPropCycle

THEOREMS = (AdaGradNorm, AdamStep, AdamScale, RMSPropCycle)
