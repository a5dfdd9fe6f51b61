"""Text that strangers wrote, made fit to be shown: no control characters, no markup, no more than fits."""

import unicodedata
from html.parser import HTMLParser

_TURNING = "\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069"  # would turn the text around it as well
_BREAKS = {"p", "br", "div", "li", "ul", "ol", "h1", "h2", "h3", "h4", "tr", "hr"}
_UNSEEN = {"script", "style", "head", "title", "template"}
MOST_HTML = 100_000


def one_line(value: object, most: int) -> str:
    """A single line of at most `most` characters; empty for what is no text."""
    return _cut(" ".join(_clean(value).split()), most)


def paragraph(value: object, most: int) -> str:
    """The same with its line breaks, at most one empty line in a row."""
    lines = [" ".join(line.split()) for line in _clean(value).splitlines()]
    text = "\n".join(lines).strip()
    while "\n\n\n" in text:
        text = text.replace("\n\n\n", "\n\n")
    return _cut(text, most)


def without_html(value: object) -> str:
    """What a browser would show of a piece of HTML, as text."""
    if not isinstance(value, str):
        return ""
    reader = _Text()
    reader.feed(value[:MOST_HTML])
    reader.close()
    return "".join(reader.parts)


class _Text(HTMLParser):
    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.parts: list[str] = []
        self._unseen = 0

    def handle_starttag(self, tag: str, attrs: object) -> None:
        self._unseen += tag in _UNSEEN
        if tag in _BREAKS:
            self.parts.append("\n")

    def handle_endtag(self, tag: str) -> None:
        self._unseen = max(0, self._unseen - (tag in _UNSEEN))
        if tag in _BREAKS:
            self.parts.append("\n")

    def handle_data(self, data: str) -> None:
        if not self._unseen:
            self.parts.append(data)


def _clean(value: object) -> str:
    if not isinstance(value, str):
        return ""
    return "".join(c for c in value[:MOST_HTML] if _is_seen(c))


def _is_seen(character: str) -> bool:
    if character in "\n\t":
        return True
    return unicodedata.category(character) not in ("Cc", "Cs", "Co", "Cn") and character not in _TURNING


def _cut(text: str, most: int) -> str:
    return text if len(text) <= most else text[: most - 1].rstrip() + "…"
