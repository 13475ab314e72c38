"""The base of all of the project's errors."""


class LikewiseError(Exception):
    """Something is wrong that the user can mend; its text is one plain sentence.

    Example:
        >>> import likewise
        >>> try:
        ...     likewise.open("no-such.gallery")
        ... except likewise.LikewiseError as error:
        ...     print(error)
        Expected a gallery at 'no-such.gallery', but there is no such directory.
    """
