"""OpenVINO as what serves: the graph in its own format, asked by the openvino that is installed here."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from importlib import metadata, util
from pathlib import Path
from typing import Any, ClassVar, Self

import numpy as np
from numpy.typing import NDArray

from visionft.bundle import names as n
from visionft.errors import MissingExtraError, ParityError, UsageError
from visionft.wording.safe_text import printable

NAME = "openvino"
EXACT = {"INFERENCE_PRECISION_HINT": "f32"}
"""Where a processor has bfloat16, OpenVINO computes in it unless told otherwise, and answers differ."""
Outputs = dict[str, NDArray[np.generic]]


@dataclass(frozen=True)
class OpenVino:
    """OpenVINO's runtime in this process.

    Attributes:
        version: of the openvino that is installed.
    """

    version: str
    opset: ClassVar[int] = 20
    """The version of ai.onnx that is converted."""
    mend: ClassVar[str] = "install another openvino, or leave --target out"

    @classmethod
    def installed(cls) -> Self:
        """Return the one that is here.

        Raises:
            MissingExtraError: there is none.
        """
        if util.find_spec(NAME) is None:
            raise MissingExtraError(
                '--target: openvino is not installed here; give pip install "visionft[openvino]", or leave it out'
            )
        return cls(metadata.version(NAME))

    @property
    def target(self) -> Self:
        """What is exported for: itself."""
        return self

    def require_adapters(self) -> None:
        """Raise UsageError: OpenVINO reads no adapters of onnxruntime."""
        raise UsageError("--target: openvino cannot carry adapters; export each run by itself")

    def convert(self, folder: Path) -> None:
        """Write `openvino/model.xml` and `model.bin`, in fp32, beside the model of a bundle.

        Raises:
            ParityError: OpenVINO cannot read the graph.
        """
        import openvino as ov

        place = folder / n.OPENVINO_FOLDER
        place.mkdir(exist_ok=True)
        try:
            # read_model, not convert_model: that one would tell OpenVINO's makers of it.
            ov.save_model(ov.Core().read_model(folder / n.MODEL_FILE), place / n.OPENVINO_FILE, compress_to_fp16=False)
        except RuntimeError as error:
            raise self._cannot("read", error) from error

    def answer(self, model: Path, batches: Sequence[NDArray[np.uint8]], adapter: Path | None = None) -> list[Outputs]:
        """Return every output by name, for each batch of (N, H, W, 3) uint8 RGB, of the files that `convert` wrote.

        Args:
            model: the bundle's ONNX file, beside which they lie.
            batches: what it is asked, one after the other.
            adapter: none.

        Raises:
            ParityError: OpenVINO cannot run the model.
        """
        import openvino as ov

        assert adapter is None, "refused before"
        try:
            compiled = ov.Core().compile_model(model.parent / n.OPENVINO_FOLDER / n.OPENVINO_FILE, "CPU", EXACT)
            return [_by_name(compiled({n.IMAGE: batch})) for batch in batches]
        except RuntimeError as error:
            raise self._cannot("run", error) from error

    def _cannot(self, what: str, error: RuntimeError) -> ParityError:
        lines = [line.strip() for line in str(error).splitlines() if line.strip()]
        reason = printable(lines[-1])[:200] if lines else "it gave no reason"
        return ParityError(f"{self} cannot {what} the exported model ({reason}); nothing was written: {self.mend}")

    def __str__(self) -> str:
        return f"{NAME}=={self.version}"


def _by_name(found: Any) -> Outputs:
    """Return outputs by each of their names: a tensor may have several in the file."""
    return {name: np.array(value) for port, value in found.items() for name in port.get_names()}
