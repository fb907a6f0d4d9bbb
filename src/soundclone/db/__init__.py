"""Tables, transactions and migrations of the database, SQLite or Postgres.

The rules that use the tables are in `core`.
"""
