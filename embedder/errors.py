"""What can go wrong between a picture and its vector.

Every message is one plain sentence: what was expected, what came, what to do.
Wrong arguments are `ValueError`s and are not listed here.
"""

from typing import Self

from likewise.errors import LikewiseError


class EmbedderError(LikewiseError):
    """Base of every error that this package raises on purpose."""


class ImageError(EmbedderError):
    """One picture cannot be read; the message is a short reason without its path."""

    def bare(self) -> Self:
        """The same, to be kept or raised again: a traceback's frames would keep the picture too."""
        return type(self)(*self.args)


class TooManyPixelsError(ImageError):
    """A picture is larger than whoever reads it wants to decode."""


class FormatError(ImageError):
    """A picture is in a format that is not read, or not here; the message says what to do."""


class DecodingError(ImageError):
    """Decoding a picture took too long or ended its process; the message says which."""


class DatasetError(EmbedderError):
    """A data set is missing, damaged or not in a known form; the message names file and row."""


class ArchiveTooLargeError(DatasetError):
    """An archive holds more than may be read; the message says how much, and the limit."""


class ModelError(EmbedderError):
    """A saved model is missing, altered, or of another kind than expected."""


class UnlabelledError(EmbedderError):
    """A picture that should become a reference, or be asked about with its label, has none."""
