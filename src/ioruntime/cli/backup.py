"""`ioruntime backup` and `ioruntime restore`: the whole platform in one file."""

from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

from ioruntime.cli.output import print_json
from ioruntime.cli.usage import ANYWHERE, Json, Place

Archive = Annotated[Path, Parameter(help="The archive, a gzipped tar file.")]


def backup(
    file: Archive,
    /,
    *,
    without_keys: Annotated[
        bool, Parameter(negative="", help="Leave out the keys that decrypt and sign; keep them apart.")
    ] = False,
    json: Json = False,
    place: Place = ANYWHERE,
) -> None:
    """Write the database, the code of actions and the keys to one file, while servers go on."""
    settings = place.settings()
    from ioruntime.app.keeping.backup import write_backup

    manifest = write_backup(settings, file, keys=not without_keys)
    size_bytes = file.stat().st_size
    if json:
        print_json({"file": str(file), "bytes": size_bytes, "schema": manifest.schema, "keys": manifest.has_keys})
        return
    print(f"{file}: {size_bytes} bytes, schema {manifest.schema}, code of {len(manifest.code_digests)} actions.")
    if without_keys:
        print("The keys are not in it: keep a copy of secrets.keys and of the *.pem files elsewhere.")
    elif settings.secrets.key_file is not None:
        print(f"The file of keys {settings.secrets.key_file} is not in it: keep a copy of it.")


def restore(
    file: Archive,
    /,
    *,
    overwrite: Annotated[bool, Parameter(negative="", help="Replace what is there; it is kept in a folder of its own.")] = False,
    json: Json = False,
    place: Place = ANYWHERE,
) -> None:
    """Make the data directory what it was when a backup was written; no server may run on it."""
    settings = place.settings()
    from ioruntime.app.keeping.restore import restore_backup

    restored = restore_backup(settings, file, overwrite=overwrite)
    replaced = None if restored.replaced is None else str(restored.replaced)
    if json:
        print_json({"schema": restored.manifest.schema, "createdMs": restored.manifest.created_ms, "replaced": replaced})
        return
    print(f"{settings.data_dir} is what it was when {file} was written.")
    if replaced:
        print(f"What was there before is in {replaced}; delete it when you do not need it any more.")
