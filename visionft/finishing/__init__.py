"""The end of a run: final figures, calibration, the verdict; and WiSE-FT, a blend of its start and its end."""

from visionft.finishing.wise_ft import TENTHS, blend

__all__ = ["TENTHS", "blend"]
