"""What the first invocations of an action with much code cost: the archive is unpacked once on a machine."""

import base64
import io
import random
import tempfile
import time
import zipfile
from collections.abc import Sequence
from statistics import median

from benchmarks.client import once_ms
from benchmarks.plan import Plan
from benchmarks.rows import Row, bounded
from benchmarks.server import Server, serving

_FILES = 400
_FILE_BYTES = 52_000
_FIRST_OVER_MS = 50
_LATER_OVER_MS = 10
_REST_S = 1.0
_HELLO = "exports.main = (params) => ({ greeting: `Hello, ${params.name}!` });\n"


def measure(plan: Plan) -> Sequence[Row]:
    """Compare with unpacking the archive in this process, and with an action of a few lines."""
    first, later = list[float](), list[float]()
    with serving(IORUNTIME_INVOKER__PREWARM="4") as server:
        for number in range(max(3, plan.samples // 3)):
            archive = _archive(number)
            unzip_ms = _unzip_ms(archive)
            first.append(_first_ms(server, f"large-{number}", archive) - unzip_ms)
            small = [_first_ms(server, f"small-{number}-{turn}", _archive(number, files=0)) for turn in range(3)]
            later.append(_first_ms(server, f"large-again-{number}", archive) - median(small))
    size_mb = len(_archive(0)) / 1_000_000
    return [
        bounded(f"first invocation of {size_mb:.0f} MB of code, over unpacking it", first, _FIRST_OVER_MS, unit="ms"),
        bounded("first invocation of another action with the same code, over a small one's", later, _LATER_OVER_MS, unit="ms"),
    ]


def _archive(seed: int, *, files: int = _FILES) -> bytes:
    """Build an archive that does not shrink, as one with images and minified modules."""
    noise, packed = random.Random(seed), io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("package.json", '{"name": "large", "version": "1.0.0", "main": "index.js"}')
        archive.writestr("index.js", f"{_HELLO}// {seed} {files}\n")
        for number in range(files):
            archive.writestr(f"node_modules/some/lib{number % 20}/file{number}.bin", noise.randbytes(_FILE_BYTES))
    return packed.getvalue()


def _unzip_ms(archive: bytes) -> float:
    with tempfile.TemporaryDirectory(prefix="ioruntime-unzip-") as folder:
        started_s = time.perf_counter()
        with zipfile.ZipFile(io.BytesIO(archive)) as packed:
            packed.extractall(folder)
        return (time.perf_counter() - started_s) * 1000


def _first_ms(server: Server, name: str, archive: bytes) -> float:
    target = server.invoke(server.put_archive(name, base64.b64encode(archive).decode()))
    time.sleep(_REST_S)  # sandboxes are started ahead again, and the processors come to rest
    return once_ms(target)
