"""Weights of neural models: the catalogue, the download, and the verified files on this machine.

`engines.neural` and `asr` load and run the models.
"""
