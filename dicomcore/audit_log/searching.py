"""The audit, searched: a page of the lines that fit, the newest first."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from datetime import date
from sqlite3 import Row

from dicomcore.journal import audit_search
from dicomcore.services import Services
from dicomcore.wording import counted

PER_PAGE = 100


@dataclass(frozen=True, slots=True)
class Wanted:
    """What to look for. Every word must be in who, action or about; the days are inclusive, in UTC."""

    words: str = ""
    action: str = ""
    first: date | None = None
    last: date | None = None


@dataclass(frozen=True, slots=True)
class Page:
    """Some of the lines that fit, newest first.

    ``total`` is how many fit, ``many``: and there are more, which were not counted. ``page`` counts from 1.
    """

    lines: list[Row]
    total: int
    many: bool
    page: int
    pages: int


def search(services: Services, wanted: Wanted | None = None, page: int = 1, per_page: int = PER_PAGE) -> Page:
    """A page of the lines that fit; a page beyond the last one is the last one."""
    found = audit_search.find(services.journal, **asdict(wanted or Wanted()))
    total = min(len(found), audit_search.MOST_COUNTED)
    pages = max(1, -(-total // per_page))
    page = min(page, pages)
    numbers = found[:total][(page - 1) * per_page : page * per_page]
    return Page(audit_search.lines(services.journal, numbers), total, len(found) > total, page, pages)


def total_words(found: Page) -> str:
    """How many lines fit: ``1 line``, ``1,296 lines``, ``more than 10,000 lines``."""
    return f"{'more than ' if found.many else ''}{counted(found.total, 'line')}"


def actions(services: Services) -> list[str]:
    """The actions that occur, in alphabetical order."""
    return audit_search.actions(services.journal)


def how_many(services: Services) -> int:
    """All lines there are."""
    return audit_search.how_many(services.journal)
