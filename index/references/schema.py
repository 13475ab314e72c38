"""The tables of the references, format 1; a file must have exactly this schema."""

from __future__ import annotations

from index.references.rows import Row

FORMAT = 1
TABLES = (
    "CREATE TABLE reference (slot INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE,"
    " label TEXT NOT NULL, content BLOB, metadata TEXT, vector BLOB NOT NULL,"
    " picture_digest BLOB, checksum INTEGER NOT NULL, picture BLOB)",
    "CREATE INDEX reference_content ON reference (content) WHERE content IS NOT NULL",
    "CREATE TABLE removal (sequence INTEGER PRIMARY KEY, slot INTEGER NOT NULL,"
    " checksum INTEGER NOT NULL)",
    "CREATE TABLE state (one INTEGER PRIMARY KEY CHECK (one = 1), generation INTEGER NOT NULL,"
    " count INTEGER NOT NULL, total INTEGER NOT NULL, last_slot INTEGER NOT NULL,"
    " last_removal INTEGER NOT NULL, checksum BLOB NOT NULL)",
)
COLUMNS = ", ".join(Row._fields)
