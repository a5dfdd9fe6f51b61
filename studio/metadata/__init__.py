"""The settings inside a picture file: written into ours, and read from ours and those of other programs.

Files are taken apart by their containers alone; no pixel is ever decoded here, so no bomb goes off. `embed` adds what
a picture was made with, twice: as the text that other programs read, and as our own JSON, exact. `clean` takes it all
away. `read` says what can be used of any picture's settings and names what cannot.
"""

from studio.metadata.facts import Facts
from studio.metadata.found import Found, Settings
from studio.metadata.reading import read
from studio.metadata.writing import clean, embed

__all__ = ["Facts", "Found", "Settings", "clean", "embed", "read"]
