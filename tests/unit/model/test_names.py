"""What may be a name, and how one is read."""

import pytest

from ioruntime.model.errors import InvalidError, TooLargeError
from ioruntime.model.names import EntityPath, check_entity_name, check_namespace_name, check_size

ILLEGAL = "The name of the entity contains illegal characters."
NOT_QUALIFIED = "The fully qualified name of the entity must contain at least the namespace and the name of the entity."


@pytest.mark.parametrize("name", ["a", "_", "0", "a b", "A.b-c@d&e", "a.", "a-", "x" * 256, "__", "a  b"])
def test_legal_names(name: str) -> None:
    assert check_entity_name(name) == name
    assert check_namespace_name(name) == name


@pytest.mark.parametrize("name", ["", " a", "a ", ".a", "@a", "-a", "&", "a/b", "a\n", "ä", "aé", "a,b", "a:b", "٣", "a\0"])
def test_illegal_names(name: str) -> None:
    with pytest.raises(InvalidError) as refusal:
        check_entity_name(name)
    assert str(refusal.value) == ILLEGAL
    with pytest.raises(InvalidError) as refusal:
        check_namespace_name(name)
    assert str(refusal.value) == "The namespace contains illegal characters."


def test_a_name_too_long_says_how_long_in_the_words_of_the_contract() -> None:
    with pytest.raises(InvalidError) as refusal:
        check_entity_name("x" * 257)
    assert str(refusal.value) == "Name segement longer than allowed: 257 > 256."
    with pytest.raises(InvalidError) as refusal:
        check_namespace_name("x" * 300)
    assert str(refusal.value) == "Namespace longer than allowed: 300 > 256."


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        pytest.param("/ns/a", EntityPath("ns", "a"), id="a name"),
        pytest.param("ns/a", EntityPath("ns", "a"), id="the leading slash is optional"),
        pytest.param("/ns/p/a", EntityPath("ns", "a", "p"), id="a name in a package"),
        pytest.param("/_/a", EntityPath("me", "a"), id="_ is one's own namespace"),
        pytest.param("_/p/a", EntityPath("me", "a", "p"), id="_ without slash"),
        pytest.param("/ns/default/a", EntityPath("ns", "a"), id="the default package is none"),
        pytest.param("/ns/_", EntityPath("ns", "_"), id="_ elsewhere is a name"),
    ],
)
def test_parse(text: str, expected: EntityPath) -> None:
    assert EntityPath.parse(text, own_namespace="me") == expected


@pytest.mark.parametrize(
    ("text", "error"),
    [
        pytest.param("a", NOT_QUALIFIED, id="a bare name"),
        pytest.param("/a", NOT_QUALIFIED, id="a bare name with slash"),
        pytest.param("", NOT_QUALIFIED, id="nothing"),
        pytest.param("/ns/", ILLEGAL, id="an empty name"),
        pytest.param("/ns//a", ILLEGAL, id="an empty package"),
        pytest.param("//a", "The namespace contains illegal characters.", id="an empty namespace"),
        pytest.param("/ns/p/a/b", "The name of the entity must be 'name' or 'package/name'.", id="too many segments"),
        pytest.param("/ns/.p/a", ILLEGAL, id="an illegal package"),
    ],
)
def test_parse_refuses(text: str, error: str) -> None:
    with pytest.raises(InvalidError) as refusal:
        EntityPath.parse(text, own_namespace="me")
    assert str(refusal.value) == error


def test_of_needs_a_name() -> None:
    with pytest.raises(InvalidError, match="must be 'name' or 'package/name'"):
        EntityPath.of("ns")


@pytest.mark.parametrize(
    ("path", "key", "parent", "text"),
    [
        (EntityPath("ns", "a"), "a", "ns", "ns/a"),
        (EntityPath("ns", "a", "p"), "p/a", "ns/p", "ns/p/a"),
    ],
)
def test_a_path_knows_its_key_its_parent_and_its_text(path: EntityPath, key: str, parent: str, text: str) -> None:
    assert (path.key, path.parent, str(path)) == (key, parent, text)


def test_what_is_as_large_as_its_limit_passes() -> None:
    check_size("exec", 10, 10)
    with pytest.raises(TooLargeError) as refusal:
        check_size("exec", 11, 10)
    assert str(refusal.value) == "exec larger than allowed: 11 > 10 bytes."
