"""Recordings and files: fetch, decode, measure, encode. Everything here meets hostile input."""
