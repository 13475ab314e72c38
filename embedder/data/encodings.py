"""Text as other programs write it: with a byte order mark, or in UTF-16."""

from __future__ import annotations

import codecs

UTF_8 = "utf-8-sig"  # with or without a mark
_MARKS = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)
_LOOK = 32  # bytes of ASCII that tell UTF-16 without a mark


def text_encoding(head: bytes) -> str:
    """Tell the encoding of a text by its first bytes; UTF-8 unless it is UTF-16.

    Args:
        head: The first 32 bytes or more, or the whole text.

    Example:
        >>> text_encoding("a.png".encode("utf-16")), text_encoding("a.png".encode("utf-16-le"))
        ('utf-16', 'utf-16-le')
        >>> text_encoding(b"a.png")
        'utf-8-sig'
    """
    if head.startswith(_MARKS):
        return "utf-16"
    even, odd = head[:_LOOK:2], head[1:_LOOK:2]
    if len(odd) > 1:
        if not odd.strip(b"\0") and b"\0" not in even:
            return "utf-16-le"
        if not even.strip(b"\0") and b"\0" not in odd:
            return "utf-16-be"
    return UTF_8
