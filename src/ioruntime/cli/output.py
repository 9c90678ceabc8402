"""What commands print: JSON for programs, aligned columns for people and `grep`."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any


def print_json(value: Any) -> None:
    import msgspec

    print(msgspec.json.format(msgspec.json.encode(value)).decode())


def print_rows(rows: Iterable[Sequence[str]]) -> None:
    """Print rows with their columns aligned; nothing is cut off, whatever the width of the terminal."""
    table = [list(row) for row in rows]
    widths = [max(map(len, column)) for column in zip(*table, strict=True)]
    for row in table:
        print("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip())


def print_facts(facts: Mapping[str, str]) -> None:
    """Print a name and a value per line."""
    print_rows(facts.items())
