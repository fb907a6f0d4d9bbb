"""soundclone: a voice-cloning service that anyone can run."""

from importlib.metadata import version

__version__ = version("soundclone")
