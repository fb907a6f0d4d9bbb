"""Durable work on tasks: workers, workflows and their steps.

`speak` and `clone` are the workflows, `runner` runs them, `worker` is the process. `queue` is the
only module that imports dbos.
"""
