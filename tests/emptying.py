"""A PostgreSQL database as it was before a test had it: emptied in some milliseconds, and compared with what it was.

To make one takes a quarter of a second of CPU time, for its hundreds of files.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Self

from sqlalchemy import Connection, text

_OTHERS = """
SELECT pg_terminate_backend(pid) FROM pg_stat_activity
WHERE datname = current_database() AND pid <> pg_backend_pid()
"""
_SCHEMA = """
SELECT concat_ws(E'\\n',
    (SELECT string_agg(concat_ws(' ', relname, relkind, relowner, relacl), ',' ORDER BY relname)
        FROM pg_class WHERE relnamespace = 'public'::regnamespace),
    (SELECT string_agg(concat_ws(' ', relname, attname, atttypid, attnotnull), ',' ORDER BY relname, attnum)
        FROM pg_attribute JOIN pg_class ON pg_class.oid = attrelid
        WHERE relnamespace = 'public'::regnamespace AND attnum > 0),
    (SELECT string_agg(extname || extversion, ',' ORDER BY extname) FROM pg_extension),
    (SELECT string_agg(concat_ws(' ', nspname, nspacl), ',' ORDER BY nspname)
        FROM pg_namespace WHERE nspname !~ '^pg_'),
    (SELECT concat_ws(' ', datacl, string_agg(setconfig::text, ','))
        FROM pg_database LEFT JOIN pg_db_role_setting ON setdatabase = pg_database.oid
        WHERE datname = current_database() GROUP BY datacl))
"""
_FILLED = """
SELECT relname FROM pg_class
WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace AND pg_relation_size(oid) > 0
"""
_EMPTY = """
DO $$
DECLARE each record; filled text;
BEGIN
    FOR each IN SELECT inhrelid::regclass AS name
        FROM pg_inherits JOIN pg_class ON pg_class.oid = inhrelid WHERE relkind = 'r'
    LOOP
        EXECUTE format('DROP TABLE %s', each.name);
    END LOOP;
    SELECT string_agg(oid::regclass::text, ', ') INTO filled FROM pg_class
        WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace
        AND relname <> ALL ('{kept}') AND pg_relation_size(oid) > 0;
    IF filled IS NOT NULL THEN
        EXECUTE format('TRUNCATE %s CASCADE', filled);
    END IF;
    PERFORM setval(format('%I.%I', schemaname, sequencename)::regclass, start_value, false)
        FROM pg_sequences WHERE last_value IS NOT NULL;
END $$
"""


@dataclass(frozen=True)
class Contents:
    """What a database is like before a test has it."""

    schema: str
    """All that a test may change but rows: tables, columns, indexes, extensions, rights and settings."""
    rows: Mapping[str, str]
    """As JSON, by table; the others are empty."""

    @classmethod
    def of(cls, connection: Connection) -> Self:
        """Look at a database."""
        schema = str(connection.execute(text(_SCHEMA)).scalar_one())
        tables = connection.execute(text(_FILLED)).scalars().all()
        wanted = "SELECT json_agg(each ORDER BY each::text)::text FROM {} AS each"
        return cls(schema, {name: str(connection.execute(text(wanted.format(name))).scalar_one()) for name in tables})


def is_emptied(connection: Connection, new: Contents) -> bool:
    """Take away rows that were not there before, and whoever else is connected; tell whether it is as new."""
    connection.execute(text(_OTHERS))
    connection.execute(text("SET lock_timeout = '5s'"))
    connection.execute(text(_EMPTY.replace("{kept}", f"{{{','.join(new.rows)}}}")))
    now = Contents.of(connection)
    for name in (each for each, rows in new.rows.items() if now.schema == new.schema and now.rows.get(each) != rows):
        connection.execute(text(f"TRUNCATE {name}"))
        rows = f"SELECT * FROM json_populate_recordset(NULL::{name}, CAST(:rows AS json))"
        connection.execute(text(f"INSERT INTO {name} OVERRIDING SYSTEM VALUE {rows}"), {"rows": new.rows[name]})
        now = Contents.of(connection)
    return now == new
