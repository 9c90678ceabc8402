"""Who may do what."""

import pytest

from ioruntime.core.entitlement import check_namespace, check_own, check_readable
from ioruntime.model.errors import ForbiddenError
from ioruntime.model.identity import AuthKey, Identity, Namespace, Owner
from ioruntime.model.names import EntityPath
from ioruntime.model.package import Package

ME = Identity(Namespace(name="me", owner=Owner("o", "i"), auth=AuthKey("u", "k")), "me")
MINE, HERS = EntityPath("me", "a", "p"), EntityPath("her", "a", "p")
PRIVATE, PUBLIC = Package(path=EntityPath("her", "p")), Package(path=EntityPath("her", "p"), publish=True)


def allows(check: object, *arguments: object) -> bool:
    assert callable(check)
    try:
        check(ME, *arguments)
    except ForbiddenError:
        return False
    return True


@pytest.mark.parametrize(
    ("path", "package", "allowed"),
    [
        pytest.param(MINE, None, True, id="one's own, whatever the package"),
        pytest.param(MINE, PRIVATE, True, id="one's own in a private package"),
        pytest.param(HERS, PUBLIC, True, id="hers in a published package"),
        pytest.param(HERS, PRIVATE, False, id="hers in a private package"),
        pytest.param(HERS, None, False, id="hers in a package that is not there"),
        pytest.param(EntityPath("her", "a"), None, False, id="hers in no package"),
    ],
)
def test_reading(path: EntityPath, package: Package | None, allowed: bool) -> None:
    assert allows(check_readable, path, package) is allowed


def test_changing_is_for_one_s_own() -> None:
    assert allows(check_own, MINE)
    assert not allows(check_own, HERS)
    assert allows(check_namespace, "me")
    assert not allows(check_namespace, "her")


def test_the_refusal_names_the_thing() -> None:
    with pytest.raises(ForbiddenError) as refusal:
        check_own(ME, HERS)
    assert str(refusal.value) == "The supplied authentication is not authorized to access 'her/p/a'."
