"""Pictures, embedder and gallery together: enrol, ask, check in bulk, show."""
