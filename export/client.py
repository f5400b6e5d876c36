"""Answer photos with a bundle: python client.py BUNDLE PHOTO... needs onnxruntime and Pillow (11.3 or newer) alone."""

import hashlib
import io
import json
import sys
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
import onnxruntime as ort
from PIL import Image, ImageCms, ImageOps

FORMATS = ("JPEG", "PNG", "WEBP", "AVIF", "GIF", "TIFF", "BMP")
Image.MAX_IMAGE_PIXELS = 100_000_000  # Pillow refuses twice as many


def decode(photo: str | Path | BinaryIO) -> np.ndarray:
    """Return (H, W, 3) uint8 RGB by the rules of the contract; an OSError or ValueError if it is no whole photo."""
    picture = ImageOps.exif_transpose(Image.open(photo, formats=FORMATS))
    profile = picture.info.get("icc_profile")
    if picture.mode[0] in "IF":  # deep grey
        levels = np.nan_to_num(np.asarray(picture).astype(np.float64))
        shallow = levels.max() <= (1 if picture.mode == "F" else 255)
        scale = {"I": 1 if shallow else 1 / 257, "F": 255 if shallow else 1}.get(picture.mode, 1 / 257)
        picture = Image.fromarray(np.rint((levels * scale).clip(0, 255)).astype(np.uint8))
    if not picture.has_transparency_data:
        return np.asarray(srgb(picture, profile))
    full, canvas = picture.convert("RGBA"), Image.new("RGB", picture.size, "white")
    colours = picture.convert("L") if picture.mode == "LA" else full.convert("RGB")
    canvas.paste(srgb(colours, profile), mask=full.getchannel("A"))
    return np.asarray(canvas)


def srgb(picture: Image.Image, profile: bytes | None) -> Image.Image:
    """Return the picture in sRGB, by its embedded profile if that can be followed."""
    picture = picture if picture.mode in ("L", "RGB", "CMYK") else picture.convert("RGB")
    try:
        source = ImageCms.ImageCmsProfile(io.BytesIO(profile or b""))
        return ImageCms.profileToProfile(picture, source, ImageCms.createProfile("sRGB"), outputMode="RGB") or picture
    except (OSError, ValueError, ImageCms.PyCMSError):  # none, damaged, or one for other modes
        return picture.convert("RGB")


def open_model(bundle: Path) -> ort.InferenceSession:
    """Return model.onnx opened, if it is as bundle.json says that it was exported; any exception if it is not."""
    if not all((bundle / name).is_file() for name in ("bundle.json", "model.onnx")):
        raise ValueError("bundle.json or model.onnx is missing, or no regular file")
    record, content = json.loads((bundle / "bundle.json").read_bytes()), (bundle / "model.onnx").read_bytes()
    if hashlib.sha256(content).hexdigest() != record["model"]["sha256"]:
        raise ValueError("model.onnx is damaged: its digest is not the one in bundle.json")
    return ort.InferenceSession(content)  # the very bytes that were compared


def answer(session: ort.InferenceSession, image: np.ndarray, top: int = 3) -> dict[str, Any]:
    """Return every output of the graph for one photo by its name, and `top`: the best classes with probabilities."""
    names = [output.name for output in session.get_outputs()]
    values = {name: value[0] for name, value in zip(names, session.run(names, {"image": image[None]}), strict=True)}
    if "value" in values:
        return values
    classes = json.loads(session.get_modelmeta().custom_metadata_map["visionft.classes"])
    best = np.argsort(-values["probabilities"], kind="stable")[:top]
    return values | {"top": [(classes[i], round(float(values["probabilities"][i]), 4)) for i in best]}


if __name__ == "__main__":
    try:
        model = open_model(Path(sys.argv[1]))
    except Exception as fault:  # noqa: BLE001 - onnxruntime's errors have no common ancestor
        sys.exit(f"{sys.argv[1]} is no whole bundle ({' '.join(str(fault).split())}): copy it again or export it again")
    for name in sys.argv[2:]:
        try:
            told = answer(model, decode(name))
        except Exception as fault:  # noqa: BLE001 - Pillow's readers fail in many ways
            sys.exit(f"{name} is no photo that can be read ({fault}): give JPEG, PNG, WebP, AVIF, GIF, TIFF or BMP")
        number = [float(told["value"])] if "value" in told else None
        print(name, *(number or ["unknown" if told["unknown"] else told["label"], told["top"]]), sep="  ")
