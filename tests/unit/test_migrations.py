"""Rule for migrations: the previous release survives them.

Processes of the previous release run while this one migrates the database. So a migration may
add tables, indexes and columns with a default. It may remove or rename something only if a release
without any use of it is out, which it names: `CONTRACTS = "0.2.0"`.
"""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

from soundclone import __version__
from soundclone.db.migrate import MIGRATIONS

RULE_SINCE = 15  # 0008 removed a column that 0.1.0 reads, see docs/upgrading.md
CONTRACTING = {"drop_column", "drop_table", "rename_table", "drop_constraint"}


def objections(source: str, version: str) -> list[str]:
    """Return what a migration does that the previous release does not survive."""
    tree = ast.parse(source)
    for node in tree.body:
        if (
            isinstance(node, ast.Assign)
            and isinstance(node.targets[0], ast.Name)
            and node.targets[0].id == "CONTRACTS"
        ):
            since = ast.literal_eval(node.value)
            if tuple(map(int, since.split("."))) < tuple(map(int, version.split("."))):
                return []
            return [f"release {since} is not out before {version}"]
    found = []
    upgrades = [n for n in tree.body if isinstance(n, ast.FunctionDef) and n.name == "upgrade"]
    for call in [n for each in upgrades for n in ast.walk(each) if isinstance(n, ast.Call)]:
        name = call.func.attr if isinstance(call.func, ast.Attribute) else ""
        given = {each.arg: ast.unparse(each.value) for each in call.keywords}
        # A wider check takes the place of a check that is dropped. No release refers to a check.
        if name in CONTRACTING and given.get("type_") != "'check'":
            found.append(f"{name} removes something that the previous release may use")
        if name == "alter_column" and {"new_column_name", "type_"} & set(given):
            found.append("alter_column renames or changes a column")
        if name in ("add_column", "alter_column"):
            column = next((c for c in call.args if isinstance(c, ast.Call)), call)
            nested = {each.arg: ast.unparse(each.value) for each in column.keywords}
            if nested.get("nullable") == "False" and "server_default" not in nested:
                found.append(f"{name} needs a server_default, since old processes omit the column")
    return found


def test_the_previous_release_survives_new_migrations() -> None:
    for path in sorted((MIGRATIONS / "versions").glob("*.py")):
        if int(path.name[:4]) >= RULE_SINCE:
            assert objections(path.read_text("utf-8"), __version__) == [], path.name


@pytest.mark.parametrize(
    ("line", "allowed"),
    [
        ("op.create_table('a', sa.Column('b', sa.String(), nullable=False))", True),
        ("op.add_column('a', sa.Column('b', sa.String()))", True),
        ("op.add_column('a', sa.Column('b', sa.String(), nullable=False))", False),
        (
            "op.add_column('a', sa.Column('b', sa.String(), nullable=False, server_default=''))",
            True,
        ),
        ("op.drop_column('a', 'b')", False),
        ("op.rename_table('a', 'b')", False),
        ("op.drop_constraint('c', 'a')", False),
        ("op.drop_constraint('c', 'a', type_='check')", True),
        ("op.alter_column('a', 'b', new_column_name='c')", False),
        ("op.alter_column('a', 'b', nullable=False)", False),
        ("op.create_index('i', 'a', ['b'])", True),
    ],
)
def test_the_rule(line: str, allowed: bool) -> None:
    source = f"def upgrade() -> None:\n    {line}\n"
    assert (objections(source, "0.3.0") == []) == allowed
    assert objections(f'CONTRACTS = "0.2.0"\n{source}', "0.3.0") == []
    assert objections(f'CONTRACTS = "0.3.0"\n{source}', "0.3.0") != []


def test_the_rule_knows_the_migration_that_broke_it() -> None:
    (path,) = (MIGRATIONS / "versions").glob("0008_*.py")
    assert any("drop_column" in each for each in objections(Path(path).read_text(), "0.2.0"))
