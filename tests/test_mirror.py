"""Tests lie where what they test lies, and no file's name means two things."""

from __future__ import annotations

from collections import defaultdict
from pathlib import Path

import pytest

TESTS = Path(__file__).resolve().parent
PACKAGE = TESTS.parent / "visionft"  # the sources; what is imported may be the installed wheel
LONG = 80
"""Lines from which a module has a test file of its own."""

NO_ROOM = {
    "benchmarks": "the scripts of benchmarks/",
    "examples": "the scripts of examples/",
    "export_folder": "the clients of export/",
    "odd_inputs": "awkward inputs through the whole package, and their documentation",
    "pretend": "the stand-in for a device that the tests bring",
}
"""Folders of tests that mirror no room, and what they test."""
CROSS_CUTTING = {
    "serving/server/test_long_bodies.py": "bodies of every kind, beside small requests",
    "cli/test_refused_early.py": "every command, before torch",
    "test_private_names.py": "all rooms",
    "test_kill_points.py": "a whole fit, killed at every point",
    "data/test_any_tree.py": "sources, splitting and accounts together",
    "evaluation/test_accounts.py": "every place where figures are told",
    "methods/test_frozen_below.py": "each method over each family of backbones",
    "methods/test_roles_trained.py": "each method through a training step",
    "photos/test_memory.py": "each decoder in a process of its own",
    "photos/test_reasons.py": "each reason, whichever decoder gives it",
    "photos/test_reduction.py": "each decoder that can reduce",
    "photos/test_table.py": "the decode table, over every decoder",
    "remote/test_s3.py": "every verb, against a server that speaks S3",
    "reporting/test_browser.py": "the page, in a browser",
    "reviewing/test_browser.py": "the page, in a browser",
    "runs/test_killed_early.py": "what several writers leave",
    "serving/server/test_adapted.py": "a whole server over adapters",
    "serving/server/test_fuzz.py": "a whole server",
    "serving/server/test_large.py": "a whole server",
    "serving/server/test_malformed.py": "a whole server",
    "serving/server/test_page.py": "the page, in a browser",
    "serving/server/test_pressure.py": "a whole server",
    "training/test_efficient.py": "a whole fit by each efficient method",
    "training/test_moved.py": "a whole fit on photos that moved",
    "training/test_obtainable.py": "what a fit refuses first",
    "training/test_reading_settled.py": "a fit and its continuation",
    "training/test_shapes.py": "from the fit to the bundle",
    "training/test_spoken.py": "what a fit says",
    "test_coming_from.py": "the page for those who come from other tools",
    "test_configs.py": "the published configurations",
    "test_damaged.py": "every file of a run and of a bundle",
    "test_dependencies.py": "imports against pyproject.toml",
    "test_docs.py": "the pages and their links",
    "test_docstring_shapes.py": "every public docstring",
    "test_installed.py": "the wheel",
    "test_kill.py": "a real process, killed and started again",
    "test_mirror.py": "this",
    "test_misuse.py": "every command",
    "test_notebook.py": "every object that shows itself",
    "test_public_names.py": "the package",
    "test_readme.py": "the README",
    "test_snippets.py": "every block of the README and of docs/",
    "test_too_large.py": "fit and export",
}
"""Test files of more than one module, and what holds them together."""
TESTED_THROUGH = {
    "advising/advice.py": "cli/test_advise.py",
    "advising/advise.py": "cli/test_advise.py",
    "advising/first_look.py": "advising/test_trials.py",
    "advising/timing.py": "advising/test_trials.py",
    "auditing/audit.py": "auditing/test_audit_photos.py",
    "auditing/measures.py": "auditing/test_audit_photos.py",
    "auditing/page.py": "auditing/test_audit_photos.py",
    "auditing/photo_features.py": "auditing/test_near_duplicates.py",
    "backbones/state_dict.py": "backbones/test_hub.py",
    "backbones/state_dict_keys.py": "backbones/test_weights.py",
    "backbones/trace.py": "backbones/test_weights.py",
    "bundle/prediction_files.py": "bundle/test_predictions.py",
    "bundle/prediction_rows.py": "bundle/test_predictions.py",
    "bundle/quantization_record.py": "exporting/quantization/test_gates.py",
    "data/dataset_errors.py": "data/test_prepare.py",
    "data/labels.py": "data/test_prepare.py",
    "data/loading/worker_init.py": "data/loading/test_dataloader.py",
    "data/sources/structure/folder_tree.py": "data/test_prepare.py",
    "data/sources/structure/interpretation.py": "data/sources/structure/test_choose.py",
    "data/sources/structure/split_folders.py": "data/splitting/test_draw.py",
    "data/sources/table_columns.py": "data/sources/test_parquet_rows.py",
    "data/splitting/minimum_per_class.py": "data/splitting/test_draw.py",
    "evaluation/evaluation.py": "evaluation/test_evaluate.py",
    "evaluation/seen_photos.py": "evaluation/test_evaluate.py",
    "exporting/adapters/adapter_card.py": "exporting/adapters/test_export_adapters.py",
    "exporting/adapters/adapter_files.py": "exporting/adapters/test_export_adapters.py",
    "exporting/adapters/adapter_graph.py": "exporting/adapters/test_int8_base.py",
    "exporting/adapters/adapter_parity.py": "exporting/adapters/test_export_adapters.py",
    "exporting/adapters/adapter_record.py": "exporting/adapters/test_export_adapters.py",
    "exporting/adapters/lora_runs.py": "exporting/adapters/test_export_adapters.py",
    "exporting/bundle_record.py": "exporting/test_export_bundle.py",
    "exporting/draft.py": "exporting/test_export_bundle.py",
    "exporting/model_card.py": "exporting/test_export_bundle.py",
    "exporting/postprocess_graph.py": "exporting/quantization/test_quantize.py",
    "exporting/quantization/accuracy.py": "exporting/quantization/test_quantize.py",
    "exporting/quantization/core_graph.py": "exporting/quantization/test_recipes.py",
    "exporting/quantization/recipe_search.py": "exporting/quantization/test_recipes.py",
    "exporting/reference_answers.py": "exporting/adapters/test_export_adapters.py",
    "exporting/stage_parity.py": "exporting/test_parity.py",
    "exporting/trained_model.py": "exporting/test_export_bundle.py",
    "files/digests.py": "export_folder/test_check.py",
    "files/verify_digests.py": "cli/test_check.py",
    "finishing/final_metrics.py": "training/test_train.py",
    "machine/worker_process.py": "serving/test_decode_process.py",
    "methods/forward_probe.py": "methods/test_target_modules.py",
    "methods/inject.py": "methods/test_lora.py",
    "methods/param_roles.py": "methods/test_param_groups.py",
    "methods/visual_prompts.py": "methods/test_adaptformer.py",
    "metrics/results.py": "metrics/test_classification.py",
    "photos/avif.py": "photos/test_truncation.py",
    "photos/boxes.py": "photos/test_heic.py",
    "photos/colour.py": "photos/test_table.py",
    "photos/in_memory.py": "photos/test_photo_inputs.py",
    "photos/jpeg_quirks.py": "photos/test_jpeg.py",
    "photos/jpeg_scans.py": "photos/test_jpeg.py",
    "photos/jpeg_segments.py": "photos/test_decoder.py",
    "photos/tiff.py": "photos/test_memory.py",
    "photos/webp.py": "photos/test_truncation.py",
    "planning/resume.py": "training/test_reading_settled.py",
    "planning/run_records.py": "training/test_distillation.py",
    "planning/teacher.py": "training/test_distillation.py",
    "runs/learning.py": "training/test_train.py",
    "runs/lineage.py": "planning/test_continue_from.py",
    "runs/run_files.py": "runs/test_verify_run.py",
    "serving/bundle_comparison.py": "serving/test_compare_bundles.py",
    "serving/engine.py": "serving/test_pipeline.py",
    "serving/prediction_changes.py": "serving/test_compare_bundles.py",
    "serving/server/access_log.py": "serving/server/test_uvicorn_protocol.py",
    "serving/server/infer.py": "serving/server/test_request_body.py",
    "serving/server/service.py": "serving/server/test_asgi_app.py",
    "serving/server/tensors.py": "serving/server/test_request_body.py",
    "settings/data.py": "settings/test_parse.py",
    "settings/error_messages.py": "settings/test_applicability.py",
    "settings/fit.py": "settings/test_parse.py",
    "settings/method.py": "settings/test_parse.py",
    "settings/obstacles.py": "settings/test_applicability.py",
    "settings/training.py": "settings/test_parse.py",
    "settings/unused.py": "settings/test_applicability.py",
    "tasks/classification/labels.py": "data/test_prepare.py",
    "tasks/classification/learning.py": "training/test_train.py",
    "tasks/classification/shipping.py": "exporting/test_export_bundle.py",
    "sweeping/gather.py": "sweeping/test_work.py",
    "sweeping/sweep_charts.py": "sweeping/test_sweep_page.py",
    "training/frozen_features.py": "training/test_frozen_cache.py",
    "workflows/audit.py": "auditing/test_audit_photos.py",
    "workflows/evaluate.py": "test_workflows.py",
    "workflows/fit.py": "cli/test_fit.py",
    "workflows/predict.py": "cli/test_predict.py",
    "workflows/sweep.py": "sweeping/test_work.py",
}
"""Long modules without a test file of their own, and one that reaches each: a list that only gets shorter."""
SAME_MEANING = {
    "page": "the page of HTML that a room makes of its findings",
    "answers": "the part of a task: what it asks of one, and each task's own",
    "labels": "the part of a task: what it asks of one, and each task's own",
    "learning": "the part of a task: what it asks of one, and each task's own",
    "shipping": "the part of a task: what it asks of one, and each task's own",
    "spec": "the part of a task: what it asks of one, and each task's own",
    "advise": "the verb: asked for, its settings, carried out, and the work itself",
    "audit": "the verb: asked for, carried out, and the work itself",
    "blend": "the verb: asked for, and carried out",
    "check": "the verb: asked for, and carried out",
    "compare": "the verb: asked for, and carried out",
    "duplicates": "the verb: asked for, and carried out",
    "evaluate": "the verb: asked for, its settings, carried out, and the work itself",
    "export": "the verb: asked for, carried out, and its settings",
    "fit": "the verb: asked for, carried out, and its settings",
    "index": "the verb: asked for, its settings, carried out",
    "predict": "the verb: asked for, carried out, and its settings",
    "report": "the verb: asked for, and carried out",
    "review": "the verb: asked for, and carried out",
    "search": "the verb: asked for, its settings, carried out",
    "serve": "the verb: asked for, and its settings",
    "sweep": "the verb: asked for, its settings, carried out",
}
"""Names that several files have, and the one meaning."""


