"""From labelled pictures to a saved model. Only this folder and `importing` import TensorFlow.

May import: embedder.data, embedder.destination, embedder.errors, embedder.manifest, embedder.model,
embedder.preprocessing, embedder.text, embedder.training.writing.
"""

import os

# TensorFlow reads it when it is first imported: a step takes a third less time, and its results are
# still those of the last training, but not those without it. Some processors have it by default.
os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "1")
