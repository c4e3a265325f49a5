"""The error that training raises of its data."""

from edge_caption.errors import EdgeCaptionError


class DataError(EdgeCaptionError):
    """Captions, photos or weights are wrong; correct the file that it names."""
