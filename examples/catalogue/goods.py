"""Products put together from parts: backpack, chair, headphones, shoe, umbrella, watch."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from palette import BLACK, STEEL, Livery
from solids import Array, Solid, block, curve, cushion, join, revolve, sheet, tube


def backpack(rng: np.random.Generator, paint: Livery) -> Solid:
    """A backpack with pockets, zips, a grip and two shoulder straps at its back."""
    wide, tall, deep = rng.uniform(0.34, 0.46), rng.uniform(0.5, 0.66), rng.uniform(0.18, 0.28)
    body = cushion((wide, tall, deep), paint.main, 0.1, corner=rng.uniform(0.4, 0.6)).painted(paint.pattern)
    low, deep_pocket = rng.uniform(0.35, 0.5) * tall, deep * rng.uniform(0.35, 0.6)
    pocket = cushion((wide * 0.78, low, deep_pocket), paint.second, 0.1, corner=0.45).moved(
        y=-tall * 0.95 + low, z=deep
    )
    zip_at = -tall * 0.95 + 1.6 * low
    zipper = tube(
        curve([(-wide * 0.7, zip_at, deep * 1.5), (0, zip_at + 0.03, deep * 1.65), (wide * 0.7, zip_at, deep * 1.5)]),
        0.014,
        BLACK,
    )
    arch = tube(
        curve(
            [
                (-wide * 0.86, 0, deep),
                (-wide * 0.7, tall * 0.72, deep),
                (wide * 0.7, tall * 0.72, deep),
                (wide * 0.86, 0, deep),
            ]
        ),
        0.016,
        paint.accent,
    )
    grip = tube(
        curve([(-0.1, tall * 0.97, 0), (-0.08, tall * 1.17, 0), (0.08, tall * 1.17, 0), (0.1, tall * 0.97, 0)]),
        0.03,
        paint.accent,
    )
    straps = [_strap(side * wide * 0.5, tall, deep, paint.second) for side in (-1, 1)]
    pouches = [
        cushion((0.08, tall * 0.35, deep * 0.6), paint.second, 0.1).moved(side * wide, -tall * 0.55) for side in (-1, 1)
    ]
    return join(body, pocket, zipper, arch, grip, *straps, *pouches).moved(y=tall)


def _strap(x: float, tall: float, deep: float, colour: Array) -> Solid:
    knots = [
        (x * 0.6, tall * 0.9, -deep),
        (x, tall * 0.75, -deep * 2.2),
        (x * 1.3, -tall * 0.1, -deep * 2.4),
        (x * 1.5, -tall * 0.85, -deep),
    ]
    return tube(curve(knots), 0.06, colour, 0.05, flat=0.45)


def chair(rng: np.random.Generator, paint: Livery) -> Solid:
    """A chair on four legs; its back is a board, slats or spindles; some have arms."""
    half, seat, back = rng.uniform(0.33, 0.42), rng.uniform(0.55, 0.7), rng.uniform(0.5, 0.8)
    lean, splay, thick = rng.uniform(0.03, 0.15), rng.uniform(0.0, 0.1), rng.uniform(0.025, 0.05)
    cloth = (
        cushion((half, 0.05, half), paint.main, 0.15, corner=rng.uniform(0.15, 0.5))
        .moved(y=seat)
        .painted(paint.pattern)
    )
    corners = [(x * half * 0.88, z * half * 0.88) for x in (-1, 1) for z in (-1, 1)]
    legs = [
        tube(np.linspace((x * (1 + splay), 0, z * (1 + splay)), (x, seat, z), 12), thick, paint.second)
        for x, z in corners
    ]
    foot, top = np.array([half * 0.88, seat, -half * 0.88]), np.array([half * 0.88, seat + back, -half * 0.88 - lean])
    posts = [tube(np.linspace(foot * [s, 1, 1], top * [s, 1, 1], 12), thick, paint.second) for s in (-1, 1)]
    rest = _rest(rng, paint, foot, top)
    if rng.random() < 0.3:
        arm = [
            (half * 0.95, seat + back * 0.4, -half * 0.9),
            (half, seat + back * 0.42, half * 0.4),
            (half * 0.9, seat, half * 0.7),
        ]
        rest += [tube(curve(np.array(arm) * [s, 1, 1]), thick * 1.2, paint.second) for s in (-1, 1)]
    return join(cloth, *legs, *posts, *rest)


def _rest(rng: np.random.Generator, paint: Livery, foot: Array, top: Array) -> list[Solid]:
    def across(share: float) -> tuple[Array, Array]:
        place = foot + share * (top - foot)
        return place * [-1, 1, 1], place

    style = rng.choice(["board", "slats", "spindles"])
    if style == "slats":
        shares = np.linspace(rng.uniform(0.3, 0.5), 0.95, int(rng.integers(2, 5)))
        return [tube(np.linspace(*across(s), 14), 0.055, paint.main, 0.2, flat=0.4) for s in shares]
    if style == "spindles":
        bottom, upper = across(0.05), across(0.97)
        shares = np.linspace(0.12, 0.88, int(rng.integers(4, 7)))
        ends = [[low + share * (high - low) for low, high in (bottom, upper)] for share in shares]
        rods = [tube(np.linspace(low, high, 12), 0.018, paint.main) for low, high in ends]
        return [*rods, tube(np.linspace(*upper, 14), 0.05, paint.main)]
    middle = (foot + top) / 2 * [0, 1, 1] + [0, 0.08, 0.02]
    board = cushion(
        (foot[0] * 0.98, np.ptp([foot[1], top[1]]) * rng.uniform(0.3, 0.42), 0.035), paint.main, 0.15, corner=0.3
    )
    return [board.painted(paint.pattern).moved(*middle)]


def headphones(rng: np.random.Generator, paint: Livery) -> Solid:
    """Headphones: a band and two cups with pads, standing, or lying on their side."""
    wide, tall, cup = rng.uniform(0.42, 0.52), rng.uniform(0.5, 0.68), rng.uniform(0.2, 0.28)
    angle = np.linspace(0, np.pi, 30)
    arc = np.stack([np.cos(angle) * wide, np.sin(angle) * tall, 0 * angle], -1)
    band = tube(arc, rng.uniform(0.06, 0.1), paint.main, paint.gloss, flat=0.35).painted(paint.pattern)
    pad = tube(arc[8:22] * [0.9, 0.9, 1], 0.08, paint.second, 0.1, flat=0.4)
    yokes = [tube(np.linspace((s * wide, 0.05, 0), (s * wide, -0.2, 0), 8), 0.03, STEEL, 0.7) for s in (-1, 1)]
    shell = revolve([(0, 0.13), (cup * 0.7, 0.12), (cup, 0.05), (cup, -0.02)], paint.main, paint.gloss, round_off=True)
    plate = revolve([(0, 0.135), (cup * 0.5, 0.135)], paint.accent, 0.6)
    ring = revolve(
        [(cup, -0.02), (cup * 1.05, -0.08), (cup * 0.85, -0.14), (cup * 0.55, -0.12)], BLACK, 0.1, round_off=True
    )
    drum = revolve([(cup * 0.55, -0.08), (0, -0.08)], paint.second, 0.05)
    tall_cup = join(shell, plate, ring, drum).scaled(1, 1, rng.uniform(1.0, 1.25))
    cups = [tall_cup.turned(z=-90 * s).moved(s * (wide + 0.02), -0.25) for s in (-1, 1)]
    whole = join(band, pad, *yokes, *cups)
    return whole.turned(x=-rng.uniform(35, 75)) if rng.random() < 0.3 else whole


def shoe(rng: np.random.Generator, paint: Livery) -> Solid:
    """A sneaker or an ankle boot: a sole, an upper, laces and the dark inside."""
    collar = rng.uniform(0.36, 0.46) if rng.random() < 0.6 else rng.uniform(0.6, 0.95)
    x = 0.8 * np.sin(np.linspace(-np.pi / 2, np.pi / 2, 40))
    tip = np.sqrt(1 - (x / 0.801) ** 8)
    half = np.interp(x, [-0.8, -0.3, 0.0, 0.3, 0.6, 0.8], [0.2, 0.2, 0.23, 0.28, 0.26, 0.2]) * tip
    top = np.interp(x, [-0.8, -0.25, -0.1, 0.3, 0.6, 0.8], [collar, collar, collar * 0.85, 0.3, 0.22, 0.17]) * tip
    angle = np.linspace(0, np.pi, 19)
    bend = np.sign(np.cos(angle)) * np.abs(np.cos(angle)) ** 0.7
    skin = np.stack(np.broadcast_arrays(x[:, None], top[:, None] * np.sin(angle) ** 0.6, half[:, None] * bend), -1)
    upper = sheet(skin, paint.main, 0.25).painted(paint.pattern).moved(y=0.08)
    edge = half + rng.uniform(0.025, 0.05)
    rims = [np.stack([x, np.full_like(x, y), s * edge], -1) for y, s in ((0.1, -1), (-0.02, -1), (-0.02, 1), (0.1, 1))]
    sole = sheet(np.stack(rims, 1), paint.second, 0.1)
    mouth = revolve([(0.14, 0.0), (0.0, -0.02)], BLACK, 0.0).scaled(1.6, 1, 1).moved(-0.45, collar + 0.09)
    cuff = tube(
        np.stack([-0.45 + 0.25 * np.cos(a := np.linspace(0, 6.3, 24)), 0 * a + collar + 0.08, 0.16 * np.sin(a)], -1),
        0.04,
        paint.accent,
    )
    places = np.linspace(-0.08, 0.38, int(rng.integers(4, 7)))
    rise = np.interp(places, x, top) + 0.09
    laces = [
        tube(curve([(p, r - 0.07, -0.15), (p + 0.02, r, 0), (p, r - 0.07, 0.15)], 10), 0.02, paint.accent)
        for p, r in zip(places, rise, strict=True)
    ]
    return join(sole, upper, mouth, cuff, *laces)


def umbrella(rng: np.random.Generator, paint: Livery) -> Solid:
    """An open umbrella of eight panels with a stick and a hook, standing on its rim or held upright."""
    dome, drop, metal = rng.uniform(0.3, 0.5), rng.uniform(0.7, 1.0), 0.7
    tip = tube(np.linspace((0, dome, 0), (0, dome + 0.14, 0), 6), 0.02, STEEL, metal)
    stick = tube(np.linspace((0, dome, 0), (0, -drop, 0), 30), 0.018, STEEL, metal)
    bend = curve([(0, -drop, 0), (0, -drop - 0.12, 0), (0.07, -drop - 0.2, 0), (0.15, -drop - 0.12, 0)])
    hook = tube(bend, 0.035, paint.accent, 0.4)
    ends = [(0.62 * np.cos(a), dome * 0.58, 0.62 * np.sin(a)) for a in np.linspace(0, 2 * np.pi, 8, endpoint=False)]
    ribs = [tube(np.linspace((0, dome * 0.3, 0), end, 10), 0.009, STEEL, metal) for end in ends]
    whole = join(_canopy(rng, paint, dome), tip, stick, hook, *ribs)
    return whole.turned(x=rng.uniform(-15, 15), z=rng.choice([0, 1]) * rng.uniform(100, 125) + rng.uniform(-10, 10))


def _canopy(rng: np.random.Generator, paint: Livery, dome: float, panels: int = 8) -> Solid:
    share, angle = np.meshgrid(np.linspace(0.01, 1, 14), np.linspace(0, 2 * np.pi, 8 * panels + 1), indexing="ij")
    scallop = 1 - 0.09 * share * np.abs(np.sin(angle * panels / 2))
    reach, height = share * scallop, dome * (1 - share**2) - 0.06 * (1 - scallop)
    canopy = sheet(np.stack([reach * np.cos(angle), height, reach * np.sin(angle)], -1), paint.main, 0.15)
    if rng.random() < 0.5:
        return canopy.painted(paint.pattern)
    every_other = (np.arange(8 * panels) // 8 % 2 == 0)[None].repeat(13, 0).reshape(-1)
    return replace(canopy, colours=np.where(every_other[:, None], paint.second, paint.main))


def watch(rng: np.random.Generator, paint: Livery) -> Solid:
    """A wrist watch: a case with hands and hour marks on a closed strap."""
    size, loop = rng.uniform(0.3, 0.4), rng.uniform(0.48, 0.6)
    angle = np.linspace(0, 2 * np.pi, 49)
    width = np.interp(np.abs(angle - np.pi), [0, 0.5 * np.pi, np.pi], [0.55, 0.6, 0.85]) * size * rng.uniform(0.75, 1.0)
    ring = np.stack([0 * angle, np.sin(angle) * loop * 1.1, np.cos(angle) * loop], -1)
    across = np.linspace(-1, 1, 7)[None, :, None] * width[:, None, None] * np.array([1.0, 0, 0])
    strap = [sheet(ring[:, None] * s + across, paint.main, 0.2).painted(paint.pattern) for s in (1.0, 0.93)]
    metal = np.array(STEEL if rng.random() < 0.5 else paint.accent)
    case = revolve(
        [(0, -0.08), (size, -0.08), (size * 1.02, 0.03), (size * 0.92, 0.09), (size * 0.86, 0.07)], metal, 0.9
    )
    dial = revolve([(size * 0.87, 0.06), (0, 0.06)], paint.second, 0.4)
    marks = [
        block((0.012, 0.004, 0.035), paint.accent).moved(z=-size * 0.72, y=0.07).turned(y=30 * k) for k in range(12)
    ]
    hands = [
        block((thick, 0.004, length / 2), paint.accent)
        .moved(y=height, z=-length / 2)
        .turned(y=float(rng.uniform(0, 360)))
        for thick, length, height in ((0.02, size * 0.45, 0.075), (0.014, size * 0.68, 0.08))
    ]
    crown = block((0.04, 0.03, 0.03), metal, 0.8).moved(x=size * 1.05)
    face = join(case, dial, *marks, *hands, crown).scaled(1, 1, rng.choice([1.0, 1.0, 1.15])).turned(x=90)
    whole = join(*strap, face.moved(z=loop + 0.02))
    return whole.turned(x=rng.choice([-60, -30, 0]))
