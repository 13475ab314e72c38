"""The base of all of the project's errors."""


class LikewiseError(Exception):
    """Something is wrong that the user can mend; its text is one plain sentence."""
