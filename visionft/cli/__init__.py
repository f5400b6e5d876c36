"""The command line: parse, call, print."""

from visionft.cli.app import main

__all__ = ["main"]
