# Become the sandbox: join the cgroups, take on the resource limits, run the command.
#
#   sh launch.sh OPEN_FILES FILE_BLOCKS [CGROUP_PROCS_FILE ...] -- COMMAND [ARGUMENT ...]
#
# A shell does it so that the server needs no Python between fork and exec, which keeps it on vfork.
ulimit -c 0
ulimit -n "$1" 2>/dev/null
ulimit -f "$2" 2>/dev/null
shift 2
while [ "$1" != -- ]; do
    echo 0 >"$1" || exit 125
    shift
done
shift
exec "$@"
