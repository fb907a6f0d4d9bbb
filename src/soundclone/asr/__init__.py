"""Speech recognition, and the alignment of a text with its transcript."""
