"""Saddles."""

from ncsolve_theorems.saddles.avoidance import SaddleAvoidance
from ncsolve_theorems.saddles.escape import SaddleEscape
from ncsolve_theorems.saddles.noise_law import NoiseLaw

THEOREMS = (SaddleAvoidance, NoiseLaw, SaddleEscape)
