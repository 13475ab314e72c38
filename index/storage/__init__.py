"""Files of a gallery: the database, the directory, sealed JSON, pictures."""
