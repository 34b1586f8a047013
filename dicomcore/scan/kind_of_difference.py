"""What kind of difference it is between two versions of an instance, in one sentence."""

from __future__ import annotations

from pydicom.config import IGNORE
from pydicom.uid import UID

from dicomcore.errors import ChildDied
from dicomcore.scan.two_versions import Headers, named, same_pixels

#: What transcoding changes besides the pixels: PS3.3 C.7.6.3 and C.7.6.1.1.5.
OF_THE_ENCODING = frozenset(
    {
        "PhotometricInterpretation",
        "PlanarConfiguration",
        "LossyImageCompression",
        "LossyImageCompressionMethod",
        "LossyImageCompressionRatio",
        "ExtendedOffsetTable",
        "ExtendedOffsetTableLengths",
    }
)


def pixels_in_words(headers: Headers, here: str, there: str) -> str:
    """How the pixels of two files compare; other bytes may still be the same pixels, encoded in another way."""
    match headers.pixels:
        case "none":
            return "no pixels"
        case "equal":
            return "the same pixels"
        case "only here":
            return "pixels only in the file"
        case "only there":
            return "pixels only in the archive"
    if headers.syntax_here == headers.syntax_there and not _is_compressed(headers.syntax_here):
        return "other pixels"
    try:
        return "the same pixels once decoded" if same_pixels(here, there) else "other pixels"
    except ChildDied:
        return "pixels that could not be decoded to compare them"


def sentence(headers: Headers, pixels: str) -> str:
    """What kind of difference it is; what tells most comes first, for a table cuts the end."""
    first = _first(pixels)
    names = [difference.name for difference in headers.elements]
    if headers.syntax_here != headers.syntax_there:
        here, there = named_syntax(headers.syntax_here), named_syntax(headers.syntax_there)
        rest = [name for name in names if name not in OF_THE_ENCODING]
        others = _others(rest, headers.more)
        return f"{first}, other encoding: {there} in the archive, {here} in the file{others}."
    if names or pixels not in ("the same pixels", "no pixels"):
        encoding = ", other encoding" if pixels == "the same pixels once decoded" else ""
        return f"{first}{encoding}{_others(names, headers.more)}."
    if headers.meta:
        return "Only the file meta information differs."
    return "All elements have the same values; only the way they are written differs (lengths, padding, the preamble)."


def _first(pixels: str) -> str:
    """``Same pixels``, whichever way they were compared; other words as they are."""
    return "Same pixels" if pixels.startswith("the same pixels") else pixels[:1].upper() + pixels[1:]


def _others(names: list[str], more: int) -> str:
    if not names:
        return ""
    return f", other header elements: {named(list(dict.fromkeys(names)))}" + (f", and {more:,} more" if more else "")


def _is_compressed(syntax: str) -> bool:
    try:
        return _uid(syntax).is_compressed
    except ValueError:
        return True


def named_syntax(syntax: str) -> str:
    """The name of a transfer syntax UID; one that nobody knows names itself."""
    return _uid(syntax).name if syntax else "unknown"


def _uid(text: str) -> UID:
    """Also of text that is no UID: files hold anything."""
    return UID(text, validation_mode=IGNORE)
