"""Edits that leave a picture the same for people: what shops, phones and scrapers do to a photo."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from io import BytesIO

from PIL import Image, ImageDraw, ImageEnhance, ImageOps

Picture = Image.Image
WHITE, GREY = (255, 255, 255), (128, 128, 128)


def jpeg(picture: Picture, quality: int) -> Picture:
    """Store a picture as a JPEG and read it back."""
    file = BytesIO()
    picture.convert("RGB").save(file, "JPEG", quality=quality)
    return Image.open(BytesIO(file.getvalue())).convert("RGB")


def crop(picture: Picture, share: float = 0.2) -> Picture:
    """Cut off a share of the area."""
    width, height = (round(side * (1 - share) ** 0.5) for side in picture.size)
    left, top = (picture.width - width) // 3, (picture.height - height) // 2
    return picture.crop((left, top, left + width, top + height))


def watermark(picture: Picture) -> Picture:
    """Write three lines over a picture, half see-through."""
    marked = picture.copy()
    draw = ImageDraw.Draw(marked, "RGBA")
    for line in (0.2, 0.5, 0.8):
        place = (picture.width * 0.1, picture.height * line)
        draw.text(place, "SAMPLE SHOP", font_size=max(12, picture.width // 8), fill=(255, 255, 255, 140))
    return marked


def screenshot(picture: Picture) -> Picture:
    """Put a picture on the page of a shop."""
    width, height = picture.size
    page = Image.new("RGB", (round(width * 1.3), round(height * 1.4)), (245, 245, 245))
    page.paste(picture, (round(width * 0.15), round(height * 0.2)))
    draw = ImageDraw.Draw(page)
    draw.rectangle((0, 0, page.width, round(height * 0.08)), fill=(40, 40, 60))
    draw.text((10, 5), "shop.example  12:30", font_size=max(10, height // 25), fill=WHITE)
    draw.text((width * 0.15, height * 1.25), "Add to cart   9.99", font_size=max(12, height // 18), fill=(0, 0, 0))
    return page


def collage(picture: Picture, others: Sequence[Picture]) -> Picture:
    """Put a picture and three others into one."""
    width, height = picture.size
    sheet = Image.new("RGB", (width * 2, height * 2))
    for at, one in enumerate((picture, *others)):
        sheet.paste(one.resize((width, height)), (at % 2 * width, at // 2 * height))
    return sheet.resize((width, height))


def everything(picture: Picture) -> Picture:
    """Turn, crop, mirror, lighten, mark, shrink and store a picture again."""
    edited = watermark(brighter(ImageOps.mirror(crop(picture.rotate(5, fillcolor=GREY)))))
    return jpeg(edited.resize((picture.width * 2 // 3, picture.height * 2 // 3)), 40)


def brighter(picture: Picture) -> Picture:
    """Lighten a picture by two fifths."""
    return ImageEnhance.Brightness(picture).enhance(1.4)


EDITS: dict[str, Callable[[Picture], Picture]] = {
    "recompressed": lambda picture: jpeg(picture, 30),
    "resized": lambda picture: picture.resize((picture.width // 2, picture.height // 2)),
    "flipped": ImageOps.mirror,
    "cropped 20 %": crop,
    "rotated 5 degrees": lambda picture: picture.rotate(5, Image.Resampling.BICUBIC, fillcolor=WHITE),
    "brightness": brighter,
    "watermark": watermark,
    "grey": lambda picture: picture.convert("L").convert("RGB"),
    "border": lambda picture: ImageOps.expand(picture, round(0.08 * picture.width), WHITE),
    "screenshot": screenshot,
    "all at once": everything,
}
