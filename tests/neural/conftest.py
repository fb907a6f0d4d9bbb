"""Tests of the neural engines: `scripts/test neural` runs them, in an environment with torch."""

from importlib.util import find_spec

if find_spec("torch") is None:
    collect_ignore_glob = ["test_*.py"]
