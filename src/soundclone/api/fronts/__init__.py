"""Shared parts of the fronts, which are the APIs of other services that this service answers too.

A front is a thin package: it translates names, formats and errors. The rules, prices and limits are
those of the rest of the API.

- `front`: paths of a front, and the middleware that recognises them.
- `registry`: the fronts that exist.
- `cloning`: make a voice from the files of a request.
- `speaking`, `streaming`: begin a speech, and pass its audio on while the worker speaks.
- `tasks`: wait for a task.
"""
