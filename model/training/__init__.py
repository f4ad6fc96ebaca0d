"""Training R seeds of one cell, an epoch at a time."""
