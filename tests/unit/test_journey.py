"""The first page of the explanation names real things."""

import importlib
import re
from pathlib import Path

import pytest

PAGE = Path(__file__).parents[2] / "docs/explanation/journey.md"
NAMES = sorted(set(re.findall(r"`(ioruntime(?:\.\w+)+)`", PAGE.read_text())))


def test_the_page_names_every_station() -> None:
    assert len(NAMES) >= 20


@pytest.mark.parametrize("name", NAMES)
def test_each_name_can_be_imported(name: str) -> None:
    module, _, last = name.rpartition(".")
    if last[0].isupper():
        assert hasattr(importlib.import_module(module), last)
    else:
        importlib.import_module(name)
