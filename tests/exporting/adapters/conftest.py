from tests.exporting.quantization.conftest import times_are_known

__all__ = ["times_are_known"]
