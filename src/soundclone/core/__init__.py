"""The rules of the service: tasks, money, keys, voices. No web framework, no task engine."""
