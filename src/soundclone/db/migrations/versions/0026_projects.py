"""Projects: scripts of blocks, takes that speak the blocks, and renders of the takes."""

import sqlalchemy as sa
from alembic import op

revision = "0026"
down_revision = "0025"

_NAME = "tasks_known_kind"


def upgrade() -> None:
    """Add the tables, and allow the kind of a render."""
    with op.batch_alter_table("tasks") as batch:
        batch.drop_constraint(_NAME, type_="check")
        batch.create_check_constraint(_NAME, "kind IN ('clone', 'audio', 'conversion', 'render')")
    op.create_table(
        "projects",
        sa.Column("id", sa.String(), primary_key=True),
        sa.Column("account_id", sa.String(), sa.ForeignKey("accounts.id"), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("style", sa.JSON(), nullable=False),
        sa.Column("version", sa.BigInteger(), nullable=False),
        sa.Column("blocks", sa.BigInteger(), nullable=False),
        sa.Column("characters", sa.BigInteger(), nullable=False),
        sa.Column("created_at", sa.Double(), nullable=False),
        sa.Column("updated_at", sa.Double(), nullable=False),
        sa.Column("deleted_at", sa.Double()),
    )
    op.create_index("projects_of_account", "projects", ["account_id", "created_at"])
    op.create_index("ix_projects_deleted_at", "projects", ["deleted_at"])
    op.create_table(
        "blocks",
        sa.Column("id", sa.String(), primary_key=True),
        sa.Column("project_id", sa.String(), sa.ForeignKey("projects.id"), nullable=False),
        sa.Column("account_id", sa.String(), sa.ForeignKey("accounts.id"), nullable=False),
        sa.Column("position", sa.BigInteger(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("is_ssml", sa.Boolean(), nullable=False),
        sa.Column("seconds", sa.Double()),
        sa.Column("style", sa.JSON(), nullable=False),
        sa.Column("characters", sa.BigInteger(), nullable=False),
        sa.Column("digest", sa.String(), nullable=False),
        sa.Column("take_id", sa.String()),
        sa.Column("version", sa.BigInteger(), nullable=False),
        sa.Column("created_at", sa.Double(), nullable=False),
        sa.Column("updated_at", sa.Double(), nullable=False),
        sa.Column("deleted_at", sa.Double()),
        sa.CheckConstraint("kind IN ('text', 'chapter', 'pause')", name="blocks_known_kind"),
    )
    op.create_index("blocks_of_project", "blocks", ["project_id", "position"])
    op.create_index("ix_blocks_account_id", "blocks", ["account_id"])
    op.create_index("ix_blocks_deleted_at", "blocks", ["deleted_at"])
    op.create_table(
        "takes",
        sa.Column("id", sa.String(), primary_key=True),
        sa.Column("project_id", sa.String(), sa.ForeignKey("projects.id"), nullable=False),
        sa.Column("block_id", sa.String(), sa.ForeignKey("blocks.id"), nullable=False),
        sa.Column("account_id", sa.String(), sa.ForeignKey("accounts.id"), nullable=False),
        sa.Column("task_id", sa.String(), nullable=False, unique=True),
        sa.Column("seed", sa.BigInteger(), nullable=False),
        sa.Column("digest", sa.String(), nullable=False),
        sa.Column("created_at", sa.Double(), nullable=False),
    )
    op.create_index("takes_of_block", "takes", ["block_id", "created_at"])
    op.create_index("ix_takes_project_id", "takes", ["project_id"])
    op.create_index("ix_takes_account_id", "takes", ["account_id"])
    op.create_table(
        "renders",
        sa.Column("task_id", sa.String(), primary_key=True),
        sa.Column("project_id", sa.String(), sa.ForeignKey("projects.id"), nullable=False),
        sa.Column("account_id", sa.String(), sa.ForeignKey("accounts.id"), nullable=False),
        sa.Column("plan", sa.JSON(), nullable=False),
        sa.Column("voices", sa.JSON(), nullable=False),
        sa.Column("created_at", sa.Double(), nullable=False),
    )
    op.create_index("renders_of_project", "renders", ["project_id", "created_at"])
    op.create_index("ix_renders_account_id", "renders", ["account_id"])
