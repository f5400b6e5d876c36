"""Products turned on a wheel: bottle, mug, teapot, lamp."""

from __future__ import annotations

import numpy as np
from palette import BLACK, STEEL, Livery
from solids import Array, Solid, curve, cushion, join, revolve, tube


def bottle(rng: np.random.Generator, paint: Livery) -> Solid:
    """A bottle with a neck, a cap and mostly a label."""
    wide, tall = rng.uniform(0.22, 0.36), rng.uniform(0.75, 1.0)
    shoulder, neck = rng.uniform(0.55, 0.72) * tall, rng.uniform(0.07, 0.13)
    waist = wide * rng.choice([1.0, 1.0, 0.85])
    flank = [(0.0, 0.0), (wide, 0.0), (wide, 0.06), (waist, shoulder / 2), (wide, shoulder)]
    slope = [
        (wide * 0.9, shoulder + 0.06),
        (neck * 1.2, tall * rng.uniform(0.8, 0.88)),
        (neck, tall * 0.95),
        (neck, tall),
    ]
    body = revolve([*flank, *slope], paint.main, max(paint.gloss, 0.4), round_off=True).painted(paint.pattern)
    lid = rng.uniform(0.08, 0.16)
    cap = revolve([(neck * 1.3, tall - 0.02), (neck * 1.3, tall + lid), (0.0, tall + lid)], paint.accent, 0.4)
    if rng.random() < 0.3:
        return join(body, cap)
    low, high = shoulder * rng.uniform(0.15, 0.3), shoulder * rng.uniform(0.6, 0.9)
    label = revolve(
        [(wide * 1.01, low), (max(waist, wide * 0.97) * 1.02, shoulder / 2), (wide * 1.01, high)], paint.second, 0.1
    )
    return join(body, cap, label)


def mug(rng: np.random.Generator, paint: Livery) -> Solid:
    """A mug with one handle, drink inside."""
    foot, rim, tall = rng.uniform(0.28, 0.45), rng.uniform(0.38, 0.5), rng.uniform(0.6, 1.0)
    belly = (foot + rim) / 2 * rng.uniform(0.98, 1.12)
    outside = revolve(
        [(0, 0), (foot, 0), (foot, 0.04), (belly, tall * 0.5), (rim, tall)], paint.main, paint.gloss, round_off=True
    )
    inside = revolve([(rim, tall), (rim * 0.92, tall), (rim * 0.9, tall * 0.8)], paint.second, 0.3)
    drink = revolve(
        [(rim * 0.9, tall * 0.8), (0, tall * 0.8)],
        np.array(rng.choice([0.1, 0.25, 0.6])) * np.array([1.3, 0.9, 0.6]),
        0.6,
    )
    reach, top, low = rng.uniform(0.24, 0.4), rng.uniform(0.75, 0.88) * tall, rng.uniform(0.15, 0.3) * tall
    knots = [(rim * 0.95, top, 0), (rim + reach * 0.7, top, 0), (rim + reach, (top + low) / 2 + 0.06, 0)]
    knots += [(foot + reach * 0.7, low + 0.05, 0), (foot * 0.95, low, 0)]
    grip = tube(curve(knots), rng.uniform(0.04, 0.08), paint.main, paint.gloss, flat=rng.uniform(0.7, 1.4))
    return join(outside.painted(paint.pattern), inside, drink, grip)


