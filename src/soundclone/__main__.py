"""Run the command line: `python -m soundclone`."""

from .cli import main

if __name__ == "__main__":  # not in a child process
    main()
