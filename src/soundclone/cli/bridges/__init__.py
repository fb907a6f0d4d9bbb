"""Servers of other protocols that pass requests on to a running service over HTTP.

`mcp` and `wyoming` import the packages of these names, which are optional.
"""
