"""Safe download of user-supplied URLs: address checks, deadlines, size limits.

Decoding of the downloaded file is in `audio`.
"""
