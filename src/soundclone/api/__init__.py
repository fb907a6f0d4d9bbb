"""The HTTP face: checks a request, hands it to `core`, and never touches a model."""
