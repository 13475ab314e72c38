"""From labelled pictures to a saved model. The only folder that imports TensorFlow.

May import: embedder.data, embedder.errors, embedder.manifest, embedder.model,
embedder.preprocessing, embedder.text.
"""
