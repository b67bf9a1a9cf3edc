"""What the tables share. Types are chosen so that SQLite and PostgreSQL hold the same: JSON, 64-bit integers, text."""

from __future__ import annotations

from sqlalchemy import BigInteger, Column, Index, Integer, MetaData, text

metadata = MetaData()


def serial() -> Column[int]:
    """A primary key that counts rows by itself."""
    return Column("id", BigInteger().with_variant(Integer, "sqlite"), primary_key=True, autoincrement=True)


def where(name: str, condition: str, *columns: str) -> Index:
    """An index that holds only some of the rows."""
    return Index(name, *columns, sqlite_where=text(condition), postgresql_where=text(condition))
