"""The tables, in words that SQLite and PostgreSQL both know, and the revisions of the schema that led here."""

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    PrimaryKeyConstraint,
    String,
    Table,
    UniqueConstraint,
    text,
)

REVISIONS = ("0001", "0002", "0003")
"""All that this code knows, oldest first; each has a file in `migrations/versions`."""
HEAD = REVISIONS[-1]

metadata = MetaData()
_TEXT = String().with_variant(String(collation="C"), "postgresql")
"""Compared byte by byte, whatever language a PostgreSQL database was made for."""
_SERIAL = BigInteger().with_variant(Integer, "sqlite")
"""SQLite numbers rows by itself only in a column of exactly this type."""

namespaces = Table(
    "namespaces",
    metadata,
    Column("name", _TEXT, primary_key=True),
    Column("org_id", _TEXT, nullable=False),
    Column("int_id", _TEXT, nullable=False),
    Column("uuid", _TEXT, nullable=False),
    Column("key", _TEXT, nullable=False),
    Column("overrides", LargeBinary, nullable=False),
    Column("created_ms", BigInteger, nullable=False),
    UniqueConstraint("org_id", "int_id", name="uq_namespaces_owner"),
    UniqueConstraint("uuid", name="uq_namespaces_uuid"),
)

entities = Table(
    "entities",
    metadata,
    Column("namespace", _TEXT, nullable=False),
    Column("key", _TEXT, nullable=False),
    Column("collection", _TEXT, nullable=False),
    Column("package", _TEXT),
    Column("publish", Boolean, nullable=False),
    Column("binding", Boolean, nullable=False),
    Column("updated_ms", BigInteger, nullable=False),
    Column("revision", BigInteger, nullable=False),
    Column("code_digest", _TEXT),
    Column("doc", LargeBinary, nullable=False),
    PrimaryKeyConstraint("namespace", "key"),
)
Index("ix_entities_newest", entities.c.namespace, entities.c.collection, entities.c.updated_ms, entities.c.revision)
Index(
    "ix_entities_package",
    entities.c.namespace,
    entities.c.collection,
    entities.c.package,
    entities.c.updated_ms,
    entities.c.revision,
)
_HAS_CODE = text("code_digest IS NOT NULL")
_IS_NOTE = text("collection = 'notes'")
Index("ix_entities_notes", entities.c.collection, sqlite_where=_IS_NOTE, postgresql_where=_IS_NOTE)
Index("ix_entities_code_digest", entities.c.code_digest, sqlite_where=_HAS_CODE, postgresql_where=_HAS_CODE)

changes = Table(
    "changes",
    metadata,
    Column("sequence", _SERIAL, primary_key=True),
    Column("namespace", _TEXT, nullable=False),
    Column("key", _TEXT),
    Column("at_ms", BigInteger, nullable=False),
    # A number must not come back when its row is pruned: it is also the revision of an entity.
    sqlite_autoincrement=True,
)

activations = Table(
    "activations",
    metadata,
    Column("sequence", _SERIAL, primary_key=True),
    Column("activation_id", _TEXT, nullable=False),
    Column("namespace", _TEXT, nullable=False),
    Column("name", _TEXT, nullable=False),
    Column("package", _TEXT),
    Column("start_ms", BigInteger, nullable=False),
    Column("status", Integer, nullable=False),
    Column("summary", LargeBinary, nullable=False),
    # Last, so that what is large lies in overflow pages (PostgreSQL: out of line), which a list does not read.
    Column("detail", LargeBinary, nullable=False),
    UniqueConstraint("activation_id", name="uq_activations_id"),
)
Index("ix_activations_newest", activations.c.namespace, activations.c.start_ms, activations.c.sequence)
Index("ix_activations_name", activations.c.namespace, activations.c.name, activations.c.start_ms, activations.c.sequence)
Index(
    "ix_activations_package",
    activations.c.namespace,
    activations.c.package,
    activations.c.name,
    activations.c.start_ms,
    activations.c.sequence,
)
Index("ix_activations_oldest", activations.c.start_ms)

accepted = Table(
    "accepted",
    metadata,
    Column("activation_id", _TEXT, primary_key=True),
    Column("namespace", _TEXT, nullable=False),
    Column("received_ms", BigInteger, nullable=False),
    Column("doc", LargeBinary, nullable=False),
)
Index("ix_accepted_namespace", accepted.c.namespace)

begun = Table("begun", metadata, Column("activation_id", _TEXT, primary_key=True))
"""Of `accepted`, whose code may have run. A table of its own: a mark in that row would write the whole request again."""

journal = Table(
    "journal",
    metadata,
    Column("position", _SERIAL, primary_key=True),
    Column("namespace", _TEXT, nullable=False),
    Column("registration_id", _TEXT, nullable=False),
    Column("received_ms", BigInteger, nullable=False),
    Column("event_id", _TEXT, nullable=False),
    Column("provider", _TEXT, nullable=False),
    Column("event_code", _TEXT, nullable=False),
    Column("doc", LargeBinary, nullable=False),
    # A reader goes on from the last position that it saw, which may be gone by then.
    sqlite_autoincrement=True,
)
Index("ix_journal_position", journal.c.namespace, journal.c.registration_id, journal.c.position)
Index("ix_journal_received", journal.c.namespace, journal.c.registration_id, journal.c.received_ms, journal.c.position)
Index("ix_journal_oldest", journal.c.received_ms)

deliveries = Table(
    "deliveries",
    metadata,
    Column("position", _SERIAL, primary_key=True, autoincrement=False),
    Column("namespace", _TEXT, nullable=False),
    Column("registration_id", _TEXT, nullable=False),
    Column("is_dead", Boolean, nullable=False),
    Column("attempt", Integer, nullable=False),
    Column("next_ms", BigInteger, nullable=False),
    Column("since_ms", BigInteger, nullable=False),
)
Index(
    "ix_deliveries_next",
    deliveries.c.namespace,
    deliveries.c.registration_id,
    deliveries.c.is_dead,
    deliveries.c.next_ms,
    deliveries.c.position,
)

traces = Table(
    "traces",
    metadata,
    Column("sequence", _SERIAL, primary_key=True),
    Column("namespace", _TEXT, nullable=False),
    Column("registration_id", _TEXT, nullable=False),
    Column("at_ms", BigInteger, nullable=False),
    Column("doc", LargeBinary, nullable=False),
)
Index("ix_traces_newest", traces.c.namespace, traces.c.registration_id, traces.c.sequence)
Index("ix_traces_oldest", traces.c.at_ms)

attempts = Table(
    "attempts",
    metadata,
    Column("namespace", _TEXT, nullable=False),
    Column("registration_id", _TEXT, nullable=False),
    Column("slot_ms", BigInteger, nullable=False),
    Column("made", BigInteger, nullable=False),
    Column("failed", BigInteger, nullable=False),
    PrimaryKeyConstraint("namespace", "registration_id", "slot_ms"),
)
Index("ix_attempts_oldest", attempts.c.slot_ms)

blobs = Table(
    "blobs",
    metadata,
    Column("digest", _TEXT, primary_key=True),
    Column("put_ms", BigInteger, nullable=False),
    Column("content", LargeBinary, nullable=False),
)
"""Action code, where machines share no directory; empty in SQLite, whose code lies in files."""

version = Table(
    "alembic_version",
    MetaData(),
    Column("version_num", String(32), nullable=False),
    PrimaryKeyConstraint("version_num", name="alembic_version_pkc"),
)
"""Which revision a database is at; apart, because the migration tool owns it."""
