"""What transactions of several processes do one after the other."""

from enum import IntEnum


class Turn(IntEnum):
    """Numbers that readers follow must appear in the order in which they are given, so their writers take turns.

    SQLite has one writer anyway; in PostgreSQL a turn is an advisory lock that ends with the transaction.
    """

    CATALOG = 1
    """Namespaces, entities and the list of their changes."""
    JOURNAL = 2
    SCHEMA = 3
