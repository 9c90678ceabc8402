"""The router agrees with a model that is slow and plain: try every template, prefer literals from the left."""

from urllib.parse import quote

from hypothesis import given
from hypothesis import strategies as st

from ioruntime.faces.http.call import Call, Reply
from ioruntime.faces.http.operation import Operation
from ioruntime.faces.http.router import Router, split_path

SEGMENTS = st.sampled_from(["a", "b", "c", "{x}", "{y}"])
TEMPLATES = st.lists(
    st.tuples(st.lists(SEGMENTS, min_size=1, max_size=4), st.sampled_from(["", "/", "[/]"])), min_size=1, max_size=8
)
PATHS = st.lists(st.sampled_from(["a", "b", "c", "d", ""]), min_size=1, max_size=5)
TEXT = st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), max_size=5)


async def nothing(_: Call) -> Reply:
    """Answer nothing."""
    return Reply()


def spellings(segments: list[str], end: str) -> list[tuple[str, ...]]:
    """All splits that a template stands for, its names as empty braces."""
    plain = tuple("{}" if segment.startswith("{") else segment for segment in segments)
    return {"": [plain], "/": [(*plain, "")], "[/]": [plain, (*plain, "")]}[end]


def fits(template: tuple[str, ...], path: list[str]) -> bool:
    return len(template) == len(path) and all(t == p or (t == "{}" and p) for t, p in zip(template, path, strict=True))


@given(TEMPLATES, PATHS)
def test_match_agrees_with_the_model(templates: list[tuple[list[str], str]], path: list[str]) -> None:
    taken: dict[tuple[str, ...], str] = {}
    operations: list[Operation] = []
    for segments, end in templates:
        splits = spellings(segments, end)
        if taken.keys() & set(splits):
            continue
        text = "/" + "/".join(segments) + end
        operations.append(Operation(method="GET", path=text, handler=nothing))
        taken.update(dict.fromkeys(splits, text))
    fitting = sorted((t for t in taken if fits(t, path)), key=lambda t: [s == "{}" for s in t])
    match = Router(operations).match(path)
    found = match.methods["GET"].path if match else None
    assert found == (taken[fitting[0]] if fitting else None)


@given(st.lists(TEXT, min_size=1, max_size=5), st.integers(1, 3))
def test_split_undoes_escaping(segments: list[str], slashes: int) -> None:
    raw = "/" * slashes + "/".join(quote(segment, safe="") for segment in segments)
    assert split_path(raw.encode()) == _without_leading_empty(segments)


def _without_leading_empty(segments: list[str]) -> list[str]:
    rest = list(segments)
    while len(rest) > 1 and not rest[0]:
        rest.pop(0)
    return rest
