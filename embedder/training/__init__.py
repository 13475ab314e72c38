"""From labelled pictures to a saved model. Only this folder and `importing` import TensorFlow.

May import: embedder.data, embedder.destination, embedder.errors, embedder.manifest, embedder.model,
embedder.preprocessing, embedder.text, embedder.training.writing.
"""

import os

# Read when TensorFlow is first imported. With oneDNN's convolutions a step takes a third less time;
# trainings still repeat, but round otherwise than without them, so they are on for every processor.
os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "1")
