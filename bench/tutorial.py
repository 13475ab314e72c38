"""The script that a tutorial's reader writes: `model.predict` and `IndexFlatL2`, nothing else.

    python tutorial.py build MODEL.keras TRAIN.npy TEST.npy INDEX   seconds of each step, as JSON
    python tutorial.py query MODEL.keras INDEX PICTURE              one picture's neighbours

No store, no labels, no threshold. It is measured by `naive.py` and imported by nothing.
"""

import json
import sys
import time
from typing import Any

import faiss
import keras
import numpy as np
from PIL import Image

K = 5


def build(model: Any, train: np.ndarray, test: np.ndarray, index_file: str) -> None:
    """Index the training images and check the test images; print the seconds of each."""
    model.predict(test[:1], verbose=0)  # the first call compiles

    start = time.perf_counter()
    index = faiss.IndexFlatL2(model.output_shape[-1])
    index.add(model.predict(train, verbose=0))
    faiss.write_index(index, index_file)
    built = time.perf_counter()
    index.search(model.predict(test, verbose=0), K)
    checked = time.perf_counter()

    singles = []
    for row in range(50):
        began = time.perf_counter()
        index.search(model.predict(test[row : row + 1], verbose=0), K)
        singles.append(time.perf_counter() - began)
    print(json.dumps({"build": built - start, "check": checked - built, "one": np.median(singles)}))


def query(model: Any, index_file: str, picture: str) -> None:
    """Print the squared distances and rows of one picture's neighbours."""
    pixels = np.asarray(Image.open(picture))[None]
    print(*faiss.read_index(index_file).search(model.predict(pixels, verbose=0), K))


if __name__ == "__main__":
    task, model_file, *rest = sys.argv[1:]
    network = keras.models.load_model(model_file, compile=False)
    if task == "build":
        build(network, np.load(rest[0]), np.load(rest[1]), rest[2])
    else:
        query(network, *rest)
