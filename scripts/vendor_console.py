"""Fetch what the console is made of from npm, once, and keep it in the repository with its licences.

Needs Node and npm. Run it after changing the versions below, the editor in `scripts/console/editor.js`, or the design
tokens that `static/console.css` names; the result is committed, so that nobody else needs either.
"""

import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parent.parent
STATIC = ROOT / "src/ioruntime/faces/console/static"
VENDOR = STATIC / "vendor"
VERSIONS = {
    "@codemirror/autocomplete": "6",
    "@codemirror/commands": "6",
    "@codemirror/lang-javascript": "6",
    "@codemirror/lang-json": "6",
    "@codemirror/lang-python": "6",
    "@codemirror/language": "6",
    "@codemirror/search": "6",
    "@codemirror/state": "6",
    "@codemirror/view": "6",
    "@fontsource-variable/source-code-pro": "5",
    "@fontsource-variable/source-sans-3": "5",
    "@lezer/highlight": "1",
    "@spectrum-css/tokens": "16.0.2",
    "esbuild": "0.28.2",
    "htmx-ext-sse": "2.2.3",
    "htmx.org": "2.0.11",
    "uplot": "1.6.32",
}
FILES = {
    "htmx.org/dist/htmx.min.js": "htmx.js",
    "htmx-ext-sse/dist/sse.min.js": "htmx-sse.js",
    "uplot/dist/uPlot.iife.min.js": "uplot.js",
    "uplot/dist/uPlot.min.css": "uplot.css",
    "@fontsource-variable/source-sans-3/files/source-sans-3-latin-wght-normal.woff2": "source-sans-3.woff2",
    "@fontsource-variable/source-code-pro/files/source-code-pro-latin-wght-normal.woff2": "source-code-pro.woff2",
}
_VARIABLE = re.compile(r"var\((--spectrum-[\w-]+)")
_DECLARATION = re.compile(r"(--spectrum-[\w-]+):\s*([^;]+);")
_TOKENS_NOTICE = (
    "/* Spectrum design tokens, @spectrum-css/tokens; Copyright Adobe, Apache License 2.0. The part that console.css uses. */"
)


def main() -> int:
    """Build `static/vendor` anew."""
    shutil.rmtree(VENDOR, ignore_errors=True)
    VENDOR.mkdir(parents=True)
    with tempfile.TemporaryDirectory() as folder:
        place = Path(folder)
        wanted = [f"{name}@{version}" for name, version in VERSIONS.items()]
        _run("npm", "install", "--prefix", folder, "--no-audit", "--no-fund", "--no-package-lock", "--loglevel=error", *wanted)
        modules = place / "node_modules"
        for source, target in FILES.items():
            shutil.copyfile(modules / source, VENDOR / target)
        _bundle_editor(place)
        (VENDOR / "tokens.css").write_text(_tokens(modules / "@spectrum-css/tokens/dist/css"))
        (VENDOR / "LICENSES.txt").write_text("\n".join(_licences(modules)))
    return 0


def _bundle_editor(place: Path) -> None:
    shutil.copyfile(ROOT / "scripts/console/editor.js", place / "editor.js")
    options = ("--bundle", "--minify", "--format=iife", "--target=es2022", "--legal-comments=none")
    _run(str(place / "node_modules/.bin/esbuild"), str(place / "editor.js"), *options, f"--outfile={VENDOR / 'editor.js'}")


def _tokens(folder: Path) -> str:
    """Return the tokens that our style sheet names, with those they are made of, for both themes."""
    declared = {
        name: dict(_DECLARATION.findall((folder / f"{name}-vars.css").read_text()))
        for name in ("global", "medium", "light", "dark")
    }
    wanted = set(_VARIABLE.findall((STATIC / "console.css").read_text()))
    while True:
        values = [value for layer in declared.values() for name, value in layer.items() if name in wanted]
        more = {name for value in values for name in _VARIABLE.findall(value)} - wanted
        if not more:
            break
        wanted |= more
    unknown = wanted - {name for layer in declared.values() for name in layer}
    if unknown:
        raise SystemExit(f"console.css names tokens that do not exist: {sorted(unknown)}")

    def block(*layers: str) -> str:
        values = {name: value for layer in layers for name, value in declared[layer].items() if name in wanted}
        return "".join(f"{name}:{value};" for name, value in sorted(values.items()))

    return "\n".join(
        [
            _TOKENS_NOTICE,
            f":root{{color-scheme:light dark;{block('global', 'medium', 'light')}}}",
            f"@media (prefers-color-scheme:dark){{:root:not([data-theme=light]){{{block('dark')}}}}}",
            f":root[data-theme=dark]{{color-scheme:dark;{block('dark')}}}",
            ":root[data-theme=light]{color-scheme:light}\n",
        ]
    )


def _licences(modules: Path) -> Iterator[str]:
    for folder in sorted([*modules.glob("*"), *modules.glob("@*/*")]):
        found = next(folder.glob("LICENSE*"), None)
        if "esbuild" in str(folder.relative_to(modules)) or not (folder / "package.json").exists():
            continue  # it only bundles
        text = found.read_text() if found else (ROOT / "LICENSE").read_text() if "spectrum" in str(folder) else ""
        yield f"{'=' * 80}\n{folder.relative_to(modules)}\n{'=' * 80}\n\n{text.strip()}\n"


def _run(*command: str) -> None:
    subprocess.run(command, check=True)


if __name__ == "__main__":
    sys.exit(main())
