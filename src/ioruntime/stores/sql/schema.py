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

REVISIONS = ("0001",)
"""All that this code knows, oldest first; each has a file in `migrations/versions`."""
HEAD = REVISIONS[-1]

metadata = MetaData()
_SERIAL = BigInteger().with_variant(Integer, "sqlite")
"""SQLite numbers rows by itself only in a column of exactly this type."""

namespaces = Table(
    "namespaces",
    metadata,
    Column("name", String, primary_key=True),
    Column("org_id", String, nullable=False),
    Column("int_id", String, nullable=False),
    Column("uuid", String, nullable=False),
    Column("key", String, nullable=False),
    Column("overrides", LargeBinary, nullable=False),
    Column("created_ms", BigInteger, nullable=False),
    UniqueConstraint("org_id", "int_id", name="uq_namespaces_owner"),
    UniqueConstraint("uuid", name="uq_namespaces_uuid"),
)

entities = Table(
    "entities",
    metadata,
    Column("namespace", String, nullable=False),
    Column("key", String, nullable=False),
    Column("collection", String, nullable=False),
    Column("package", String),
    Column("publish", Boolean, nullable=False),
    Column("binding", Boolean, nullable=False),
    Column("updated_ms", BigInteger, nullable=False),
    Column("revision", BigInteger, nullable=False),
    Column("code_digest", String),
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
    Column("namespace", String, nullable=False),
    Column("key", String),
    Column("at_ms", BigInteger, nullable=False),
    # A number must not come back when its row is pruned: it is also the revision of an entity.
    sqlite_autoincrement=True,
)

activations = Table(
    "activations",
    metadata,
    Column("sequence", _SERIAL, primary_key=True),
    Column("activation_id", String, nullable=False),
    Column("namespace", String, nullable=False),
    Column("name", String, nullable=False),
    Column("package", String),
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
    Column("activation_id", String, primary_key=True),
    Column("namespace", String, nullable=False),
    Column("received_ms", BigInteger, nullable=False),
    Column("doc", LargeBinary, nullable=False),
)
Index("ix_accepted_namespace", accepted.c.namespace)

journal = Table(
    "journal",
    metadata,
    Column("position", _SERIAL, primary_key=True),
    Column("namespace", String, nullable=False),
    Column("registration_id", String, nullable=False),
    Column("received_ms", BigInteger, nullable=False),
    Column("event_id", String, nullable=False),
    Column("provider", String, nullable=False),
    Column("event_code", String, nullable=False),
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
    Column("namespace", String, nullable=False),
    Column("registration_id", String, nullable=False),
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
    Column("namespace", String, nullable=False),
    Column("registration_id", String, nullable=False),
    Column("at_ms", BigInteger, nullable=False),
    Column("doc", LargeBinary, nullable=False),
)
Index("ix_traces_newest", traces.c.namespace, traces.c.registration_id, traces.c.sequence)
Index("ix_traces_oldest", traces.c.at_ms)

attempts = Table(
    "attempts",
    metadata,
    Column("namespace", String, nullable=False),
    Column("registration_id", String, nullable=False),
    Column("slot_ms", BigInteger, nullable=False),
    Column("made", BigInteger, nullable=False),
    Column("failed", BigInteger, nullable=False),
    PrimaryKeyConstraint("namespace", "registration_id", "slot_ms"),
)
Index("ix_attempts_oldest", attempts.c.slot_ms)

version = Table(
    "alembic_version",
    MetaData(),
    Column("version_num", String(32), nullable=False),
    PrimaryKeyConstraint("version_num", name="alembic_version_pkc"),
)
"""Which revision a database is at; apart, because the migration tool owns it."""
