"""Loading TensorFlow without what its libraries write meanwhile, which nobody can act on."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager

# There is no graphics card; which kernels of the processor are used.
_NOTICES = (b"cudart_stub.cc", b"before absl::InitializeLog()", b"oneDNN custom operations are on")


@contextmanager
def without_notices() -> Iterator[None]:
    """Keep notices about the machine away from stderr; all else is written when it is left.

    Native code writes them to the file descriptor itself, whatever its log level is.
    """
    kept = os.dup(2)
    with tempfile.TemporaryFile() as written:
        os.dup2(written.fileno(), 2)
        try:
            yield
        finally:
            os.dup2(kept, 2)
            os.close(kept)
            written.seek(0)
            lines = [line for line in written if not any(word in line for word in _NOTICES)]
            os.write(2, b"".join(lines))
