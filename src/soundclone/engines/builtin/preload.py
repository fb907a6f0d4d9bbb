"""Weights of the built-in engine, which forked processes share once this module is imported."""

from . import BuiltinEngine

BuiltinEngine.read_weights()
