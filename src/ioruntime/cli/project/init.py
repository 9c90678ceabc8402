"""`ioruntime init` and `ioruntime open`: the first steps."""

import os
import re
import shutil
import webbrowser
from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

from ioruntime.cli.output import print_json
from ioruntime.cli.remote.reach import NEAREST, Reach
from ioruntime.cli.usage import Json, UsageError

_TEMPLATE = Path(__file__).parent / "template"
_NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_-]*")


def init(
    folder: Annotated[Path, Parameter(help="Folder to make; the current one by default.")] = Path(),
    /,
    *,
    json: Json = False,
) -> None:
    """Make a project with a Node action, a Python action, a manifest and a page that explains them."""
    name = folder.resolve().name
    if not _NAME.fullmatch(name):
        raise UsageError(f"A project is named after its folder, and '{name}' is no name: letters, digits, - and _.")
    parts = (file.relative_to(_TEMPLATE) for file in _TEMPLATE.rglob("*") if file.is_file())
    files = sorted(file for file in parts if "__pycache__" not in file.parts)
    there = [file for file in files if (folder / file).exists()]
    if there:
        raise UsageError(f"{folder / there[0]} is there already; init overwrites nothing.")
    for file in files:
        target = folder / file
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(_TEMPLATE / file, target)
        if target.suffix in {".yml", ".md"}:
            target.write_text(target.read_text().replace("PROJECT", name))
    made = [str(folder / file) for file in files]
    if json:
        print_json(made)
        return
    print("\n".join(f"made {each}" for each in made))
    print(f"Next: ioruntime dev {folder}; in a second shell: ioruntime invoke {name}/hello --param name Ada")


def open_(
    *,
    print_: Annotated[bool, Parameter(name="--print", negative="", help="Only print the URL.")] = False,
    json: Json = False,
    reach: Reach = NEAREST,
) -> None:
    """Open the console in a browser, and print its URL."""
    with reach.open() as api:
        api.call("GET", "/namespaces")
        url = f"{api.credentials.url}/console"
    if json:
        print_json({"url": url})
    else:
        print(url)
    if not print_ and not json and (os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY")):
        webbrowser.open(url)
