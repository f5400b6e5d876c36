"""Say in words which weights are kept, by one rule, and whether they overfit: they alone are judged."""

from __future__ import annotations

from collections.abc import Sequence

from visionft.metrics import Temperature
from visionft.metrics.temperature import PHOTOS_NEEDED
from visionft.runs.history import Epoch, least_loss
from visionft.settings import FitSettings
from visionft.settings.unused import obstructed

SMALL_GAP = 0.05  # points of top-1 between training and validation photos that nobody need worry about
RISEN = 1.05  # factor on the least validation loss beyond which probabilities may be surer than right


def verdict(
    tops: tuple[float, float],
    train_photos: int,
    temperature: Temperature,
    settings: FitSettings | None = None,
    history: Sequence[Epoch] = (),
    kept: Epoch | None = None,
) -> str:
    """Return a sentence on the train/validation gap of the kept weights, and one on why they are kept.

    Args:
        tops: top-1 of the final weights in [0, 1]: on training photos without augmentation, and on validation.
        train_photos: how many training photos were looked at for it.
        temperature: what was fitted to validation, which tells whether probabilities are surer than right.
        settings: resolved, of the training; none: there was none of its own, as of a blend.
        history: the epochs, the start included.
        kept: the epoch whose weights are final; see `history.best`.
    """
    gap = tops[0] - tops[1]
    course = history if kept is not None and history and history[-1].epoch else ()  # a solved head alone has none
    risen = kept is not None and bool(course) and kept.val_loss > RISEN * least_loss(course).val_loss
    sentences = [
        f"top-1 is {tops[0]:.1%} on {train_photos} training photos and {tops[1]:.1%} on validation: "
        f"a gap of {100 * gap:.1f} points, {_judgement(gap, risen, temperature, settings)}"
    ]
    if course and kept is not None:
        sentences.append(
            f"kept are the weights of {_name(kept)}, the highest top-1 on validation and, of equal ones, the least "
            f"loss; {_of_loss(kept, least_loss(course), course[-1], temperature)}"
        )
    return "; ".join(sentences)


def kept_weights(history: Sequence[Epoch], kept: Epoch | None, start: str, why: str) -> str:
    """Say after a judgement which weights are kept; nothing where none were trained by epochs.

    Args:
        history: the epochs, the start included.
        kept: the epoch whose weights are final; see `history.best`.
        start: what the weights before any epoch are, such as `the solved head`.
        why: they are kept, such as `the best mAP`.
    """
    if kept is None or not history or not history[-1].epoch:
        return ""
    which = f"{start}, before any epoch" if kept.epoch == 0 else f"epoch {kept.epoch}"
    last = ": more epochs may still help" if kept.epoch == history[-1].epoch else ""
    return f"; kept are the weights of {which}, {why} on validation{last}"


def _judgement(gap: float, risen: bool, temperature: Temperature, settings: FitSettings | None) -> str:
    """Judge the kept weights by both signs at once: the gap of their answers, and the loss of their probabilities."""
    sure = risen and _may_be_too_sure(temperature)
    if gap <= SMALL_GAP and sure:
        return f"its answers do not overfit, its probabilities {'do' if temperature.fitted else 'may'}"
    if gap <= SMALL_GAP:
        return "no sign of overfitting"
    remedies = _remedies(settings, gap > 3 * SMALL_GAP, sure)
    would = f"{', '.join(remedies[:-1])} or {remedies[-1]}" if remedies[1:] else remedies[0]
    if gap > 3 * SMALL_GAP:
        return f"overfitting: {would} would narrow it"
    return f"which begins to overfit: {would} would narrow it" if sure else f"not unusual; {would} would narrow it"


def _remedies(settings: FitSettings | None, far: bool, sure: bool) -> list[str]:
    """Return what narrows the gap: more photos, and the settings that have an effect and room left.

    Args:
        settings: of the training, if there was one.
        far: the gap is large.
        sure: the loss rose after an earlier epoch.
    """
    found = ["more photos"]
    if settings is None:
        return found
    idle = obstructed(settings, ("augment.strength", "epochs"))
    if "augment.strength" not in idle and settings.augment.strength != "strong":
        found.append(f"stronger augmentation (--augment.strength is {settings.augment.strength})")
    if sure and "epochs" not in idle and settings.epochs != 1:
        found.append(f"fewer epochs (--epochs is {settings.epochs})")
    if far and settings.method.name != "head" and settings.epochs:
        less = "gradual or head" if settings.method.name == "full" else "head"
        found.append(f"training less of the backbone (--method {less})")
    return found


def _of_loss(kept: Epoch, least: Epoch, last: Epoch, temperature: Temperature) -> str:
    """Compare the loss of the kept weights with the least, and say what follows for the number of epochs."""
    if kept.epoch == least.epoch:
        if kept.epoch == last.epoch:
            return f"their loss is the least too ({kept.val_loss:.4f}): more epochs may still help"
        fewer = "--method head would do" if kept.epoch == 0 else "fewer would do"
        return f"their loss is the least too ({kept.val_loss:.4f}): the epochs after it did not help, {fewer}"
    other = f"{least.val_loss:.4f} after {_name(least)}, with a top-1 of {least.val_score:.1%}"
    if kept.val_loss <= RISEN * least.val_loss:
        return f"their loss ({kept.val_loss:.4f}) is near the least ({other})"
    return (
        f"their loss ({kept.val_loss:.4f}) is above the least ({other}): they are right more often "
        f"{_sureness(temperature)}"
    )


def _may_be_too_sure(temperature: Temperature) -> bool:
    """Tell whether validation shows probabilities surer than right, or has too few photos to show that they are not."""
    return temperature.temperature > 1 if temperature.fitted else temperature.photos < PHOTOS_NEEDED


def _sureness(temperature: Temperature) -> str:
    """Say what becomes of a risen loss, as the calibration found it."""
    if not _may_be_too_sure(temperature):
        return "and no surer than right, but further off where they are wrong"
    if temperature.fitted:
        return f"and surer than right, which the temperature of {temperature.temperature:.3f} mends"
    return "but may be surer than right, which too few validation photos for a temperature leave as it is"


def _name(epoch: Epoch) -> str:
    return "the solved head, before any epoch" if epoch.epoch == 0 else f"epoch {epoch.epoch}"
