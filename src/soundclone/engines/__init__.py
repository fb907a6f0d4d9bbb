"""Voice engines: the protocol, the registry, the selection, and the engines of this distribution.

`synthesis` has the controls that an engine lacks, and the checks of its speech.
"""
