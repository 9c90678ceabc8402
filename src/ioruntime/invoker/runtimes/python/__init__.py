"""The Python runtime; it runs as a script, on any Python 3."""
