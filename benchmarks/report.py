"""Tables for people, JSON for programs."""

from collections.abc import Sequence
from pathlib import Path

import msgspec

from benchmarks.rows import Row

RESULTS = Path(__file__).parent / "results"
_HEAD = ("", "ours", "against", "unit", "ratio", "goal", "")
_VERDICTS = {True: "reached", False: "not reached", None: ""}


def table(rows: Sequence[Row]) -> str:
    """Lay rows out in columns."""
    lines = [_HEAD, *(_cells(row) for row in rows)]
    widths = [max(len(line[column]) for line in lines) for column in range(len(_HEAD))]
    return "\n".join("  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip() for line in lines)


def write(name: str, rows: Sequence[Row], folder: Path = RESULTS) -> Path:
    """Write the rows of one benchmark as JSON; return the file."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{name}.json"
    path.write_bytes(msgspec.json.format(msgspec.json.encode({"benchmark": name, "rows": rows}), indent=1) + b"\n")
    return path


def _cells(row: Row) -> tuple[str, ...]:
    sign = ">=" if row.better == "higher" else "<="
    goal = "" if row.goal is None else f"{sign} {row.goal:g}"
    against = f"{_number(row.against)} {row.peer}"
    return (row.what, _number(row.ours), against, row.unit, f"{row.ratio:.2f}", goal, _VERDICTS[row.is_met])


def _number(value: float) -> str:
    return f"{value:,.0f}" if value >= 100 else f"{value:.3g}"
