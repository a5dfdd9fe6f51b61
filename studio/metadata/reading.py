"""Which program a picture is from, and its settings: told by what stands in the file, never by its name."""

from core.errors import N_, UserError
from studio.metadata import a1111, comfyui, exif, fooocus, invokeai, jpeg, png, webp
from studio.metadata.facts import Facts
from studio.metadata.found import Found, of_request
from studio.metadata.limits import MOST_TEXT_BYTES, too_large
from studio.metadata.writing import OWN_KEYWORD

_KEYWORDS = frozenset(
    (OWN_KEYWORD, "parameters", "fooocus_scheme", "prompt", "workflow", "invokeai_metadata", "sd-metadata", "Dream")
)
_MOST_PARAMETERS = 200_000


def read(picture: bytes) -> Found:
    """The settings in a PNG, JPEG or WebP. Raises UserError for what is none of them, or holds no settings."""
    texts = _texts(picture)
    if sum(map(len, texts.values())) > MOST_TEXT_BYTES:
        raise too_large()
    found = _ours(texts) or _theirs(texts)
    if found is None:
        raise UserError(
            N_("There are no settings in that picture. Messengers, screenshots and most editors leave them out.")
        )
    return found


def _texts(picture: bytes) -> dict[str, str]:
    """By keyword, as a PNG would have them."""
    if picture.startswith(png.SIGNATURE):
        texts, tags = png.texts(picture, _KEYWORDS)
        return _from_exif(tags, "") | texts
    if picture.startswith(jpeg.SIGNATURE):
        settings, tags, comment = jpeg.texts(picture)
        return _from_exif(tags, comment) | ({OWN_KEYWORD: settings} if settings else {})
    if webp.is_webp(picture):
        settings, tags = webp.texts(picture)
        return _from_exif(tags, "") | ({OWN_KEYWORD: settings} if settings else {})
    raise _no_picture(picture)


def _from_exif(tags: dict[int, str], comment: str) -> dict[str, str]:
    texts = {}
    for tag in (exif.MAKE, exif.MODEL, exif.DESCRIPTION):  # ComfyUI: "prompt:{...}", "Workflow: {...}"
        name, colon, value = tags.get(tag, "").partition(":")
        if colon and name.lower() in ("prompt", "workflow"):
            texts[name.lower()] = value.strip()
    for text in (tags.get(exif.USER_COMMENT, ""), comment):  # a camera's, perhaps
        if "parameters" not in texts and (text.lstrip().startswith("{") or a1111.has_settings(text)):
            texts["parameters"] = text
    if tags.get(exif.SOFTWARE, "").startswith("Fooocus"):
        texts["fooocus_scheme"] = tags.get(exif.MAKER_NOTE, "")
    return texts


def _ours(texts: dict[str, str]) -> Found | None:
    facts = Facts.from_json(texts[OWN_KEYWORD]) if OWN_KEYWORD in texts else None
    return Found(a1111.OURS, *of_request(facts.request), facts=facts) if facts else None


def _theirs(texts: dict[str, str]) -> Found | None:
    found = invokeai.read(texts)
    parameters = texts.get("parameters", "")
    if found is None and parameters:
        if len(parameters) > _MOST_PARAMETERS:
            raise too_large()
        if parameters.lstrip().startswith("{"):
            found = fooocus.read(parameters)
        else:
            found = a1111.read(parameters, "Fooocus" if "fooocus_scheme" in texts else "")
    return found or comfyui.read(texts)


def _no_picture(data: bytes) -> UserError:
    start = data[:1_000].lstrip(b"\xef\xbb\xbf \r\n\t").lower()
    if not data:
        return UserError(N_("That file is empty."))
    if start.startswith(b"<"):
        return UserError(N_("That file is a web page or a drawing in text (HTML, SVG), whatever its name says."))
    return UserError(N_("Settings are read from PNG, JPEG and WebP pictures; that file is none of them."))
