"""What nearly every task needs. Importing this module is slow, and done once for all processes of this machine."""

from ncsolve import api
from ncsolve.hooks import registry

__all__ = ["api"]

registry().solvers()
