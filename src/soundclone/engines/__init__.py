"""Voice engines: the protocol, the choice of an engine, and the engines that ship with soundclone.

Controls that an engine lacks, and checks of what an engine returns, are in `synthesis`.
"""
