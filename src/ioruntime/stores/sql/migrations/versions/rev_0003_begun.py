"""Which of the accepted requests have begun."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

_TEXT = sa.String().with_variant(sa.String(collation="C"), "postgresql")


def upgrade() -> None:
    op.create_table("begun", sa.Column("activation_id", _TEXT, primary_key=True))
    # Nobody noted which of them had begun.
    op.execute("INSERT INTO begun SELECT activation_id FROM accepted")
