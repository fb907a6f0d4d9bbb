"""Turn sentences into checked audio, and audio and pauses into one segment.

`sentence.SentenceSynthesizer` is the entry point. Tasks, storage and encoding are in `jobs`. Models
are in `engines`.
"""
