"""Words that make a command an ordinary user's, who can read this project and its Python wherever they are.

In a mount namespace of the command's own, folders that only root may enter are covered by an empty one in which just
what the command needs shows at its usual place.
"""

import stat
import sys
from pathlib import Path

USER_ID = 61_234
_PROJECT = Path(__file__).parents[3]
_SCRIPT = """
set -e
stage=$(mktemp -d)
mount -t tmpfs -o mode=755 tmpfs "$stage"
count=$1; shift
number=0
for path in "$@"; do
    [ "$number" -lt "$count" ] || break
    mkdir "$stage/$number"
    mount --rbind "$path" "$stage/$number"
    number=$((number + 1))
done
number=0
while [ "$number" -lt "$count" ]; do
    closed=$(echo "$1" | cut -d/ -f2)
    grep -q " /$closed tmpfs " /proc/self/mounts || mount -t tmpfs -o mode=755 tmpfs "/$closed"
    mkdir -p "$1"
    mount --rbind "$stage/$number" "$1"
    shift
    number=$((number + 1))
done
umount -l "$stage"
rmdir "$stage"
exec setpriv --reuid "$USER_ID" --regid "$USER_ID" --clear-groups -- "$@"
"""


def as_ordinary_user() -> list[str]:
    """Words before a command; needs root."""
    needed = dict.fromkeys(Path(path).resolve() for path in (sys.base_prefix, sys.prefix, _PROJECT))
    hidden = [str(path) for path in needed if not _is_open(path)]
    script = _SCRIPT.replace("$USER_ID", str(USER_ID))
    return ["unshare", "--mount", "--propagation", "private", "sh", "-c", script, "sh", str(len(hidden)), *hidden]


def _is_open(path: Path) -> bool:
    return all(parent.stat().st_mode & stat.S_IXOTH for parent in (path, *path.parents))
