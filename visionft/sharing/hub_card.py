"""README.md of a repository on the hub: what its page reads in YAML, how to call it, and the model card."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from huggingface_hub import EvalResult, ModelCardData

from visionft.bundle.schema import BundleRecord
from visionft.exporting.adapters.adapter_card import card as adapter_card
from visionft.exporting.markdown import inline
from visionft.exporting.model_card import assembled, class_list
from visionft.exporting.shipping import shipping_of
from visionft.runs import Run
from visionft.tasks.registry import spec_of
from visionft.tasks.spec import TaskSpec

TEST = "test"


def of_bundle(record: BundleRecord, repository: str) -> str:
    """Return the card of a bundle, which has one already, for the hub."""
    own = adapter_card(record) if record.adapters else shipping_of(record.task).card(record)
    figures = record.figures.get(TEST)
    return _on_hub(own, repository, spec_of(record.task), ["onnx"], figures if isinstance(figures, dict) else {})


def of_run(run: Run, repository: str, test: Mapping[str, Any]) -> str:
    """Return the card of a run.

    Args:
        run: finished.
        repository: `OWNER/NAME`.
        test: figures on its test photos; none: there are none.
    """
    spec, weights = spec_of(run.task), run.weights_source
    title = (
        f"# {inline(run.settings.backbone)}: {inline(str(len(run.classes) or 'any'))} {spec.answers}\n\n"
        f"A run of visionft, fine-tuned by the method {run.settings.method.name}: weights, records and figures, to "
        "predict with, go on from, or export."
    )
    measured = {"validation": run.result["val"], TEST: test}
    parts = {
        "Figures": "\n".join(f"- {name}: {line}" for name, line in _figures(measured, spec)),
        "Photos": "`splits.csv` has the names, labels and digests of those that it was trained, validated and tested "
        "on, so that a run that goes on from this one keeps them apart.",
        **({"Classes": class_list(run.classes.names)} if len(run.classes) else {}),
        "Licence and provenance": f"- Pretrained weights: {inline(str(weights.get('name')))}, licence: "
        f"{inline(str(weights.get('licence') or 'unknown'))}.\n- Data fingerprint: `{run.fingerprint}`.",
    }
    return _on_hub(assembled(title, parts), repository, spec, [], test)


def _figures(measured: Mapping[str, Mapping[str, Any]], spec: TaskSpec) -> Iterator[tuple[str, str]]:
    for name, values in measured.items():
        if (value := values.get(spec.score.name)) is not None:
            photos = f" on {values['n']:,} photos" if isinstance(values.get("n"), int) else ""
            yield name, f"{spec.score.spoken(float(value))}{photos}"


def _on_hub(own: str, repository: str, spec: TaskSpec, tags: Sequence[str], test: Mapping[str, Any]) -> str:
    """Put what the hub reads, and how it is called from there, before the card's own first heading."""
    title, _, rest = own.partition("\n")
    data = ModelCardData(
        library_name="visionft",
        pipeline_tag=spec.pipeline_tag,
        tags=["visionft", *tags],
        model_name=repository.partition("/")[2],
        eval_results=_results(spec, test),
    )
    call = (
        f"```bash\npip install visionft\nvisionft predict hf://{repository} photo.jpg\n```\n\n"
        f'```python\nimport visionft\n\nprint(visionft.predict("hf://{repository}", "photo.jpg"))\n```'
    )
    return f"---\n{data.to_yaml()}\n---\n\n{title}\n\n{call}\n{rest}"


def _results(spec: TaskSpec, test: Mapping[str, Any]) -> list[EvalResult] | None:
    value, tag = test.get(spec.score.name), spec.pipeline_tag
    if tag is None or not isinstance(value, int | float):
        return None
    name = {"top1": "accuracy"}.get(spec.score.name, spec.score.name)
    return [
        EvalResult(
            task_type=tag,
            dataset_type="imagefolder",
            dataset_name="photos of its owner",
            dataset_split=TEST,
            metric_type=name,
            metric_name=spec.score.words,
            metric_value=float(value),
        )
    ]
