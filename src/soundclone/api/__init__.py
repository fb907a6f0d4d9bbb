"""HTTP API: checks requests, and passes the work to `core`. No module here runs a model.

The contract is the published API of clone and speech tasks that this API is compatible with. It
defines the paths of `tasks`, `files` and `account`, and the names of their fields. `openai` is
compatible with OpenAI's speech API. `studio` has the pages for people.
"""
