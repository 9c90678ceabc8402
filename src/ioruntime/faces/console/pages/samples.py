"""The code that a new action begins with."""

_NODE = """\
function main(params) {
  console.log("called with", params);
  const name = params.name || "stranger";
  return { greeting: `Hello, ${name}!` };
}
"""
_PYTHON = """\
def main(params):
    print("called with", params)
    name = params.get("name", "stranger")
    return {"greeting": f"Hello, {name}!"}
"""
_LANGUAGES = {"nodejs": ("javascript", _NODE), "python": ("python", _PYTHON)}


def sample(kind: str) -> str:
    """Return an action that runs; nothing for a kind that has none."""
    return _LANGUAGES.get(kind.partition(":")[0], ("", ""))[1]


def language(kind: str) -> str:
    """Name the language for the editor; nothing for plain text."""
    return _LANGUAGES.get(kind.partition(":")[0], ("", ""))[0]
