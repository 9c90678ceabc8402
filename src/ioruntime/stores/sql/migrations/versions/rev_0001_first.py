"""The first schema: namespaces, entities, changes, activations, accepted requests, events."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

_TEXT = sa.String().with_variant(sa.String(collation="C"), "postgresql")
_SERIAL = sa.BigInteger().with_variant(sa.Integer, "sqlite")


def upgrade() -> None:
    _create_namespaces()
    _create_entities()
    _create_changes()
    _create_activations()
    _create_accepted()
    _create_journal()
    _create_deliveries()
    _create_traces()
    _create_attempts()


def _create_namespaces() -> None:
    op.create_table(
        "namespaces",
        sa.Column("name", _TEXT, primary_key=True),
        sa.Column("org_id", _TEXT, nullable=False),
        sa.Column("int_id", _TEXT, nullable=False),
        sa.Column("uuid", _TEXT, nullable=False),
        sa.Column("key", _TEXT, nullable=False),
        sa.Column("overrides", sa.LargeBinary, nullable=False),
        sa.Column("created_ms", sa.BigInteger, nullable=False),
        sa.UniqueConstraint("org_id", "int_id", name="uq_namespaces_owner"),
        sa.UniqueConstraint("uuid", name="uq_namespaces_uuid"),
    )


def _create_entities() -> None:
    op.create_table(
        "entities",
        sa.Column("namespace", _TEXT, nullable=False),
        sa.Column("key", _TEXT, nullable=False),
        sa.Column("collection", _TEXT, nullable=False),
        sa.Column("package", _TEXT),
        sa.Column("publish", sa.Boolean, nullable=False),
        sa.Column("binding", sa.Boolean, nullable=False),
        sa.Column("updated_ms", sa.BigInteger, nullable=False),
        sa.Column("revision", sa.BigInteger, nullable=False),
        sa.Column("code_digest", _TEXT),
        sa.Column("doc", sa.LargeBinary, nullable=False),
        sa.PrimaryKeyConstraint("namespace", "key"),
    )
    op.create_index("ix_entities_newest", "entities", ["namespace", "collection", "updated_ms", "revision"])
    op.create_index("ix_entities_package", "entities", ["namespace", "collection", "package", "updated_ms", "revision"])
    is_note = sa.text("collection = 'notes'")
    op.create_index("ix_entities_notes", "entities", ["collection"], sqlite_where=is_note, postgresql_where=is_note)
    has_code = sa.text("code_digest IS NOT NULL")
    op.create_index("ix_entities_code_digest", "entities", ["code_digest"], sqlite_where=has_code, postgresql_where=has_code)


def _create_changes() -> None:
    op.create_table(
        "changes",
        sa.Column("sequence", _SERIAL, primary_key=True),
        sa.Column("namespace", _TEXT, nullable=False),
        sa.Column("key", _TEXT),
        sa.Column("at_ms", sa.BigInteger, nullable=False),
        sqlite_autoincrement=True,
    )


def _create_activations() -> None:
    op.create_table(
        "activations",
        sa.Column("sequence", _SERIAL, primary_key=True),
        sa.Column("activation_id", _TEXT, nullable=False),
        sa.Column("namespace", _TEXT, nullable=False),
        sa.Column("name", _TEXT, nullable=False),
        sa.Column("package", _TEXT),
        sa.Column("start_ms", sa.BigInteger, nullable=False),
        sa.Column("status", sa.Integer, nullable=False),
        sa.Column("summary", sa.LargeBinary, nullable=False),
        sa.Column("detail", sa.LargeBinary, nullable=False),
        sa.UniqueConstraint("activation_id", name="uq_activations_id"),
    )
    op.create_index("ix_activations_newest", "activations", ["namespace", "start_ms", "sequence"])
    op.create_index("ix_activations_name", "activations", ["namespace", "name", "start_ms", "sequence"])
    op.create_index("ix_activations_package", "activations", ["namespace", "package", "name", "start_ms", "sequence"])
    op.create_index("ix_activations_oldest", "activations", ["start_ms"])


def _create_accepted() -> None:
    op.create_table(
        "accepted",
        sa.Column("activation_id", _TEXT, primary_key=True),
        sa.Column("namespace", _TEXT, nullable=False),
        sa.Column("received_ms", sa.BigInteger, nullable=False),
        sa.Column("doc", sa.LargeBinary, nullable=False),
    )
    op.create_index("ix_accepted_namespace", "accepted", ["namespace"])


def _create_journal() -> None:
    op.create_table(
        "journal",
        sa.Column("position", _SERIAL, primary_key=True),
        sa.Column("namespace", _TEXT, nullable=False),
        sa.Column("registration_id", _TEXT, nullable=False),
        sa.Column("received_ms", sa.BigInteger, nullable=False),
        sa.Column("event_id", _TEXT, nullable=False),
        sa.Column("provider", _TEXT, nullable=False),
        sa.Column("event_code", _TEXT, nullable=False),
        sa.Column("doc", sa.LargeBinary, nullable=False),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_journal_position", "journal", ["namespace", "registration_id", "position"])
    op.create_index("ix_journal_received", "journal", ["namespace", "registration_id", "received_ms", "position"])
    op.create_index("ix_journal_oldest", "journal", ["received_ms"])


def _create_deliveries() -> None:
    op.create_table(
        "deliveries",
        sa.Column("position", _SERIAL, primary_key=True, autoincrement=False),
        sa.Column("namespace", _TEXT, nullable=False),
        sa.Column("registration_id", _TEXT, nullable=False),
        sa.Column("is_dead", sa.Boolean, nullable=False),
        sa.Column("attempt", sa.Integer, nullable=False),
        sa.Column("next_ms", sa.BigInteger, nullable=False),
        sa.Column("since_ms", sa.BigInteger, nullable=False),
    )
    columns = ["namespace", "registration_id", "is_dead", "next_ms", "position"]
    op.create_index("ix_deliveries_next", "deliveries", columns)


def _create_traces() -> None:
    op.create_table(
        "traces",
        sa.Column("sequence", _SERIAL, primary_key=True),
        sa.Column("namespace", _TEXT, nullable=False),
        sa.Column("registration_id", _TEXT, nullable=False),
        sa.Column("at_ms", sa.BigInteger, nullable=False),
        sa.Column("doc", sa.LargeBinary, nullable=False),
    )
    op.create_index("ix_traces_newest", "traces", ["namespace", "registration_id", "sequence"])
    op.create_index("ix_traces_oldest", "traces", ["at_ms"])


def _create_attempts() -> None:
    op.create_table(
        "attempts",
        sa.Column("namespace", _TEXT, nullable=False),
        sa.Column("registration_id", _TEXT, nullable=False),
        sa.Column("slot_ms", sa.BigInteger, nullable=False),
        sa.Column("made", sa.BigInteger, nullable=False),
        sa.Column("failed", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("namespace", "registration_id", "slot_ms"),
    )
    op.create_index("ix_attempts_oldest", "attempts", ["slot_ms"])
