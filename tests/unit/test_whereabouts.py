"""Where instances are, remembered for those that were told of last."""

from __future__ import annotations

from pathlib import Path

import pytest

from dicomcore.cache import whereabouts
from dicomcore.cache.database import Cache
from dicomcore.cache.lens import _decimal


def test_of_too_many_the_least_lately_told_are_forgotten(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(whereabouts, "MOST", 2)
    with Cache.open(tmp_path / "cache.duckdb") as cache:
        whereabouts.remember(cache, [("a", "1"), ("b", "1")])
        whereabouts.remember(cache, [("a", "1"), ("c", "2")])
        assert [whereabouts.series_of(cache, one) for one in "abc"] == ["1", None, "2"]


@pytest.mark.parametrize("number", [1, 10**18 - 1, 10**18, 2**64, 10**36 + 7, 2**127, 2**128 - 1])
def test_long_numbers_are_written_to_the_last_digit(tmp_path: Path, number: int) -> None:
    with Cache.open(tmp_path / "cache.duckdb") as cache:
        assert cache.rows(f"SELECT {_decimal('hex')} FROM (SELECT '{number:032x}' AS hex)") == [(str(number),)]
