"""The style library: which LoRA files there are, what is known of them, and what can be done with them."""

from studio.styles.library import StyleLibrary as StyleLibrary
from studio.styles.style import Style as Style
