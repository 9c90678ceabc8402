"""`python -m ioruntime` is `ioruntime`."""

import sys

from ioruntime.cli.main import main

if __name__ == "__main__":
    sys.exit(main())
