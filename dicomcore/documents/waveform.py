"""Waveforms (PS3.3 C.10.9) as readable values: which channels, in which unit, how many samples a second."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pydicom.dataset import Dataset
from pydicom.waveforms.numpy_handler import multiplex_array

from dicomcore.errors import Undecodable
from dicomcore.imaging.elements import items, number, text
from dicomcore.imaging.render import read_dataset

IN_MILLIVOLT = {"uV": 0.001, "µV": 0.001, "mV": 1.0, "V": 1000.0}
"""Units of an electrocardiogram; all others are drawn on a scale of their own."""


@dataclass(frozen=True, slots=True)
class Channel:
    """One lead. ``values`` in ``unit``: mV where it is a voltage, else as the file has it."""

    name: str
    unit: str
    values: NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Group:
    """Channels taken together, ``frequency`` samples a second; ``label`` as ``RHYTHM`` or ``MEDIAN BEAT``."""

    label: str
    frequency: float
    channels: tuple[Channel, ...]

    @property
    def seconds(self) -> float:
        """How long it is."""
        return max((len(channel.values) for channel in self.channels), default=0) / self.frequency


def groups_of(dataset_bytes: bytes) -> list[Group]:
    """The groups of channels of a waveform object. Raises ``Undecodable``."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        dataset = read_dataset(dataset_bytes)
        groups = [_group(dataset, at) for at in range(len(items(dataset, "WaveformSequence")))]
    if not groups:
        raise Undecodable("The file holds no waveform.")
    return groups


def _group(dataset: Dataset, at: int) -> Group:
    item = items(dataset, "WaveformSequence")[at]
    frequency = number(item, "SamplingFrequency") or 0
    if not 0 < frequency < 1e6:
        raise Undecodable("The waveform does not say how many samples a second it has.")
    try:
        raw = multiplex_array(dataset, at, as_raw=True)
    except Exception as error:  # pydicom raises many kinds on damaged values
        raise Undecodable(f"The waveform cannot be read: {error}") from error
    return Group(text(item, "MultiplexGroupLabel"), frequency, tuple(_channels(item, raw)))


def _channels(item: Dataset, raw: NDArray[Any]) -> Iterator[Channel]:
    for at, definition in enumerate(items(item, "ChannelDefinitionSequence")[: raw.shape[1]]):
        unit = "".join(text(one, "CodeValue") for one in items(definition, "ChannelSensitivityUnitsSequence")[:1])
        values = _corrected(raw[:, at].astype(np.float64), definition) * IN_MILLIVOLT.get(unit, 1.0)
        yield Channel(_name(definition, at), "mV" if unit in IN_MILLIVOLT else unit, values)


def _corrected(values: NDArray[np.float64], definition: Dataset) -> NDArray[np.float64]:
    """Sensitivity, its correction and the baseline (PS3.3 C.10.9.1.4)."""
    sensitivity, factor, baseline = (
        number(definition, f"Channel{what}") for what in ("Sensitivity", "SensitivityCorrectionFactor", "Baseline")
    )
    slope = (1.0 if sensitivity is None else sensitivity) * (1.0 if factor is None else factor)
    return values * slope + (baseline or 0.0)


def _name(definition: Dataset, at: int) -> str:
    """The label, or the meaning of the source: ``Lead aVF``."""
    meanings = (text(one, "CodeMeaning") for one in items(definition, "ChannelSourceSequence")[:1])
    return text(definition, "ChannelLabel") or next(meanings, "") or f"Channel {at + 1}"
