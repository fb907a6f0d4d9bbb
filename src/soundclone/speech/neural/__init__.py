"""Adapters for neural engines, one thin module each."""
