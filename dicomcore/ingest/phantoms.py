"""Bodies of our own making for the demo: numpy arrays, the same on every run."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

Volume = NDArray[np.floating[Any]]

AIR, FAT, MUSCLE, WATER = -1000.0, -100.0, 55.0, 5.0
"""Hounsfield units."""


@dataclass(frozen=True, slots=True)
class Grid:
    """Where the voxels lie: millimetres along z, y, x (patient: to head, back, left), as open arrays."""

    z: Volume
    y: Volume
    x: Volume

    @classmethod
    def of(cls, z: Volume, y: Volume, x: Volume) -> Grid:
        return cls(*(axis.astype(np.float32) for axis in np.ix_(z, y, x)))

    @property
    def shape(self) -> tuple[int, int, int]:
        return self.z.size, self.y.size, self.x.size


@dataclass(frozen=True, slots=True)
class Ellipsoid:
    """Centre and radii in mm as (x, y, z), the value inside, and a turn about z in degrees."""

    centre: tuple[float, float, float]
    radii: tuple[float, float, float]
    value: float
    turn: float = 0.0

    def inside(self, grid: Grid) -> NDArray[np.bool_]:
        """Which voxels of the grid lie in it."""
        x, y = grid.x - self.centre[0], grid.y - self.centre[1]
        z = (grid.z - self.centre[2]) / self.radii[2]
        cos, sin = np.cos(np.radians(self.turn)), np.sin(np.radians(self.turn))
        along, across = (x * cos + y * sin) / self.radii[0], (y * cos - x * sin) / self.radii[1]
        return np.asarray(along**2 + across**2 + z**2 <= 1)

    def paint(self, volume: Volume, grid: Grid) -> None:
        """Fill it in; only the slabs that it can reach are looked at."""
        reach = max(self.radii[:2]) if self.turn else 0.0
        spans = [
            _span(grid.z.ravel(), self.centre[2], self.radii[2]),
            _span(grid.y.ravel(), self.centre[1], reach or self.radii[1]),
            _span(grid.x.ravel(), self.centre[0], reach or self.radii[0]),
        ]
        part = Grid(grid.z[spans[0]], grid.y[:, spans[1]], grid.x[:, :, spans[2]])
        volume[tuple(spans)][self.inside(part)] = self.value


LONG = 10_000.0
"""Radius along z of what goes through all slices."""


def body(grid: Grid) -> Volume:
    """A chest and upper abdomen after contrast medium, in Hounsfield units."""
    volume = np.full(grid.shape, AIR, np.float32)
    _couch(volume, grid)
    _trunk(volume, grid)
    for organ in (*_chest_organs(), *_vessels(), *_belly_organs(), *_bones()):
        organ.paint(volume, grid)
    _spine(volume, grid)
    return volume


def _couch(volume: Volume, grid: Grid) -> None:
    curve = 122 - (grid.x / 36) ** 2
    volume[np.broadcast_to((grid.y > curve) & (grid.y < curve + 5) & (abs(grid.x) < 165), volume.shape)] = -600
    volume[np.broadcast_to((grid.y > curve + 1) & (grid.y < curve + 4) & (abs(grid.x) < 163), volume.shape)] = -900


def _trunk(volume: Volume, grid: Grid) -> None:
    """Skin, fat, muscle and ribs; slimmer at the waist, narrow at the neck."""
    slim = 1 - 0.05 * np.exp(-(((grid.z + 40) / 45) ** 2)) - 0.62 / (1 + np.exp(-(grid.z - 158) / 7))
    radius = np.sqrt((grid.x / 162) ** 2 + (grid.y / 108) ** 2) / slim
    volume[radius < 1.0] = 10
    volume[radius < 0.985] = FAT
    volume[radius < 0.90] = MUSCLE
    volume[(radius < 0.80) & (grid.z < 5)] = FAT + 5
    behind = np.arctan2(abs(grid.x) / 162, grid.y / 108)  # 0 at the spine, π at the breastbone
    steps = (grid.z + 24 * behind) % 27
    ribs = (radius > 0.805) & (radius < 0.875) & (steps < 11) & (behind < 2.75) & (grid.z > -55) & (grid.z < 140)
    volume[ribs] = 420
    marrow = ribs & (radius > 0.822) & (radius < 0.858) & (steps > 2.5) & (steps < 8.5)
    volume[marrow] = 190


def _chest_organs() -> Iterator[Ellipsoid]:
    for side in (-1, 1):
        yield Ellipsoid((side * 66, -2, 52), (54, 72, 92), -860, turn=side * -8)
        yield Ellipsoid((side * 52, 6, 115), (34, 44, 36), -870)
    yield Ellipsoid((0, 5, 60), (24, 70, 95), 30)
    yield Ellipsoid((0, 22, 95), (9, 8, 60), -980)
    yield Ellipsoid((24, -26, 22), (56, 46, 46), 70, turn=25)
    yield Ellipsoid((34, -20, 20), (28, 20, 32), 210, turn=35)
    yield Ellipsoid((-2, -38, 24), (24, 18, 30), 190, turn=15)
    yield Ellipsoid((-14, -6, 34), (22, 18, 20), 185)
    yield Ellipsoid((8, -24, 78), (17, 15, 26), 230)
    yield Ellipsoid((-22, -22, 88), (10, 10, 36), 200)
    yield Ellipsoid((2, -8, 66), (32, 11, 11), 215)


def _vessels() -> Iterator[Ellipsoid]:
    """Branches from the hilum into the lungs, thinner outwards, and a nodule."""
    random = np.random.default_rng(7)
    for side in (-1, 1):
        for _ in range(34):
            way = random.normal(size=3) * (1.0, 1.1, 1.2)
            way /= np.linalg.norm(way)
            way[0] = side * abs(way[0])
            for step in np.linspace(0, 1, 26):
                x, y, z = (side * 28, 4, 58) + way * step * (68, 62, 80)
                thick = 5.0 * (1 - step) ** 1.3 + 0.9
                outside = ((x - side * 66) / 52) ** 2 + ((y + 2) / 70) ** 2 + ((z - 52) / 90) ** 2 > 0.96
                if not outside:
                    yield Ellipsoid((x, y, z), (thick, thick, thick + 1.5), 20)
    yield Ellipsoid((-88, 22, 64), (6, 6, 6), 40)


def _belly_organs() -> Iterator[Ellipsoid]:
    yield Ellipsoid((-54, -6, -38), (84, 76, 58), 118, turn=-6)
    yield Ellipsoid((22, -46, -28), (62, 30, 30), 116, turn=8)
    for y, z in ((-30, -24), (8, -34), (-8, -52)):  # branches of the portal vein
        yield Ellipsoid((-62, y, z), (34, 4, 4), 175, turn=y)
    yield Ellipsoid((-78, -22, -42), (17, 16, 17), 148)
    yield Ellipsoid((-78, -22, -42), (14, 13, 14), 62)
    yield Ellipsoid((-50, 30, -30), (5, 5, 5), 15)
    yield Ellipsoid((102, 26, -34), (26, 42, 40), 128, turn=-20)
    yield Ellipsoid((66, -34, -42), (42, 36, 34), 35, turn=-15)
    yield Ellipsoid((66, -55, -42), (30, 13, 27), -960)
    yield Ellipsoid((-30, -62, -76), (13, 14, 20), 12)
    yield Ellipsoid((10, -6, -70), (48, 9, 12), 95, turn=-12)
    for side in (-1, 1):
        yield Ellipsoid((side * 62, 50, -86), (27, 23, 42), 205, turn=side * 25)
        yield Ellipsoid((side * 57, 47, -86), (15, 10, 26), 140, turn=side * 25)
        yield Ellipsoid((side * 52, 43, -86), (9, 6, 14), 20, turn=side * 25)
    for at, x in enumerate((-40, -8, 28, 62, 88)):
        yield Ellipsoid((x, -58 + 4 * (at % 2), -104), (17, 15, 20), 25)
        yield Ellipsoid((x, -63 + 4 * (at % 2), -104), (11, 7, 12), -700)
    yield Ellipsoid((18, 42, 0), (12, 12, LONG), 230)
    yield Ellipsoid((-16, 38, -70), (13, 11, 60), 150)


def _bones() -> Iterator[Ellipsoid]:
    yield Ellipsoid((0, -84, 62), (17, 7, 62), 330)
    yield Ellipsoid((0, -84, 62), (13, 4, 58), 150)
    for side in (-1, 1):
        yield Ellipsoid((side * 102, 66, 84), (34, 5, 52), 420, turn=side * -38)
        yield Ellipsoid((side * 62, -60, 138), (52, 6, 6), 480, turn=side * 22)
        yield Ellipsoid((side * 128, 26, 132), (18, 18, 20), 420)


def _spine(volume: Volume, grid: Grid) -> None:
    level = (grid.z + 300) % 30
    disc = level < 7
    arch = (level > 12) & (level < 25)
    spine = Ellipsoid((0, 60, 0), (21, 16, LONG), 0).inside(grid)
    marrow = Ellipsoid((0, 60, 0), (19, 14, LONG), 0).inside(grid) & (level > 9) & (level < 28)
    volume[spine] = np.broadcast_to(np.where(disc, 95, 560), volume.shape)[spine]
    volume[marrow] = 240
    volume[Ellipsoid((0, 84, 0), (15, 13, LONG), 0).inside(grid)] = 380
    for side in (-1, 1):
        wing = Ellipsoid((side * 24, 82, 0), (16, 5, LONG), 0, turn=side * 20).inside(grid)
        volume[wing & arch] = 400
    volume[Ellipsoid((0, 99, 0), (5, 15, LONG), 0).inside(grid) & arch] = 430
    volume[Ellipsoid((0, 83, 0), (10, 9, LONG), 0).inside(grid)] = 25
    volume[Ellipsoid((0, 83, 0), (6, 5, LONG), 0).inside(grid)] = 42


@dataclass(frozen=True, slots=True)
class Tissue:
    """How bright one tissue is in each kind of magnetic resonance image."""

    t1: float
    t2: float
    diffusion: float


TISSUES = {
    "air": Tissue(8, 8, 4),
    "fat": Tissue(900, 640, 60),
    "skull": Tissue(70, 60, 15),
    "fluid": Tissue(150, 1050, 35),
    "grey": Tissue(430, 620, 260),
    "white": Tissue(640, 430, 230),
    "muscle": Tissue(380, 230, 70),
    "nuclei": Tissue(500, 540, 240),
    "lesion": Tissue(330, 860, 640),
}
"""In the order of their labels."""

LABELS = {name: number for number, name in enumerate(TISSUES)}


def head(grid: Grid) -> NDArray[np.uint8]:
    """A head, as labels of tissues (``LABELS``)."""
    labels = np.zeros(grid.shape, np.uint8)
    round_z = np.sqrt(np.clip(1 - (np.maximum(grid.z, 0) / 104) ** 2, 0.02, 1))
    radius = np.sqrt((grid.x / 76) ** 2 + ((grid.y + 2) / 95) ** 2) / round_z
    angle = np.arctan2(grid.y, grid.x)
    folds = 0.030 * np.sin(19 * angle + grid.z / 9) + 0.022 * np.sin(31 * angle - grid.z / 6)
    ribbon = 0.055 * np.sin(11 * angle + grid.z / 13) + 0.04 * np.sin(23 * angle - grid.z / 8)
    labels[radius < 1.0] = LABELS["fat"]
    labels[radius < 0.955] = LABELS["skull"]
    labels[radius < 0.885] = LABELS["fluid"]
    labels[radius < 0.845 + folds] = LABELS["grey"]
    labels[radius < 0.70 + ribbon + folds] = LABELS["white"]
    labels[(abs(grid.x) < 1.6) & (radius < 0.87) & (abs(grid.y) > 28)] = LABELS["fluid"]
    for name, part in _head_parts():
        labels[part.inside(grid)] = LABELS[name]
    return labels


def _head_parts() -> Iterator[tuple[str, Ellipsoid]]:
    for side in (-1, 1):
        yield "nuclei", Ellipsoid((side * 17, 2, 8), (9, 15, 13), 0, turn=side * 18)
        yield "nuclei", Ellipsoid((side * 28, -6, 8), (6, 18, 13), 0, turn=side * -14)
        yield "fluid", Ellipsoid((side * 10, -22, 20), (5, 19, 13), 0, turn=side * 16)
        yield "fluid", Ellipsoid((side * 15, 26, 18), (6, 21, 12), 0, turn=side * -18)
        yield "fluid", Ellipsoid((side * 7, 2, 24), (5, 24, 7), 0)
        yield "muscle", Ellipsoid((side * 46, -62, -50), (14, 18, 18), 0)
        yield "fat", Ellipsoid((side * 32, -72, -42), (18, 19, 15), 0)
        yield "fluid", Ellipsoid((side * 32, -78, -42), (12, 12, 12), 0)
        yield "grey", Ellipsoid((side * 26, 48, -48), (30, 24, 20), 0)
        yield "white", Ellipsoid((side * 22, 46, -48), (17, 12, 11), 0)
    yield "fluid", Ellipsoid((0, 4, 6), (2.5, 15, 12), 0)
    yield "white", Ellipsoid((0, 14, -44), (14, 13, 34), 0)
    yield "fluid", Ellipsoid((0, 31, -44), (7, 5, 10), 0)
    yield "lesion", Ellipsoid((-42, 10, 27), (13, 18, 12), 0, turn=15)


def magnetic_resonance(labels: NDArray[np.uint8], kind: str, noise: float, seed: int) -> NDArray[np.uint16]:
    """The head as a T1, T2 or diffusion image: ``kind`` is a field of ``Tissue``."""
    brightness = np.array([getattr(tissue, kind) for tissue in TISSUES.values()], np.float32)
    clean = blurred(brightness[labels])
    random = np.random.default_rng(seed)
    real = clean + random.normal(0, noise, labels.shape)
    imaginary = random.normal(0, noise, labels.shape)
    return np.hypot(real, imaginary).astype(np.uint16)


def blurred(volume: Volume) -> Volume:
    """Each slice smoothed over its neighbours: edges as a scanner sees them."""
    for axis in (1, 2):
        volume = (np.roll(volume, 1, axis) + 2 * volume + np.roll(volume, -1, axis)) / 4
    return volume


DEPTH_STEPS = 96
"""Points from front to back that a ray of the radiograph looks at."""


def radiograph(rows: int, columns: int) -> NDArray[np.uint16]:
    """A chest X-ray from the front: how much of the beam comes through, 0 to 4095."""
    grid = Grid.of(np.linspace(172, -92, rows), np.linspace(-112, 112, DEPTH_STEPS), np.linspace(-172, 172, columns))
    trunk = body(grid)
    trunk[np.broadcast_to(grid.y > 109, trunk.shape)] = AIR  # no couch: the patient stands
    # Soft tissue is faded so that bones and vessels show, as a radiograph's processing does it.
    matter = np.clip(trunk + 1000, 0, None) / 1000
    matter[trunk > 250] *= 1.7
    path = matter.sum(1) * (224 / DEPTH_STEPS) / 10
    path = (path + np.roll(path, 1, 1) + np.roll(path, 1, 0) + np.roll(path, (1, 1), (0, 1))) / 4
    through = np.exp(-0.155 * path)
    noise = np.random.default_rng(3).normal(0, 0.004, through.shape)
    beam: NDArray[np.uint16] = (np.clip(through**0.62 + noise, 0, 1) * 4095).astype(np.uint16)
    return beam


def scout(rows: int, columns: int) -> NDArray[np.int16]:
    """A CT localizer from the front."""
    through = radiograph(rows, columns).astype(np.float32)
    return (600 - through * 0.42).astype(np.int16)


def beating_heart(frames: int, rows: int, columns: int) -> NDArray[np.uint8]:
    """An ultrasound loop of one heart beat with colour Doppler, frames×rows×columns×3."""
    random = np.random.default_rng(11)
    y, x = np.mgrid[0:rows, 0:columns].astype(np.float32)
    depth = np.hypot(x - columns / 2, y + 14) / rows
    angle = np.arctan2(x - columns / 2, y + 14)
    fan = (abs(angle) < 0.66) & (depth > 0.09) & (depth < 0.93)
    speckle = np.sqrt(random.exponential(1.0, (rows, columns)))
    speckle = blurred(speckle[None].astype(np.float32))[0]
    loop = [_heart_frame(at / frames, x / columns - 0.5, y / rows, depth, fan, speckle) for at in range(frames)]
    for at, frame in enumerate(loop):
        _trace(frame, at, frames)
    return np.stack(loop)


def _heart_frame(
    phase: float, x: Volume, y: Volume, depth: Volume, fan: NDArray[np.bool_], speckle: Volume
) -> NDArray[np.uint8]:
    squeeze = 0.5 - 0.5 * np.cos(2 * np.pi * phase)  # 0 filled, 1 emptied
    wall, blood = _left_chambers(x, y, squeeze)
    tissue = np.where(wall, 0.95, 0.42) * (1.05 - 0.55 * depth)
    grey = np.where(blood, 0.07, tissue) * speckle * 165
    picture = np.repeat(np.clip(grey, 0, 235)[..., None], 3, 2)
    stream = 1.25 - np.hypot((x - 0.055) / 0.05, (y - 0.55) / 0.19)  # through the mitral valve
    jet = blood & (stream > 0)
    flow = np.sin(2 * np.pi * phase) * np.clip(stream, 0, 1) * (0.65 + 0.35 * speckle)
    picture[jet & (flow > 0.15)] = np.array([235, 70, 25]) * np.clip(flow, 0, 1)[jet & (flow > 0.15), None]
    picture[jet & (flow < -0.15)] = np.array([30, 95, 240]) * np.clip(-flow, 0, 1)[jet & (flow < -0.15), None]
    picture[~fan] = 0
    return picture.astype(np.uint8)


def _left_chambers(x: Volume, y: Volume, squeeze: float) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    """Walls and blood of four chambers, seen from the apex."""
    blood = np.zeros(x.shape, bool)
    wall = np.zeros(x.shape, bool)
    for centre_x, centre_y, wide, tall, shrink in (
        (0.06, 0.38, 0.085, 0.20, 0.30),
        (-0.11, 0.42, 0.062, 0.16, 0.22),
        (0.06, 0.72, 0.085, 0.10, -0.18),
        (-0.11, 0.71, 0.075, 0.09, -0.15),
    ):
        size = 1 - shrink * squeeze
        distance = np.hypot((x - centre_x) / (wide * size), (y - centre_y) / (tall * size))
        blood |= distance < 1
        wall |= (distance >= 1) & (distance < 1.28)
    return wall & ~blood, blood


def _trace(frame: NDArray[np.uint8], at: int, frames: int) -> None:
    """The ECG along the lower edge, drawn as far as the beat has come."""
    rows, columns, _ = frame.shape
    for column in range(int(columns * (at + 1) / frames)):
        beat = (2 * column / columns) % 1
        height = 14 * np.exp(-(((beat - 0.3) / 0.02) ** 2)) + 4 * np.exp(-(((beat - 0.55) / 0.06) ** 2))
        row = int(rows - 8 - height)
        frame[row : row + 2, column] = (90, 230, 120)


def _span(axis: Volume, centre: float, reach: float) -> slice:
    within = np.flatnonzero(abs(axis - centre) <= reach)
    return slice(int(within[0]), int(within[-1]) + 1) if within.size else slice(0, 0)
