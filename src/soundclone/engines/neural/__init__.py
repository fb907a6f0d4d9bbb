"""Adapters for neural engines, one thin module each. Their weights are in `soundclone.weights`."""
