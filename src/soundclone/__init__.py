"""soundclone: a voice-cloning service that anyone can run."""


def __getattr__(name: str) -> str:
    """Return the version. Child processes, which do not need the version, start sooner."""
    if name == "__version__":
        from importlib.metadata import version

        return version("soundclone")
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
