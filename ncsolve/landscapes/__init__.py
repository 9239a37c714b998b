"""ALL OF THEM: every critical point in a box, with a proof that there are no others."""

from ncsolve.landscapes.find import landscape
from ncsolve.landscapes.proven_again import Recheck, recheck
from ncsolve.landscapes.result import Landscape, Region

__all__ = ["Landscape", "Recheck", "Region", "landscape", "recheck"]
