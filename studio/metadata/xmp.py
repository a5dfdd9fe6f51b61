"""Our JSON in an XMP packet. It is found by its tag rather than by reading XML, so no XML can do harm."""

import re
from xml.sax.saxutils import unescape

_SPACE = "urn:jimeng-studio:metadata"
_PACKET = (
    '<?xpacket begin="\ufeff" id="W5M0MpCehiHzreSzNTczkc9d"?><x:xmpmeta xmlns:x="adobe:ns:meta/">'
    '<rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">'
    f'<rdf:Description rdf:about="" xmlns:jimeng="{_SPACE}"><jimeng:settings>%s</jimeng:settings>'
    '</rdf:Description></rdf:RDF></x:xmpmeta><?xpacket end="r"?>'
)
_NAME = "jimeng:settings"
_VALUE = re.compile(r">([^<]*)<|\s*=\s*(?:\"([^\"]*)\"|'([^']*)')")


def build(settings: str) -> bytes:
    """`settings` is JSON without <, > and &."""
    return (_PACKET % settings).encode()


def settings(data: bytes) -> str:
    """What `build` was given, also when another program has written the packet anew; empty when there is none."""
    text = data.decode("utf-8", "replace")
    at = text.find(_NAME)
    found = _VALUE.match(text, at + len(_NAME)) if at >= 0 else None
    if found is None:
        return ""
    return unescape(found[1] or found[2] or found[3] or "", {"&quot;": '"', "&apos;": "'", "&#34;": '"', "&#39;": "'"})
