"""Durable work: what happens between a task being accepted and it being finished."""
