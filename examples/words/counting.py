"""The part that the entry point imports."""

from collections import Counter


def count(text):
    return dict(Counter(text.split()).most_common())
