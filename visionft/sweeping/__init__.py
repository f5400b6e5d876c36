"""Sweeps: many fits over ranges and values of settings, chosen by validation; Optuna draws and prunes."""

from visionft.sweeping.sweep_result import DrawRow, SweepResult, TrialRow

__all__ = ["DrawRow", "SweepResult", "TrialRow"]