def teapot(rng: np.random.Generator, paint: Livery) -> Solid:
    """A round pot with a spout, a lid with a knob, and a handle at the side or above."""
    wide, tall = rng.uniform(0.42, 0.58), rng.uniform(0.55, 0.85)
    neck = wide * rng.uniform(0.45, 0.65)
    angle = np.linspace(-1.3, 1.1, 8)
    flank = [(float(neck + (wide - neck) * np.cos(a)), float(tall * (np.sin(a) + 0.96) / 1.86)) for a in angle]
    body = revolve(flank, paint.main, max(paint.gloss, 0.4), round_off=True).painted(paint.pattern)
    rim, brim = flank[-1]
    dome = rng.uniform(0.08, 0.18)
    lid = revolve([(rim, brim), (rim * 0.7, brim + dome * 0.8), (0, brim + dome)], paint.second, 0.4)
    knob = cushion((0.07, 0.06, 0.07), paint.accent, 0.5, corner=1.0).moved(y=brim + dome + 0.05)
    rise = tall * rng.uniform(0.85, 1.1)
    beak = curve(
        [
            (wide * 0.8, tall * 0.25, 0),
            (wide * 1.25, tall * 0.45, 0),
            (wide * 1.45, rise * 0.8, 0),
            (wide * 1.75, rise, 0),
        ]
    )
    spout = tube(beak, np.linspace(0.15, 0.055, len(beak)), paint.main, paint.gloss)
    side = [
        (-wide * 0.75, tall * 0.8, 0),
        (-wide * 1.4, tall * 0.85, 0),
        (-wide * 1.5, tall * 0.5, 0),
        (-wide * 0.85, tall * 0.2, 0),
    ]
    above = [
        (-wide * 0.8, tall * 0.7, 0),
        (-wide * 0.7, tall * 1.4, 0),
        (wide * 0.5, tall * 1.45, 0),
        (wide * 0.7, tall * 0.75, 0),
    ]
    grip = tube(curve(side if rng.random() < 0.65 else above), rng.uniform(0.04, 0.07), paint.accent, 0.3)
    return join(body, lid, knob, spout, grip)


def lamp(rng: np.random.Generator, paint: Livery) -> Solid:
    """A table lamp with a cloth shade, or a desk lamp with a jointed arm."""
    stem = np.array(STEEL if rng.random() < 0.4 else paint.second)
    foot = rng.uniform(0.22, 0.38)
    plate = revolve([(0, 0), (foot, 0), (foot, 0.05), (0.05, 0.1), (0, 0.1)], stem, 0.5)
    if rng.random() < 0.4:
        return join(plate, _arm(rng, paint, stem))
    low, high, drop = rng.uniform(0.35, 0.6), rng.uniform(0.15, 0.35), rng.uniform(0.35, 0.6)
    tall = rng.uniform(0.6, 1.1)
    shade = revolve([(low, tall), (high, tall + drop)], paint.main, 0.05).painted(paint.pattern)
    inner = revolve([(low * 0.97, tall), (high * 0.97, tall + drop)], np.minimum(paint.main * 1.2 + 0.2, 1), 0.0)
    if rng.random() < 0.5:
        vase = revolve(
            [(0.06, 0.08), (0.2, 0.25), (0.17, tall * 0.6), (0.05, tall * 0.8), (0.03, tall + 0.2)],
            stem,
            0.6,
            round_off=True,
        )
    else:
        vase = revolve([(0.03, 0.08), (0.03, tall + 0.2)], stem, 0.6)
    return join(plate, vase, inner, shade)


def _arm(rng: np.random.Generator, paint: Livery, stem: Array) -> Solid:
    elbow = np.array([-rng.uniform(0.2, 0.45), rng.uniform(0.5, 0.7), 0.0])
    wrist = elbow + np.array([rng.uniform(0.5, 0.8), rng.uniform(0.2, 0.45), 0.0])
    rods = [tube(np.linspace(a, b, 14), 0.03, stem, 0.6) for a, b in (((0, 0.08, 0), elbow), (elbow, wrist))]
    joints = [cushion((0.06, 0.06, 0.06), BLACK, 0.3, corner=1.0).moved(*place) for place in (elbow, wrist)]
    hood = revolve(
        [(0.06, 0.12), (0.1, 0.05), (rng.uniform(0.24, 0.32), -rng.uniform(0.25, 0.35))], paint.main, paint.gloss
    )
    bulb = cushion((0.09, 0.11, 0.09), (1.0, 0.95, 0.8), 0.2, corner=1.0).moved(y=-0.14)
    head = join(bulb, hood.painted(paint.pattern)).turned(z=rng.uniform(0, 40)).moved(*wrist)
    return join(*rods, *joints, head)
