"""From a method's settings to its phases: which share of the depth trains for how many epochs."""

from __future__ import annotations

from visionft.errors import SettingsError
from visionft.settings import AnyMethod, FullMethod, GradualMethod, HeadMethod, Phase, PrototypesMethod

GRADUAL_SHARES = (1 / 3, 2 / 3, 1.0)
HEAD_FIRST_SHARE = 4  # a head that could not be solved trains alone for a quarter of the epochs on top


def phases(method: AnyMethod, epochs: int, head_solved: bool) -> tuple[Phase, ...]:
    """Return the phases in order; none where a solved head is all there is to learn.

    Args:
        method: what to do.
        epochs: passes after the head is solved, at least 1; a gradual method with its own phases ignores it.
        head_solved: whether the head was solved beforehand. If not, methods with `head_first` begin with
            a phase of the head alone, of max(1, epochs // 4) epochs on top of `epochs`.

    Raises:
        SettingsError: fewer epochs than cycles.
    """
    if isinstance(method, PrototypesMethod):
        return ()
    if isinstance(method, HeadMethod):
        return () if head_solved else (Phase(epochs=epochs, unfreeze=0.0),)
    main = _main(method, epochs)
    if head_solved or not method.head_first:
        return main
    return (Phase(epochs=max(1, epochs // HEAD_FIRST_SHARE), unfreeze=0.0), *main)


def _main(method: AnyMethod, epochs: int) -> tuple[Phase, ...]:
    if isinstance(method, GradualMethod):
        return _gradual(method, epochs)
    if isinstance(method, FullMethod | HeadMethod | PrototypesMethod):
        return (Phase(epochs=epochs, unfreeze=1.0),)
    return (Phase(epochs=epochs, unfreeze=method.unfreeze),)


def _gradual(method: GradualMethod, epochs: int) -> tuple[Phase, ...]:
    if not isinstance(method.phases, str):
        return method.phases * method.cycles
    if epochs < method.cycles:
        n = method.cycles
        raise SettingsError([f"method.cycles: {n} cycles do not fit into {epochs} epochs; give at least --epochs {n}"])
    return tuple(phase for cycle in _spread(epochs, method.cycles) for phase in _thirds(cycle))


def _thirds(epochs: int) -> tuple[Phase, ...]:
    count = min(len(GRADUAL_SHARES), epochs)
    shares = GRADUAL_SHARES[-count:]
    return tuple(Phase(epochs=n, unfreeze=share) for n, share in zip(_spread(epochs, count), shares, strict=True))


def _spread(total: int, parts: int) -> list[int]:
    """Cut `total` into `parts` lengths that differ by at most 1, the longer ones late."""
    return [(i + 1) * total // parts - i * total // parts for i in range(parts)]
