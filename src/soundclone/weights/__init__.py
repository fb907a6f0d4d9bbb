"""Weights of neural models: the catalogue, the download, and the checked files on this machine.

Loading and running a model is the work of `engines.neural` and `asr`.
"""
