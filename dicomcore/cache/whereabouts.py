"""Which series an instance is of, for those that were told of last: among millions it is slow to look for one.

No index is kept for that: it would cost each import more than all questions together.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Iterable
from weakref import WeakKeyDictionary

from dicomcore.cache.database import Cache

MOST = 50_000
"""Instances whose series is remembered: about 10 MB."""

_lock = threading.Lock()
_series: WeakKeyDictionary[Cache, OrderedDict[str, str]] = WeakKeyDictionary()


def remember(cache: Cache, instances: Iterable[tuple[str, str]]) -> None:
    """Ids of instances, each with that of its series, as the archive knows them. The least lately told go."""
    with _lock:
        known = _series.setdefault(cache, OrderedDict())
        for instance, series in instances:
            known[instance] = series
            known.move_to_end(instance)
        while len(known) > MOST:
            known.popitem(last=False)


def series_of(cache: Cache, instance: str) -> str | None:
    """The series of an instance, which never changes; None where nobody was told of it lately."""
    with _lock:
        return _series.get(cache, OrderedDict()).get(instance)
