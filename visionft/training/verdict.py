"""Say in words whether the model overfits."""

from __future__ import annotations

from collections.abc import Sequence

from visionft.training.history import Epoch

SMALL_GAP = 0.05  # points of top-1 between training and validation photos that nobody need worry about
RISEN = 1.05  # factor on the least validation loss beyond which the last epochs did harm


def verdict(train_top1: float, val_top1: float, train_photos: int, history: Sequence[Epoch], kept: Epoch | None) -> str:
    """Return one or two sentences on the train/validation gap and on the epoch of least validation loss.

    Args:
        train_top1: of the final weights on training photos without augmentation, in [0, 1].
        val_top1: of the final weights on validation, in [0, 1].
        train_photos: how many training photos were looked at for it.
        history: the epochs, the start included.
        kept: the epoch whose weights are final.
    """
    gap = train_top1 - val_top1
    sentences = [
        f"top-1 is {train_top1:.1%} on {train_photos} training photos and {val_top1:.1%} on validation: "
        f"a gap of {100 * gap:.1f} points, {_judgement(gap)}"
    ]
    if history and history[-1].epoch:  # a solved head alone has no course to speak of
        least = min(history, key=lambda row: row.val_loss)
        sentences.append(_course(history[-1], least))
    if kept is not None and history and kept.epoch != history[-1].epoch:
        sentences.append(f"kept are the weights of {_name(kept)}, the best on validation")
    return "; ".join(sentences)


def _judgement(gap: float) -> str:
    if gap <= SMALL_GAP:
        return "no sign of overfitting"
    if gap <= 3 * SMALL_GAP:
        return "usual for fine-tuning; more photos or stronger augmentation would narrow it"
    return "overfitting: add photos, raise --augment.strength, or train less of the backbone (--method head or gradual)"


def _course(last: Epoch, least: Epoch) -> str:
    if least.epoch == last.epoch:
        return f"validation loss was least in the last epoch ({least.val_loss:.4f}): more epochs may still help"
    if last.val_loss > RISEN * least.val_loss:
        return (
            f"validation loss was least after {_name(least)} ({least.val_loss:.4f}) and rose to "
            f"{last.val_loss:.4f} since: it overfits from there on; fewer epochs would do"
        )
    return (
        f"validation loss was least after {_name(least)} ({least.val_loss:.4f}) "
        f"and stayed near it ({last.val_loss:.4f})"
    )


def _name(epoch: Epoch) -> str:
    return "the solved head, before any epoch" if epoch.epoch == 0 else f"epoch {epoch.epoch}"
