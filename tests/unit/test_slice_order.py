"""The order of slices is the order in the patient."""

from __future__ import annotations

import random

from dicomcore.imaging.slice_order import slice_order
from dicomcore.model import StoredInstance

AXIAL = "1\\0\\0\\0\\1\\0"
CORONAL = "1\\0\\0\\0\\0\\-1"


def instance(
    name: str, *, number: str = "", position: str = "", orientation: str = AXIAL, uid: str = "1.2.3"
) -> StoredInstance:
    return StoredInstance(
        id=name,
        series="s",
        sop_instance_uid=uid,
        sop_class_uid="",
        transfer_syntax_uid="",
        instance_number=number,
        number_of_frames="",
        image_position_patient=position,
        image_orientation_patient=orientation,
        size=0,
    )


def names(instances: list[StoredInstance]) -> list[str]:
    return [one.id for one in slice_order(instances)]


def test_slices_lie_along_their_normal_whatever_their_numbers() -> None:
    slices = [instance(f"z{z}", number=str(100 - z), position=f"0\\0\\{z}") for z in range(-20, 20)]
    random.Random(1).shuffle(slices)
    assert names(slices) == [f"z{z}" for z in range(-20, 20)]


def test_coronal_slices_lie_along_y() -> None:
    slices = [instance(str(y), position=f"5\\{y}\\{-y}", orientation=CORONAL) for y in (30, -10, 20)]
    assert names(slices) == ["-10", "20", "30"]  # the normal of this orientation points to the back, +y


def test_oblique_slices_use_the_whole_position() -> None:
    turned = "0.8\\0.6\\0\\0\\0\\-1"  # normal (-0.6, 0.8, 0)
    slices = [instance(str(d), position=f"{-0.6 * d}\\{0.8 * d}\\7", orientation=turned) for d in (9, 3, 6)]
    assert names(slices) == ["3", "6", "9"]


def test_two_points_in_time_at_one_place_follow_their_instance_numbers() -> None:
    slices = [instance(f"t{t}z{z}", number=str(10 * t + z), position=f"0\\0\\{z}.0004") for t in (2, 1) for z in (2, 1)]
    slices.append(instance("t3z1", number="31", position="0\\0\\1.0001"))
    assert names(slices) == ["t1z1", "t2z1", "t3z1", "t1z2", "t2z2"]


def test_localizers_of_several_orientations_follow_their_instance_numbers() -> None:
    slices = [
        instance("c", number="10", position="0\\0\\1", orientation=CORONAL),
        instance("a", number="2", position="0\\0\\9"),
        instance("b", number="9", position="0\\0\\5"),
    ]
    assert names(slices) == ["a", "b", "c"]


def test_slices_in_one_place_only_follow_their_instance_numbers() -> None:
    assert names([instance(n, number=n, position="0\\0\\0") for n in ("10", "9", "1")]) == ["1", "9", "10"]


def test_without_numbers_the_parts_of_the_uid_count_as_numbers() -> None:
    slices = [instance(uid, uid=uid, orientation="") for uid in ("1.2.10", "1.2.9", "1.2.9.1")]
    assert names(slices) == ["1.2.9", "1.2.9.1", "1.2.10"]


def test_numbered_instances_come_before_those_without_a_number() -> None:
    slices = [instance("none", orientation=""), instance("text", number="IM7", orientation="", uid="1.2.4")]
    slices.append(instance("seven", number=" 7 ", orientation=""))
    assert names(slices) == ["seven", "none", "text"]


def test_one_slice_without_a_position_makes_the_numbers_count() -> None:
    slices = [instance("2", number="2", position="0\\0\\1"), instance("1", number="1", position="")]
    assert names(slices) == ["1", "2"]


def test_values_that_make_no_sense_are_as_good_as_missing() -> None:
    for bad in ("nan\\0\\0", "inf\\1\\2", "1\\2", "x\\y\\z", "1e300\\0\\0", "\\\\", "0" * 5000):
        assert names([instance("2", number="2", position=bad), instance("1", number="1")]) == ["1", "2"]
    for bad in ("0\\0\\0\\0\\0\\0", "1\\0\\0\\1\\0\\0", "1\\0\\0", "nan\\0\\0\\0\\1\\0"):
        pair = [instance(n, number=n, position=f"0\\0\\{-int(n)}", orientation=bad) for n in "21"]
        assert names(pair) == ["1", "2"]
    assert names([instance("b", number="nan", orientation=""), instance("a", number="3", orientation="")]) == ["a", "b"]


def test_nothing_in_no_order() -> None:
    assert slice_order([]) == []
