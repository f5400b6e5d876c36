"""The settings of one trial: what all trials share, under what the trial draws."""

from __future__ import annotations

import json
import random
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from math import prod
from typing import Any

from visionft.errors import SettingsError
from visionft.settings import METHODS, FitSettings, build, build_for
from visionft.settings.fields import leaves
from visionft.settings.unused import obstructed
from visionft.sweeping.search_space import METHOD, SEED, Dimension

LISTED = 100_000
"""Combinations up to which all are written out to be shuffled."""
Drawn = Mapping[str, str]
"""Dotted path of a setting -> its value, as it is written."""


def shared_settings(settings: FitSettings, varied: Sequence[Dimension]) -> dict[str, Any]:
    """Return what was given of whole settings, by dotted paths as JSON has it, without the method where it is varied.

    Raises:
        SettingsError: a setting is given, and varied too.
    """
    plain = settings.model_dump(mode="json", exclude_unset=True)
    plain["method"] = {**plain.get("method", {}), "name": settings.method.name}
    given, paths = dict(_flat(plain, "")), {one.path for one in varied}
    if twice := [path for path in given if path in paths and path != METHOD]:
        raise SettingsError([f"{leaves()[path].flag} is given, and --over varies it; leave one out" for path in twice])
    return {path: value for path, value in given.items() if path not in paths and path != "out"}


def _flat(tree: Mapping[str, Any], prefix: str) -> Iterator[tuple[str, Any]]:
    for name, value in tree.items():
        path = prefix + name
        if path in leaves() or not isinstance(value, Mapping):
            yield path, value
        else:
            yield from _flat(value, f"{path}.")


def trial_settings(shared: Mapping[str, Any], drawn: Drawn, out: str | None = None) -> tuple[FitSettings, Drawn]:
    """Return a trial's settings, and what of the drawn values has an effect in them.

    A drawn value without effect beside the others, such as a rate where the head is solved, is left out; so is a shared
    one where the trial draws the method.

    Raises:
        SettingsError: the values cannot be used, or not together.
    """
    method = drawn.get(METHOD, shared.get(METHOD, FitSettings.model_fields["method"].default.name))
    given = {path: value for path, value in {**shared, **drawn}.items() if of_method(path, method)}
    movable = [path for path in given if path != METHOD and (path in drawn or METHOD in drawn)]
    photos = given.pop("photos")
    settings = build_for(tuple(METHODS), photos, None, **given)
    idle = set(obstructed(settings, movable))
    kept = {path: value for path, value in given.items() if path not in idle}
    place = {} if out is None else {"out": out}
    return build(photos, None, **kept, **place), {path: value for path, value in drawn.items() if path in kept}


def of_method(path: str, method: str | None) -> bool:
    """Tell whether a setting is one of a method's, or of none."""
    leaf = leaves().get(path)
    return leaf is None or not leaf.owners or method in leaf.owners


def key_of(drawn: Drawn) -> str:
    """Return what two trials share that would train the same: the values with an effect, in a fixed order."""
    return json.dumps(dict(sorted(drawn.items())))


def settings_of_all(shared: Mapping[str, Any], varied: Sequence[Dimension], out: str) -> FitSettings:
    """Return settings as a trial has them that draws nothing but the first method that suits what is shared.

    Raises:
        SettingsError: none does.
    """
    methods: Sequence[str] = next((one.values for one in varied if one.path == METHOD), ())
    refused = SettingsError(["--over names no method"])
    for drawn in [{METHOD: name} for name in methods] or [{}]:
        try:
            return trial_settings(shared, drawn, out)[0]
        except SettingsError as error:
            refused = error
    raise refused


def require_possible(shared: Mapping[str, Any], varied: Sequence[Dimension]) -> None:
    """Refuse values that no trial could have, before anything heavy is imported.

    Raises:
        SettingsError: one line for each value that its setting refuses, or that can have no effect in any trial.
    """
    methods = next((one.values for one in varied if one.path == METHOD), ())
    faults: list[str] = []
    for one in varied:
        for value in one.tried:
            faults += _faults(shared, {one.path: value}, () if one.path == METHOD else methods)
    if faults:
        raise SettingsError(list(dict.fromkeys(faults)))


def _faults(shared: Mapping[str, Any], drawn: dict[str, str], methods: Sequence[str]) -> Sequence[str]:
    """Return what is wrong with a value under every method that there will be; nothing where one takes it."""
    (path, value) = next(iter(drawn.items()))
    owners, flag = leaves()[path].owners, leaves()[path].flag
    present = methods or [drawn.get(METHOD) or str(shared[METHOD])]
    able = [name for name in present if name not in METHODS or not owners or name in owners]
    if not able:
        having = f"only the method {' or '.join(owners)} has {path.rpartition('.')[2]}"
        return [f"--over: {flag[2:]}: {having}; give --method {owners[-1]}, or leave it out"]
    refused: Sequence[str] = ()
    for method in able:
        own = {METHOD: method} if methods else {}
        try:
            _, kept = trial_settings(shared, {**own, **drawn})
        except SettingsError as error:
            refused = refused or [f"--over: {line.removeprefix('--')}" for line in error.faults]
            continue
        if path in kept:
            return ()
    under = f"under --method {' or '.join(present)}"
    return refused or [f"--over: {flag[2:]}={value} has no effect {under}, with what is given beside it; leave it out"]


def combinations(shared: Mapping[str, Any], varied: Sequence[Dimension], most: int, seed: int = 0) -> list[Drawn]:
    """Return different combinations of finite dimensions in a random order, each once: all of them where `most` allows.

    The first n are the same for every `most`, so that a sweep can be made longer. What differs only in values without
    effect is one combination.

    Args:
        shared: settings of all trials.
        varied: the dimensions, without the seed; each is finite.
        most: combinations that are wanted.
        seed: of the order.
    """
    generator, found = random.Random(seed), dict[str, Drawn]()  # a draw of trials is no secret
    every = prod(one.size for one in varied)
    if every > LISTED:  # drawn one by one: among so many hardly any comes twice
        places: Iterator[int] = (generator.randrange(every) for _ in range(20 * most))
    else:
        places = iter(generator.sample(range(every), every))
    for place in places:
        drawn: Drawn = _decoded(place, varied)
        with suppress(SettingsError):  # refused together: the trial says so
            drawn = trial_settings(shared, drawn)[1]
        found.setdefault(key_of(drawn), drawn)
        if len(found) == most:
            break
    return list(found.values())


def _decoded(place: int, varied: Sequence[Dimension]) -> dict[str, str]:
    """Return the combination at a place of all, as digits of mixed radix."""
    drawn = {}
    for one in varied:
        place, digit = divmod(place, one.size)
        drawn[one.path] = one.at(digit)
    return drawn


def without_seed(drawn: Drawn) -> Drawn:
    """Return a trial's values but for its seed: what its settings are called by."""
    return {path: value for path, value in drawn.items() if path != SEED}
