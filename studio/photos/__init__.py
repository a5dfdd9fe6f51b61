"""Photos people bring: read without trusting them, taken out of archives, measured for what is drawn from them."""

from studio.photos.archives import Upload, unpack
from studio.photos.reading import Photo, read
from studio.photos.sizes import fit

__all__ = ["Photo", "Upload", "fit", "read", "unpack"]
