"""What actions ordinarily do works behind the filter of system calls: threads, children, addons, pipes, watches."""

import base64
import io
import os
import shutil
import subprocess
import sysconfig
import zipfile
from pathlib import Path

import pytest

from ioruntime.invoker.interpreters import discover
from ioruntime.testing.server import ServerClient

pytestmark = pytest.mark.timeout(120)
NODE, PYTHON = "nodejs:default", "python:default"

NODE_WORK = {
    "worker threads": """
        const { Worker } = require('worker_threads')
        return new Promise((resolve, reject) => {
          const worker = new Worker("require('worker_threads').parentPort.postMessage(6 * 7)", { eval: true })
          worker.on('message', answer => resolve({ answer })); worker.on('error', reject)
        })""",
    "a child": "return { answer: require('child_process').execFileSync(process.execPath, ['-p', '6 * 7']).toString().trim() }",
    "a shell": "return { answer: require('child_process').execSync('echo $((6 * 7)) | cat').toString().trim() }",
    "a forked child": """
        const fs = require('fs')
        fs.writeFileSync('/tmp/child.js', "process.on('message', n => process.send(n * 7, () => process.exit()))")
        const child = require('child_process').fork('/tmp/child.js')
        child.send(6)
        return new Promise(resolve => child.on('message', answer => resolve({ answer })))""",
    "a server of its own": """
        const net = require('net')
        return new Promise(resolve => {
          const server = net.createServer(socket => socket.end('42')).listen(0, '127.0.0.1', () => {
            net.connect(server.address().port, '127.0.0.1').on('data', data => { server.close(); resolve({ answer: data + '' }) })
          })
        })""",
    "datagrams": """
        const socket = require('dgram').createSocket('udp4')
        return new Promise(resolve => {
          socket.on('message', data => { socket.close(); resolve({ answer: data + '' }) })
          socket.bind(0, '127.0.0.1', () => socket.send('42', socket.address().port, '127.0.0.1'))
        })""",
    "watching a file": """
        const fs = require('fs')
        return new Promise(resolve => {
          const watch = fs.watch('/tmp', () => { watch.close(); resolve({ answer: 42 }) })
          fs.writeFileSync('/tmp/seen', 'x')
        })""",
    "files": """
        const fs = require('fs')
        fs.mkdirSync('/tmp/a/b', { recursive: true }); fs.writeFileSync('/tmp/a/b/c', 'x'.repeat(42))
        fs.chmodSync('/tmp/a/b/c', 0o600)
        fs.cpSync('/tmp/a', '/tmp/d', { recursive: true }); fs.rmSync('/tmp/a', { recursive: true })
        return { answer: fs.statSync('/tmp/d/b/c').size }""",
    "cryptography and compression": """
        const { scryptSync } = require('crypto'), { gunzipSync, gzipSync } = require('zlib')
        return { answer: scryptSync('a', 'b', 32).length + Number(gunzipSync(gzipSync('10'))) }""",
    "network interfaces": "return { answer: 42, found: require('os').networkInterfaces(), cores: require('os').cpus().length }",
    "WebAssembly": """
        const code = Buffer.from('0061736d010000000105016000017f030201000707010361736b00000a06010400412a0b', 'hex')
        return WebAssembly.instantiate(code).then(made => ({ answer: made.instance.exports.ask() }))""",
}
PYTHON_WORK = {
    "threads": "import concurrent.futures as f\n    return {'answer': sum(f.ThreadPoolExecutor(4).map(int, ['20', '22']))}",
    "a child": "import subprocess\n    return {'answer': int(subprocess.check_output('echo 42 | cat', shell=True))}",
    "processes": """import multiprocessing as m
    context = m.get_context('fork')
    queue = context.Queue()
    child = context.Process(target=queue.put, args=(42,))
    child.start()
    answer = queue.get(timeout=20)
    child.join()
    return {'answer': answer}""",
    "asyncio with a child": """import asyncio
    async def ask():
        child = await asyncio.create_subprocess_exec('/bin/echo', '42', stdout=-1)
        return int((await child.communicate())[0])
    return {'answer': asyncio.run(ask())}""",
    "a C library": "import ctypes\n    return {'answer': ctypes.CDLL(None).abs(-42)}",
    "a database in a file": """import sqlite3
    with sqlite3.connect('/tmp/x.db') as db:
        return {'answer': db.execute('select 42').fetchone()[0]}""",
    "a pipe with a name": """import os
    os.mkfifo('/tmp/pipe')
    if not os.fork():
        open('/tmp/pipe', 'w').write('42')
        os._exit(0)
    return {'answer': int(open('/tmp/pipe').read())}""",
    "shared memory": """from multiprocessing.shared_memory import SharedMemory
    memory = SharedMemory(create=True, size=1)
    memory.buf[0] = 42
    answer = memory.buf[0]
    memory.close(); memory.unlink()
    return {'answer': answer}""",
    "TLS contexts and trust": """import ssl
    return {'answer': 42 if ssl.create_default_context().verify_mode == ssl.CERT_REQUIRED else 0}""",
    "a terminal of its own": """import os, pty
    ours, theirs = pty.openpty()
    os.write(ours, b'42\\n')
    return {'answer': int(os.read(theirs, 3))}""",
}
ADDON = """
#include <node_api.h>
#include <sys/wait.h>
#include <unistd.h>
static napi_value ask(napi_env env, napi_callback_info info) {
  int status = 0; pid_t child = fork();
  if (child == 0) _exit(42);
  waitpid(child, &status, 0);
  napi_value answer; napi_create_int32(env, WEXITSTATUS(status), &answer); return answer;
}
NAPI_MODULE_INIT() {
  napi_value function; napi_create_function(env, "ask", NAPI_AUTO_LENGTH, ask, NULL, &function); return function;
}
"""


