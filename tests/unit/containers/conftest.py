"""Nothing that a test unpacks is left behind."""

from __future__ import annotations

from tests.unpacking import temporary as temporary
