"""One sentence to audio: code switching, prosody changes, verification, concatenation.

Tasks, storage and encoding are in `jobs`; models are in `engines`.
"""
