"""The Python runtime: serves `POST /init` and `POST /run` on a listening Unix socket that this process inherits.

Started as `python -S main.py FD`. Needs nothing but the standard library; works on Python 3.6 and later.
"""

import sys

from ioruntime_proxy.http import Listener
from ioruntime_proxy.server import serve
from ioruntime_proxy.service import Service

serve(Listener(int(sys.argv[1])), Service())
