"""Run the command line: `python -m soundclone`."""

from .cli import main

main()
