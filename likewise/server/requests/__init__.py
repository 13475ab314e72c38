"""Request bodies and query strings to pictures, vectors and options."""
