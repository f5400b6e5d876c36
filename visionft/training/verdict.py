"""Say in words which weights are kept, by one rule, and whether they overfit: they alone are judged."""

from __future__ import annotations

from collections.abc import Sequence

from visionft.training.history import Epoch, least_loss

SMALL_GAP = 0.05  # points of top-1 between training and validation photos that nobody need worry about
RISEN = 1.05  # factor on the least validation loss beyond which probabilities are surer than right


def verdict(train_top1: float, val_top1: float, train_photos: int, history: Sequence[Epoch], kept: Epoch | None) -> str:
    """Return a sentence on the train/validation gap of the kept weights, and one on why they are kept.

    Args:
        train_top1: of the final weights on training photos without augmentation, in [0, 1].
        val_top1: of the final weights on validation, in [0, 1].
        train_photos: how many training photos were looked at for it.
        history: the epochs, the start included.
        kept: the epoch whose weights are final; see `history.best`.
    """
    gap = train_top1 - val_top1
    course = history if kept is not None and history and history[-1].epoch else ()  # a solved head alone has none
    sure = kept is not None and bool(course) and kept.val_loss > RISEN * least_loss(course).val_loss
    sentences = [
        f"top-1 is {train_top1:.1%} on {train_photos} training photos and {val_top1:.1%} on validation: "
        f"a gap of {100 * gap:.1f} points, {_judgement(gap, sure)}"
    ]
    if course and kept is not None:
        sentences.append(
            f"kept are the weights of {_name(kept)}, the highest top-1 on validation and, of equal ones, the least "
            f"loss; {_of_loss(kept, least_loss(course), course[-1])}"
        )
    return "; ".join(sentences)


def _judgement(gap: float, sure: bool) -> str:
    """Judge the kept weights by both signs at once: the gap of their answers, and the loss of their probabilities."""
    if gap <= SMALL_GAP:
        return "its answers do not overfit, its probabilities do" if sure else "no sign of overfitting"
    if gap <= 3 * SMALL_GAP:
        usual = "usual for fine-tuning; more photos or stronger augmentation would narrow it"
        return "which begins to overfit: fewer epochs, more photos or stronger augmentation" if sure else usual
    return "overfitting: add photos, raise --augment.strength, or train less of the backbone (--method head or gradual)"


def _of_loss(kept: Epoch, least: Epoch, last: Epoch) -> str:
    """Compare the loss of the kept weights with the least, and say what follows for the number of epochs."""
    if kept.epoch == least.epoch:
        if kept.epoch == last.epoch:
            return f"their loss is the least too ({kept.val_loss:.4f}): more epochs may still help"
        fewer = "--method head would do" if kept.epoch == 0 else "fewer would do"
        return f"their loss is the least too ({kept.val_loss:.4f}): the epochs after it did not help, {fewer}"
    other = f"{least.val_loss:.4f} after {_name(least)}, with a top-1 of {least.val_top1:.1%}"
    if kept.val_loss <= RISEN * least.val_loss:
        return f"their loss ({kept.val_loss:.4f}) is near the least ({other})"
    return (
        f"their loss ({kept.val_loss:.4f}) is above the least ({other}): they are right more often and surer than "
        "right, which the temperature is there to mend"
    )


def _name(epoch: Epoch) -> str:
    return "the solved head, before any epoch" if epoch.epoch == 0 else f"epoch {epoch.epoch}"
