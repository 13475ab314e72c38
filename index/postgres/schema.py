"""The tables of a gallery in PostgreSQL, in a schema of their own, `likewise_NAME`.

The columns are those of the SQLite file, so both give the same rows and checksums. Texts compare by
bytes, so that no update of a system's locales can disorder an index.
"""

from __future__ import annotations

FORMAT = 1
# The statements that lead from each format to the next one: `MIGRATIONS[1]` from 1 to 2.
MIGRATIONS: dict[int, tuple[str, ...]] = {}
TABLES = (
    "CREATE TABLE format (one integer PRIMARY KEY CHECK (one = 1), version integer NOT NULL,"
    " gallery text NOT NULL)",
    'CREATE TABLE reference (slot bigint PRIMARY KEY, id text COLLATE "C" NOT NULL UNIQUE,'
    ' label text COLLATE "C" NOT NULL, content bytea, metadata text, vector bytea NOT NULL,'
    " picture_digest bytea, checksum bigint NOT NULL, picture bytea)",
    # neither shrinks, so the server need not try
    "ALTER TABLE reference ALTER vector SET STORAGE EXTERNAL, ALTER picture SET STORAGE EXTERNAL",
    "CREATE INDEX reference_content ON reference (content) WHERE content IS NOT NULL",
    "CREATE TABLE removal (sequence bigint PRIMARY KEY, slot bigint NOT NULL,"
    " checksum bigint NOT NULL)",
    "CREATE TABLE state (one integer PRIMARY KEY CHECK (one = 1), generation bigint NOT NULL,"
    " count bigint NOT NULL, total bigint NOT NULL, last_slot bigint NOT NULL,"
    " last_removal bigint NOT NULL, checksum bytea NOT NULL)",
    "CREATE TABLE manifest (one integer PRIMARY KEY CHECK (one = 1), revision bigint NOT NULL,"
    " fields text NOT NULL)",
    'CREATE TABLE file (name text COLLATE "C" PRIMARY KEY, digest bytea NOT NULL,'
    " content bytea NOT NULL)",
    "ALTER TABLE file ALTER content SET STORAGE EXTERNAL",
)
TYPES = {
    **dict.fromkeys(("slot", "sequence", "checksum"), "int8"),
    **dict.fromkeys(("id", "label", "metadata", "name"), "text"),
    **dict.fromkeys(("content", "vector", "picture_digest", "picture", "digest"), "bytea"),
}


def schema_of(name: str) -> str:
    """The schema of a gallery, quoted."""
    return f'"likewise_{name}"'
