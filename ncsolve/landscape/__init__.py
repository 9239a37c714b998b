"""ALL OF THEM: every critical point in a box, with a proof that there are no others."""

from ncsolve.landscape.find import landscape
from ncsolve.landscape.result import Landscape, Region

__all__ = ["Landscape", "Region", "landscape"]