@pytest.mark.parametrize("work", NODE_WORK)
def test_node(space: ServerClient, work: str) -> None:
    space.put_action("work", f"function main() {{ {NODE_WORK[work]} }}", NODE)
    _assert_done(space)


@pytest.mark.parametrize("work", PYTHON_WORK)
def test_python(space: ServerClient, work: str) -> None:
    space.put_action("work", f"def main(args):\n    {PYTHON_WORK[work]}", PYTHON)
    _assert_done(space)


def test_node_with_an_addon(space: ServerClient, tmp_path: Path) -> None:
    archive = _archive(
        tmp_path, "ask.node", ADDON, "function main() { return { answer: require('./ask.node')() } }\nexports.main = main"
    )
    space.put_action("work", archive, NODE)
    _assert_done(space)


def _archive(folder: Path, name: str, source: str, code: str) -> str:
    compiler, headers = shutil.which("cc"), _node_headers()
    if compiler is None or headers is None:
        if os.environ.get("CI"):
            raise AssertionError("a C compiler and Node's headers are needed")
        pytest.skip("no C compiler, or no headers of Node")
    (folder / "addon.c").write_text(source)
    built = folder / name
    subprocess.run([compiler, "-shared", "-fPIC", f"-I{headers}", "-o", built, folder / "addon.c"], check=True)
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as writer:
        writer.writestr("index.js", code)
        writer.write(built, name)
    return base64.b64encode(packed.getvalue()).decode()


def _node_headers() -> Path | None:
    interpreters = discover(Path(sysconfig.get_path("data"), "share", "ioruntime", "runtimes"))
    programs = [source for found in interpreters.values() for source, _ in found.mounts if source.name == "node"]
    headers = [program.parent.parent / "include" / "node" for program in programs]
    return next((folder for folder in headers if (folder / "node_api.h").exists()), None)


def _assert_done(space: ServerClient) -> None:
    answer = space.invoke("work").json()
    assert answer["response"]["success"], answer
    assert str(answer["response"]["result"]["answer"]) == "42", answer
