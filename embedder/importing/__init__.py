"""Models from elsewhere, brought to the form in which likewise runs its own.

May import: embedder.destination, embedder.errors, embedder.importing.keras_files,
embedder.manifest, embedder.model, embedder.photos, embedder.runtime.
"""
