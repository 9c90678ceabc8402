# Replaces the runtime's own functions, to see the requests of others.
# expect: contained
import json
import sys


def main(args):
    json.dumps = lambda *a, **k: '{"breaches": []}'
    for module in list(sys.modules.values()):
        for name in ("run", "main", "serve"):
            if hasattr(module, name) and "proxy" in getattr(module, "__name__", ""):
                setattr(module, name, None)
    return {"breaches": []}