def mirroring() -> list[str]:
    """Return the test files, but for those that mirror no room."""
    found = (path.relative_to(TESTS) for path in TESTS.rglob("test_*.py"))
    return sorted(path.as_posix() for path in found if path.parts[0] not in NO_ROOM)


def modules() -> list[Path]:
    """Return every module, relative to the package."""
    return sorted(path.relative_to(PACKAGE) for path in PACKAGE.rglob("*.py") if path.name != "__init__.py")


def own_test_of(module: Path) -> Path:
    """Return where the tests of a module belong."""
    return TESTS / module.parent / f"test_{module.name}"


def module_of(test: str) -> Path:
    """Return the module, or the room, that a test file is named after."""
    path = Path(test)
    module = PACKAGE / path.parent / path.name.removeprefix("test_")
    return module if module.is_file() else module.with_suffix("") / "__init__.py"


@pytest.mark.parametrize("test", mirroring())
def test_each_test_file_has_its_module_or_a_reason(test: str) -> None:
    assert module_of(test).is_file() != (test in CROSS_CUTTING), f"{test}: name it after its module, or say why not"


def test_each_long_module_has_its_test_file_or_is_listed() -> None:
    long = [module for module in modules() if len((PACKAGE / module).read_text().splitlines()) > LONG]
    without = {module.as_posix() for module in long if not own_test_of(module).is_file()}
    assert sorted(without - set(TESTED_THROUGH)) == [], "give these a test file"
    # One that got its file, or became short, leaves the list.
    assert [module for module in TESTED_THROUGH if own_test_of(Path(module)).is_file()] == []
    assert [module for module in TESTED_THROUGH if not (PACKAGE / module).is_file()] == []


def test_every_listed_test_file_is_there() -> None:
    listed = [*CROSS_CUTTING, *TESTED_THROUGH.values()]
    assert [test for test in listed if not (TESTS / test).is_file()] == []
    assert [folder for folder in NO_ROOM if not (TESTS / folder).is_dir() or (PACKAGE / folder).is_dir()] == []


def test_no_name_of_a_file_means_two_things() -> None:
    places = defaultdict(list)
    for module in modules():
        places[module.stem].append(module.as_posix())
    shared = {name: found for name, found in places.items() if len(found) > 1}
    assert {name: found for name, found in shared.items() if name not in SAME_MEANING} == {}
    assert sorted(SAME_MEANING.keys() - shared) == []
