"""Backends make functions from derivations. `numpy` is complete and the default; nothing above knows which one runs."""
