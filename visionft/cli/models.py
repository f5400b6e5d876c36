"""`visionft models`."""

from __future__ import annotations

from typing import Annotated, Any

from cyclopts import Parameter

from visionft.cli.output import Json, finish
from visionft.errors import UsageError

_COUNTED = 12  # building a model to count its parameters takes up to half a second


def models(
    pattern: Annotated[str, Parameter(help="Part of a name, such as mobilenet; * stands for anything.")] = "",
    /,
    *,
    limit: Annotated[int, Parameter(help="Most rows to print.")] = 40,
    as_json: Json = False,
) -> None:
    """List backbones with their licence and input size.

    Only backbones with pretrained weights are listed. Parameters are counted where at most 12 match.
    """
    if limit < 1:
        raise UsageError(f"--limit: {limit} is less than 1; give a whole number from 1")
    import timm

    from visionft.backbones import pico  # noqa: F401  # timm knows it from then on

    names = timm.list_pretrained(pattern if "*" in pattern else f"*{pattern}*")
    if not names:
        raise UsageError(
            f"no backbone with pretrained weights has {pattern} in its name; give a shorter part, such as mobilenet"
        )
    rows = [_row(name, count=len(names) <= _COUNTED) for name in names[:limit]]
    left = f"\n{len(names) - limit:,} more; give a longer name or --limit {len(names)}" if len(names) > limit else ""
    finish(
        _table(rows) + left,
        {"models": rows, "matches": len(names)},
        "fit",
        "PHOTOS",
        "--backbone",
        rows[0]["name"],
        as_json=as_json,
    )


def _row(name: str, count: bool) -> dict[str, Any]:
    import timm

    weights = timm.models.get_pretrained_cfg(name)
    size = weights.input_size[-1] if weights is not None else None
    licence = (weights.license if weights is not None else None) or "not stated"
    return {"name": name, "size": size, "licence": licence, "parameters": _parameters(name) if count else None}


def _parameters(name: str) -> int:
    import timm
    import torch

    with torch.device("meta"):
        model = timm.create_model(name, pretrained=False, num_classes=0)
    return sum(parameter.numel() for parameter in model.parameters())


def _table(rows: list[dict[str, Any]]) -> str:
    width = max(len(row["name"]) for row in rows)
    lines = [f"{'backbone':{width}}  {'pixels':>6}  {'params':>8}  licence of the weights"]
    for row in rows:
        count = f"{row['parameters'] / 1e6:.1f} M" if row["parameters"] else ""
        lines.append(f"{row['name']:{width}}  {row['size'] or '':>6}  {count:>8}  {row['licence']}")
    return "\n".join(lines)
