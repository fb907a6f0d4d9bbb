"""soundclone: a voice-cloning service that anyone can run."""

__version__ = "0.1.0"
