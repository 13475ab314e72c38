"""From labelled pictures to a saved model. Only this folder and `importing` import TensorFlow.

May import: embedder.data, embedder.destination, embedder.errors, embedder.manifest, embedder.model,
embedder.preprocessing, embedder.text, embedder.training.writing.
"""
