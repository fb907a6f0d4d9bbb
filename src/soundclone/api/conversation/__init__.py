"""WebSocket for conversations: text arrives in pieces, and speech leaves clause by clause."""
