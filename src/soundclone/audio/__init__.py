"""Audio signals and files: decode, measure, clean, compare speakers, encode.

Downloads are in `fetch`; speech synthesis is in `synthesis` and `engines`.
"""
