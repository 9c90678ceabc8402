"""The table of contract sections names tests that are there, and leaves no section out."""

import re
from pathlib import Path

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs/reference/contract-tests.md").read_text()
ROW = re.compile(r"^\| (\d+) \|.*\| (.+) \|$", re.MULTILINE)
ROWS = {int(number): re.findall(r"`(tests/[^`]+)`", files) for number, files in ROW.findall(PAGE)}


def test_every_section_has_its_tests() -> None:
    assert sorted(ROWS) == list(range(1, 20))
    assert all(ROWS.values())


def test_every_named_file_holds_tests() -> None:
    for file in {file for files in ROWS.values() for file in files}:
        assert re.search(r"^\s*(async )?def test_", (ROOT / file).read_text(), re.MULTILINE), file
