"""Containers as these tests pack them, and what a scan says of them."""

from __future__ import annotations

import io
import tarfile
import warnings
import zipfile
from pathlib import Path

from dicomcore.model import ScannedFile, Skipped
from dicomcore.scan.paths import printable
from dicomcore.scan.scanner import scan
from tests.factories import ct, encoded

SLICE = encoded(ct())


Members = list[tuple[str, bytes]]


TWO: Members = [("DICOM/IM1", SLICE), ("README.TXT", b"read me\n")]


def zipped(members: Members, method: int = zipfile.ZIP_DEFLATED) -> bytes:
    out = io.BytesIO()
    with warnings.catch_warnings(), zipfile.ZipFile(out, "w", method) as file:
        warnings.simplefilter("ignore")  # two of one name
        for name, content in members:
            file.writestr(name, content)
    return out.getvalue()


def tarred(members: Members, *special: tarfile.TarInfo, mode: str = "w", form: int = tarfile.PAX_FORMAT) -> bytes:
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode=mode, format=form) as file:  # type: ignore[call-overload]
        for name, content in members:
            info = tarfile.TarInfo(name)
            info.size = len(content)
            file.addfile(info, io.BytesIO(content))
        for info in special:
            file.addfile(info)
    return out.getvalue()


def special(name: str, kind: bytes, target: str = "") -> tarfile.TarInfo:
    info = tarfile.TarInfo(name)
    info.type, info.linkname = kind, target
    return info


def found(root: Path) -> dict[str, ScannedFile | Skipped]:
    everything = [one for chunk in scan(root, containers=True) for one in chunk]
    shown = {printable(one.path if isinstance(one, Skipped) else one.fact.path): one for one in everything}
    assert len(shown) == len(everything)
    return shown


def kinds(root: Path) -> dict[str, str]:
    return {path: "skipped" if isinstance(one, Skipped) else one.kind.value for path, one in found(root).items()}


def line(root: Path, path: str) -> tuple[str, str]:
    one = found(root)[path]
    assert isinstance(one, ScannedFile)
    return one.kind.value, one.reason
