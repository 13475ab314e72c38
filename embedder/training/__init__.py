"""From labelled pictures to a saved model. Only this folder and `importing` import TensorFlow.

May import: embedder.data, embedder.destination, embedder.errors, embedder.manifest, embedder.model,
embedder.preprocessing, embedder.text, embedder.training.writing.
"""

import os

# TensorFlow reads this when first imported; by itself it uses oneDNN on some processors only.
# A step takes a third less time with it. Results repeat, but differ from those without it.
os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "1")
