"""People mend the labels of a catalogue: what is worth looking at, in order, and their answers, on disk one by one."""

from visionft.reviewing.answer_file import AnswerFile
from visionft.reviewing.cards import KINDS, Card, Doubt
from visionft.reviewing.ordering import queue
from visionft.reviewing.review_state import Review

__all__ = ["KINDS", "AnswerFile", "Card", "Doubt", "Review", "queue"]
