"""Adapters for neural engines, one thin module each. `soundclone.weights` has their weights."""
