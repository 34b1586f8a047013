"""A question that may never be answered, such as to a share whose server is gone, asked with a limit."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Generic, TypeVar

T = TypeVar("T")


class Asked(Generic[T]):
    """A question that is under way, in a thread of its own that nobody has to wait for at the end."""

    def __init__(self, question: Callable[[], T]) -> None:
        self._question = question
        self._answered = threading.Event()
        self._answers: list[T] = []
        self._errors: list[BaseException] = []
        threading.Thread(target=self._ask, name="diagnosis", daemon=True).start()

    def answer(self, seconds: float) -> T:
        """Raises ``TimeoutError`` where there is none within that time, and what the question raised."""
        if not self._answered.wait(seconds):
            raise TimeoutError
        if self._errors:
            raise self._errors[0]
        return self._answers[0]

    def _ask(self) -> None:
        try:
            self._answers.append(self._question())
        except BaseException as error:
            self._errors.append(error)
        finally:
            self._answered.set()
