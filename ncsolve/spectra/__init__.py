"""HOW f BENDS: the spectrum of the Hessian from its products, and f on lines and planes through a point."""

from ncsolve.spectra.hessian import Spectrum, spectrum
from ncsolve.spectra.sections import Section, section
from ncsolve.spectra.segments import Segment, segment

__all__ = ["Section", "Segment", "Spectrum", "section", "segment", "spectrum"]
