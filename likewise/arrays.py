"""The project's array types. Shapes are documented where arrays are passed."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

Pixels = npt.NDArray[np.uint8]  # one picture `(h, w[, 3])`, or n of one shape
Images = Sequence[npt.NDArray[Any]] | npt.NDArray[Any]  # n pictures, of any sizes
Floats = npt.NDArray[np.float32]  # vectors `(n, dim)`, and distances
Doubles = npt.NDArray[np.float64]  # rates, thresholds, places in the plane
Reals = npt.NDArray[np.floating[Any]]  # of either precision
Indices = npt.NDArray[np.int64]
Ints = npt.NDArray[np.integer[Any]]
Bools = npt.NDArray[np.bool_]
Strings = npt.NDArray[np.object_]  # ids and labels, as str objects
