"""The SQL store: tables, migrations and query modules; SQLite embedded, PostgreSQL in production."""
