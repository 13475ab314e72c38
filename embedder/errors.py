"""What can go wrong between a picture and its vector.

Every message is one plain sentence: what was expected, what came, what to do.
Wrong arguments are `ValueError`s and are not listed here.
"""


class EmbedderError(Exception):
    """Base of every error that this package raises on purpose."""


class ImageError(EmbedderError):
    """One picture cannot be read; the message is a short reason without its path."""


class TooManyPixelsError(ImageError):
    """A picture is larger than whoever reads it wants to decode."""


class DatasetError(EmbedderError):
    """A data set is missing, damaged or not in a known form; the message names file and row."""


class ArchiveTooLargeError(DatasetError):
    """An archive holds more than may be read; the message says how much, and the limit."""


class ModelError(EmbedderError):
    """A saved model is missing, altered, or of another kind than expected."""


def counted(number: int, thing: str) -> str:
    """Say how many, for a message.

    Example:
        >>> counted(1, "picture"), counted(0, "label")
        ('1 picture', '0 labels')
    """
    return f"{number} {thing}{'s' * (number != 1)}"
