"""Rules of the service: tasks, money, keys, voices, consents, uploads.

The functions are synchronous and work on a session whose transaction the caller commits. Web
framework, task engine and object store are elsewhere: in `api`, `jobs` and `storage`.
"""
