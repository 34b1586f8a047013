"""Every reason that our code can give for a file has a cause and a remedy: the reasons are read from the code."""

from __future__ import annotations

import ast
import errno
import importlib
import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from dicomcore.ingest import losses, send, verify
from dicomcore.journal import decisions
from dicomcore.model import TROUBLE, Kind, Outcome
from dicomcore.remedies import (
    ARCHIVE_DISK,
    ARCHIVE_FAILED,
    CAUSES,
    CONFLICT,
    CRASHED,
    DAMAGED,
    DECIDED,
    DELETED,
    GONE_IN_SCAN,
    NO_PERMISSION,
    NO_UIDS,
    NOT_SENT,
    OTHER,
    PACKED,
    SOURCE_DISK,
    Cause,
    cause_of,
)

ENGINE = Path(__file__).resolve().parents[2] / "dicomcore"
#: What is raised for one file, and the outcome that becomes of it.
RAISED = {"Rejected": Outcome.REJECTED, "SourceChanged": Outcome.VANISHED, "Refused": Outcome.UNREADABLE}
ROOMS = ("archive", "ingest", "scan")


class Source:
    """A module of ours whose expressions are worked out as far as they hold text."""

    def __init__(self, file: Path) -> None:
        self._module = ".".join(file.relative_to(ENGINE.parent).with_suffix("").parts)
        self._tree = ast.parse(file.read_text("utf-8"))

    def reasons(self) -> Iterator[tuple[str, str]]:
        """Outcome and reason of files in trouble; ``…`` stands for what is only known later."""
        for node in ast.walk(self._tree):
            match node:
                case ast.Call(func=ast.Name(id=name), args=[said, *_]) if name in RAISED:
                    yield from ((RAISED[name].value, text) for text in self._texts(said))
                case ast.Call(func=ast.Name(id="Verdict"), args=[_, outcome, said, *_]):
                    yield from self._of(outcome, said)
                case ast.Call(func=ast.Name(id="ScannedFile"), args=[_, outcome, said, *_]):
                    yield from self._of(outcome, said)
                case ast.Tuple(elts=[outcome, said]):
                    yield from self._of(outcome, said)

    def _of(self, outcome: ast.expr, said: ast.expr) -> Iterator[tuple[str, str]]:
        match outcome:
            case ast.Attribute(value=ast.Name(id="Outcome"), attr=name) if Outcome[name] in TROUBLE:
                yield from ((Outcome[name].value, text) for text in self._texts(said))
            case ast.Attribute(value=ast.Name(id="Kind"), attr="UNREADABLE"):
                yield from ((Kind.UNREADABLE.value, text) for text in self._texts(said))

    def _texts(self, said: ast.expr) -> Iterator[str]:
        match said:
            case ast.Constant(value=str(text)):
                yield text
            case ast.JoinedStr(values=parts):
                yield "".join(str(part.value) if isinstance(part, ast.Constant) else "…" for part in parts)
            case ast.Name(id=name):
                yield from self._named(name)
            case ast.Call(func=ast.Name(id=name)):
                yield from (text for value in self._returned(name) for text in self._texts(value))

    def _named(self, name: str) -> Iterator[str]:
        constant = getattr(importlib.import_module(self._module), name, None)
        if isinstance(constant, str):
            yield constant
        for node in ast.walk(self._tree):
            match node:
                case ast.Assign(targets=[ast.Name(id=target)], value=value) if target == name:
                    yield from self._texts(value)

    def _returned(self, function: str) -> Iterator[ast.expr]:
        for node in ast.walk(self._tree):
            if isinstance(node, ast.FunctionDef) and node.name == function:
                yield from (end.value for end in ast.walk(node) if isinstance(end, ast.Return) and end.value)


REASONS = sorted(
    {
        found
        for room in ROOMS
        for file in sorted((ENGINE / room).rglob("*.py"))
        for found in Source(file).reasons()
        if found[1]
    }
    | {
        (Outcome.PENDING.value, verify.NOT_THERE),
        (Outcome.PENDING.value, verify.NO_ID),
        (Outcome.CONFLICT.value, verify.OTHER_BYTES),
    }
)


def test_the_reasons_were_found_in_the_code() -> None:
    assert len(REASONS) >= 20
    assert {word for word, _ in REASONS} == {word.value for word in TROUBLE}


@pytest.mark.parametrize(("outcome", "reason"), REASONS)
def test_every_reason_that_our_code_gives_has_a_cause(outcome: str, reason: str) -> None:
    assert cause_of(outcome, reason) is not OTHER


@pytest.mark.parametrize("cause", CAUSES.values(), ids=CAUSES)
def test_every_cause_has_a_name_and_a_remedy_of_whole_sentences(cause: Cause) -> None:
    assert cause.name
    assert cause.remedy[0].isupper()
    assert cause.remedy.endswith(".")


@pytest.mark.parametrize(
    ("outcome", "reason", "cause"),
    [
        ("rejected", "The archive cannot read it as DICOM: Bad file format", DAMAGED),
        ("rejected", "The archive cannot read it as DICOM: missing StudyInstanceUID or SOPInstanceUID", NO_UIDS),
        ("rejected", "The archive failed on this file (HTTP 500): Cannot write to the storage area", ARCHIVE_DISK),
        ("rejected", "The archive failed on this file (HTTP 500): Internal error", ARCHIVE_FAILED),
        ("quarantined", send.QUARANTINED, CRASHED),
        ("unreadable", f"It cannot be read: {os.strerror(errno.EACCES)}.", NO_PERMISSION),
        ("unreadable", "no permission to read it", NO_PERMISSION),
        ("unreadable", f"it cannot be read: {os.strerror(errno.EIO)}", SOURCE_DISK),
        ("unreadable", "gone while scanning", GONE_IN_SCAN),
        ("unreadable", "It cannot be read: in its container it is cut off.", PACKED),
        ("unreadable", "encrypted in its ZIP: unpack it with its password", PACKED),
        ("unreadable", "a ZIP archive that cannot be read whole: it is damaged (…)", PACKED),
        ("conflict", "The archive now holds another version, chosen by anna; this one differs from it too.", CONFLICT),
        ("conflict", f"The archive holds other bytes.{decisions.DECIDED}anna: the archive keeps its own.", DECIDED),
        ("conflict", "words that nobody knows yet", CONFLICT),
        ("pending", "", NOT_SENT),
        ("pending", losses.GONE, DELETED),
        ("rejected", "words that nobody knows yet", OTHER),
        ("rejected", "", OTHER),
    ],
)
def test_the_cause_is_told_by_the_reason(outcome: str, reason: str, cause: object) -> None:
    assert cause_of(outcome, reason) is cause
