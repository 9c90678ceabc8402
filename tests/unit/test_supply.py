"""The check of what is installed: it finds nothing now, and would find what it is for."""

from email.message import Message

import pytest
from scripts import check_supply


def test_nothing_is_wrong_with_what_is_installed() -> None:
    assert check_supply.faults() == []


def test_pins_are_read() -> None:
    text = "# a comment\nJinja2==3.1.6\nruamel_yaml==1.0 ; python_version < '4'  # why\n\n-e .\n"
    assert check_supply.pins(text) == {"jinja2": "3.1.6", "ruamel-yaml": "1.0"}


def test_what_is_needed_is_found_through_others() -> None:
    names = check_supply.needed("ioruntime", ("dev",))
    assert {"msgspec", "starlette", "yarl", "pytest", "pluggy"} <= names


@pytest.mark.parametrize(
    ("pinned", "words"),
    [
        pytest.param({}, "msgspec is needed and not pinned", id="not pinned"),
        pytest.param({"msgspec": "0.0.1"}, "and 0.0.1 pinned", id="another version"),
    ],
)
def test_a_wrong_pin_is_told(pinned: dict[str, str], words: str) -> None:
    (fault,) = check_supply.pin_faults({"msgspec"}, pinned)
    assert words in fault


def test_what_is_not_installed_needs_no_pin() -> None:
    assert list(check_supply.pin_faults({"no-such-package"}, {})) == []


@pytest.mark.parametrize(
    ("headers", "expected"),
    [
        pytest.param(
            [("License-Expression", "MIT AND (Apache-2.0 OR BSD-3-Clause)")], {"MIT", "APACHE-2.0", "BSD-3-CLAUSE"}, id="SPDX"
        ),
        pytest.param([("Classifier", "License :: OSI Approved :: MIT License")], {"MIT"}, id="classifier"),
        pytest.param([("License", "Apache 2.0")], {"APACHE-2.0"}, id="free text"),
        pytest.param([("License", "All rights reserved")], {"ALL RIGHTS RESERVED"}, id="something else"),
        pytest.param([], set[str](), id="nothing"),
    ],
)
def test_licences(headers: list[tuple[str, str]], expected: set[str]) -> None:
    about = Message()
    for name, value in headers:
        about[name] = value
    assert check_supply.licences_of(about) == expected


def test_an_advisory_about_what_is_installed_is_told() -> None:
    advisory = {"package": "Msgspec", "affected": "<99", "id": "CVE-1", "about": "it breaks"}
    assert "affected by CVE-1: it breaks" in next(check_supply.advisory_faults({"msgspec"}, [advisory]))
    assert list(check_supply.advisory_faults({"msgspec"}, [advisory | {"affected": ">99"}])) == []
