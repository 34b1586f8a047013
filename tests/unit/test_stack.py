"""What is missing in a series, by numbers and by places, and what only looks so."""

from __future__ import annotations

from collections.abc import Iterable

import pytest

from dicomcore.troubles.stack import Stack

AXIAL = "1\\0\\0\\0\\1\\0"
CORONAL = "1\\0\\0\\0\\0\\-1"
TILTED = "1\\0\\0\\0\\0.9659258\\-0.258819"
NOWHERE = ("", "")


def stack(*images: tuple[object, str, str]) -> Stack:
    made = Stack()
    for number, position, orientation in images:
        made.add(str(number), position, orientation)
    return made


def unplaced(numbers: Iterable[object]) -> Stack:
    return stack(*((number, "", "") for number in numbers))


def axial(heights: Iterable[float], numbers: Iterable[object] | None = None) -> Stack:
    heights = list(heights)
    numbers = numbers or range(1, len(heights) + 1)
    return stack(*((number, f"0\\0\\{z}", AXIAL) for number, z in zip(numbers, heights, strict=True)))


def test_missing_numbers_are_counted_and_named() -> None:
    gap = unplaced(number for number in range(1, 201) if not 37 <= number <= 48).missing_numbers()
    assert gap is not None
    assert (gap.missing, gap.of, gap.where) == (12, 200, "37–48")


def test_many_gaps_are_told_in_short() -> None:
    gap = unplaced(number for number in range(1, 101) if number % 10).missing_numbers()
    assert gap is not None
    assert gap.where == "10, 20, 30, 40, 50 and 4 more"


@pytest.mark.parametrize(
    "numbers",
    [
        range(1, 50),
        range(50),
        range(37, 90),
        range(1, 100, 2),
        range(10, 500, 10),
        [1, 2, 3, 1, 2, 3, 7],
        [1, 2, 3, "", 9],
        [1, 2, 3, "4.5", 9],
        [1, 5, 90, 400, 1000],
        [1, 9],
        [],
    ],
)
def test_numbers_that_count_something_else_raise_nothing(numbers: Iterable[object]) -> None:
    assert unplaced(numbers).missing_numbers() is None


def test_a_scout_in_the_series_repeats_a_number_and_does_not_hide_a_gap() -> None:
    images = [(n, f"0\\0\\{5 * n}", AXIAL) for n in range(1, 21) if n != 10]
    gap = stack((1, "0\\0\\0", CORONAL), *images).missing_numbers()
    assert gap is not None
    assert gap.where == "10"


def test_the_number_of_a_scout_is_not_missing() -> None:
    images = [(n, f"0\\0\\{5 * n}", AXIAL) for n in range(1, 21) if n != 10]
    assert (
        stack(
            (10, "0\\0\\0", CORONAL), *images[:9], *((n, f"0\\0\\{5 * (n - 1)}", AXIAL) for n in range(11, 21))
        ).missing_numbers()
        is None
    )


def test_slices_at_even_distances_in_the_order_of_their_numbers_are_complete() -> None:
    numbers = [*range(1, 10), *range(12, 20)]
    assert axial((5.0 * n for n in range(len(numbers))), numbers).missing_numbers() is None


def test_a_missing_slice_is_a_wider_step() -> None:
    gap = axial([0, 5, 10, 20, 25, 30]).uneven_spacing()
    assert gap is not None
    assert gap.missing == 1
    assert gap.where == "10.0 mm between images 3 and 4 where the others are 5.0 mm apart"


def test_steps_lie_across_the_slices_of_a_tilted_gantry() -> None:
    places = [(n, f"0\\0\\{5 * n}", TILTED) for n in range(1, 12) if n != 6]
    gap = stack(*places).uneven_spacing()
    assert gap is not None
    assert gap.where.startswith("9.66 mm between images 5 and 7 where the others are 4.83 mm")


@pytest.mark.parametrize(
    "heights",
    [
        [0, 5, 10, 15, 20],
        [0, 5.04, 10, 15.03, 20],
        [0, 100.5, 200, 300.4, 400],
        [0, 0, 0, 5, 5, 5, 10, 10, 10, 15, 15, 15],
        [0, 0.01, 5, 5.01, 10, 10.01, 15, 15.01],
        [0, 3, 6, 9, 200, 203, 206, 209],
        [0, 5, 20],
    ],
)
def test_even_steps_time_points_rounding_and_a_second_stack_raise_nothing(heights: list[float]) -> None:
    assert axial(heights).uneven_spacing() is None


def test_far_apart_and_not_numbered_on_is_a_gap() -> None:
    assert axial([0, 3, 6, 9, 200, 203, 206, 209], [1, 2, 3, 4, 68, 69, 70, 71]).uneven_spacing() is not None


@pytest.mark.parametrize(
    ("position", "orientation"),
    [
        NOWHERE,
        ("0\\0", AXIAL),
        ("a\\b\\c", AXIAL),
        ("0\\0\\nan", AXIAL),
        ("0\\0\\1", "0\\0\\0\\0\\0\\0"),
        ("1e999\\0\\0", AXIAL),
    ],
)
def test_places_that_make_no_sense_raise_nothing(position: str, orientation: str) -> None:
    assert stack(*((n, position, orientation) for n in range(1, 9))).uneven_spacing() is None


def test_localizers_in_three_planes_raise_nothing() -> None:
    planes = (AXIAL, CORONAL, "0\\1\\0\\0\\0\\-1")
    images = [(3 * n + at, f"{7 * n * n}\\{n}\\{n}", plane) for n in range(5) for at, plane in enumerate(planes)]
    assert stack(*images).uneven_spacing() is None
    assert stack(*images).missing_numbers() is None
