"""Real DICOM files, damaged at random as disks, programs and people damage them."""

from __future__ import annotations

import random
import struct
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path

from pydicom.dataset import Dataset
from pydicom.uid import DeflatedExplicitVRLittleEndian, ExplicitVRLittleEndian, ImplicitVRLittleEndian

from tests.factories import ct, dicomdir, element, encoded

VRS = b"AE AS AT CS DA DS DT FD FL IS LO LT OB OW PN SH SL SQ SS ST TM UI UL UN US UT ZZ \0\0 ??".split(b" ")
LENGTHS = (0, 1, 0xFFFE, 0xFFFF, 0x7FFFFFFF, 0xFFFFFFFE, 0xFFFFFFFF)
UNDEFINED = 0xFFFFFFFF
LARGEST_SEED = 200_000
META_ENDS = 300
"""About where the data set begins: most damage is done where parsers look."""

Damage = Callable[[random.Random, bytearray], bytearray]


def originals(corpus: Path) -> list[bytes]:
    """Small sound files in several encodings; those of the corpus too, where there is one."""
    item = Dataset()
    item.CodeMeaning = "an item"
    with_sequence = ct(
        ReferencedImageSequence=[item, item], PatientName="Müller^Änne", SpecificCharacterSet="ISO_IR 100"
    )
    syntaxes = (ExplicitVRLittleEndian, ImplicitVRLittleEndian, DeflatedExplicitVRLittleEndian)
    own = [encoded(dataset, syntax) for syntax in syntaxes for dataset in (ct(), with_sequence)]
    found = (path for path in sorted(corpus.rglob("*")) if path.is_file() and path.stat().st_size <= LARGEST_SEED)
    return [*own, dicomdir(), *(path.read_bytes() for path in found)]


def damaged(rng: random.Random, sound: list[bytes]) -> Iterator[bytes]:
    """Damaged files without end: one to four damages each."""
    while True:
        content = bytearray(rng.choice(sound))
        for _ in range(rng.randint(1, 4)):
            content = rng.choice(DAMAGES)(rng, content)
        yield bytes(content)


def flip_bits(rng: random.Random, content: bytearray) -> bytearray:
    for _ in range(rng.randint(1, 20)):
        if content:
            content[_place(rng, content)] ^= 1 << rng.randrange(8)
    return content


def cut_off(rng: random.Random, content: bytearray) -> bytearray:
    return content[: _place(rng, content)]


def take_out(rng: random.Random, content: bytearray) -> bytearray:
    at = _place(rng, content)
    del content[at : at + rng.randint(1, 40)]
    return content


def say_twice(rng: random.Random, content: bytearray) -> bytearray:
    at = _place(rng, content)
    return content[:at] + content[at : at + rng.randint(1, 400)] + content[at:]


def zero(rng: random.Random, content: bytearray) -> bytearray:
    """A block that a copy has lost."""
    at = _place(rng, content)
    end = min(len(content), at + rng.choice((16, 512, 4096)))
    content[at:end] = bytes(end - at)
    return content


def claim_length(rng: random.Random, content: bytearray) -> bytearray:
    """A 16-bit or 32-bit length behind a VR says something else."""
    at = _vr(rng, content)
    width, code = rng.choice(((2, "<H"), (4, "<L")))
    content[at + 2 : at + 2 + width] = struct.pack(code, rng.choice(LENGTHS) & (1 << 8 * width) - 1)
    return content


def change_vr(rng: random.Random, content: bytearray) -> bytearray:
    at = _vr(rng, content)
    content[at : at + 2] = rng.choice(VRS)
    return content


def change_tag(rng: random.Random, content: bytearray) -> bytearray:
    at = max(0, _vr(rng, content) - 4)
    content[at : at + 4] = rng.choice((rng.randbytes(4), b"\xfe\xff\x00\xe0", b"\xfe\xff\xdd\xe0", b"\xe0\x7f\x10\x00"))
    return content


def insert_sequences(rng: random.Random, content: bytearray) -> bytearray:
    """Sequences in sequences, open or closed, some with a lie about their length."""
    at = max(0, _vr(rng, content) - 4)
    inner = b""
    for _ in range(rng.choice((1, 2, 5, 30, 200))):
        length = rng.choice((UNDEFINED, UNDEFINED, len(inner) + 8, rng.choice(LENGTHS)))
        item = struct.pack("<HHL", 0xFFFE, 0xE000, rng.choice((UNDEFINED, len(inner)))) + inner
        inner = element(0x0008, 0x1140, "SQ", item, length=length)
    return content[:at] + inner + content[at:]


def deflate(rng: random.Random, content: bytearray) -> bytearray:
    """What follows the file meta information is deflated, and seldom all of it is there."""
    packer = zlib.compressobj(wbits=-15)
    packed = packer.compress(bytes(content[META_ENDS:])) + packer.flush()
    return content[:META_ENDS] + packed[: rng.choice((len(packed), len(packed) // 2))]


DAMAGES: tuple[Damage, ...] = (
    flip_bits,
    cut_off,
    take_out,
    say_twice,
    zero,
    claim_length,
    change_vr,
    change_tag,
    insert_sequences,
    deflate,
)


def _place(rng: random.Random, content: bytearray) -> int:
    """Somewhere; mostly in the header."""
    if not content:
        return 0
    return rng.randrange(min(len(content), rng.choice((META_ENDS, 1500, len(content)))) or 1)


def _vr(rng: random.Random, content: bytearray) -> int:
    """Where something stands that looks like a VR; else anywhere."""
    start = _place(rng, content)
    for at in range(start, min(start + 400, len(content) - 1)):
        if bytes(content[at : at + 2]) in VRS[:26]:
            return at
    return start
