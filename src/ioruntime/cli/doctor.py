"""`ioruntime doctor`: what this machine can do, what is missing, and how to get it."""

from typing import TYPE_CHECKING

from ioruntime.cli.output import print_json, print_rows
from ioruntime.cli.usage import ANYWHERE, Json, Place

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ioruntime.cli.checks import Check


async def doctor(*, json: Json = False, place: Place = ANYWHERE) -> int:
    """Tell what this machine can do, and how to get what is missing; exit code 1 when something essential is."""
    settings = place.settings()
    from ioruntime.cli.checks import check_machine

    checks = await check_machine(settings)
    if json:
        print_json([_facts(check) for check in checks])
    else:
        print_rows([(_word(check), check.feature.name, check.feature.detail) for check in checks])
        _print_cures(checks)
    return int(any(check.essential and not check.feature.ok for check in checks))


def _facts(check: "Check") -> dict[str, str | bool]:
    feature = check.feature
    return {
        "name": feature.name,
        "ok": feature.ok,
        "essential": check.essential,
        "detail": feature.detail,
        "cure": feature.cure,
    }


def _word(check: "Check") -> str:
    if check.feature.ok:
        return "ok"
    return "MISSING" if check.essential else "without"


def _print_cures(checks: "Sequence[Check]") -> None:
    missing = [check.feature for check in checks if not check.feature.ok]
    if missing:
        print("\nTo get what is missing:")
        print_rows([(feature.name, feature.cure) for feature in missing])
