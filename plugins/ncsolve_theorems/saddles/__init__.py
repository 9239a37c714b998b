"""Saddles."""

from ncsolve_theorems.saddles.avoidance import SaddleAvoidance
from ncsolve_theorems.saddles.escape import SaddleEscape
from ncsolve_theorems.saddles.noise_law import NoiseLaw
from ncsolve_theorems.saddles.search import SaddleSearch

THEOREMS = (SaddleAvoidance, NoiseLaw, SaddleEscape, SaddleSearch)
