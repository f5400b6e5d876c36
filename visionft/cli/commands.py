"""The table of commands."""

from __future__ import annotations

COMMANDS = {
    "fit": ("visionft.cli.fit:fit", "Fine-tune on a folder of photos; evaluate the result."),
    "audit": ("visionft.cli.audit:audit", "Say what is wrong with photos, before training."),
    "review": ("visionft.cli.review:review", "Mend the labels of photos in a local page, the most doubtful first."),
    "select": ("visionft.cli.select:select", "Choose the photos of a folder that are most worth labelling."),
    "advise": ("visionft.cli.advise:advise", "Try every method for some steps, and recommend one."),
    "find-lr": ("visionft.cli.find_lr:find_lr", "Find a learning rate: where the loss falls fastest."),
    "evaluate": ("visionft.cli.evaluate:evaluate", "Measure a run or a bundle on photos with labels."),
    "explain": ("visionft.cli.explain:explain", "Show where a run looks on a photo."),
    "report": ("visionft.cli.report:report", "Write the page of a run again: figures, curves, confusions, photos."),
    "predict": ("visionft.cli.predict:predict", "Answer photos with a run, a bundle or an index."),
    "sweep": ("visionft.cli.sweep:sweep", "Make many fits over ranges and values of settings, and keep the best."),
    "index": ("visionft.cli.index:index", "Make an index of a catalogue for visual search, or bring it up to date."),
    "search": ("visionft.cli.search:search", "Find what in an index is near a photo, and say where it is not there."),
    "duplicates": (
        "visionft.cli.duplicates:duplicates",
        "Find copies and look-alikes among all photos of an index.",
    ),
    "export": (
        "visionft.cli.export:export",
        "Write the bundle that is deployed, after checking that it answers like the run.",
    ),
    "serve": (
        "visionft.cli.serve:serve",
        "Serve a bundle over HTTP: photo files, the Open Inference Protocol, a page, figures.",
    ),
    "push": ("visionft.cli.push:push", "Push a run or a bundle to the Hugging Face hub, with a model card."),
    "blend": (
        "visionft.cli.blend:blend",
        "Make a new run between a run's start and its end, which forgets less (WiSE-FT).",
    ),
    "add-class": ("visionft.cli.add_class:add_class", "Add a class to a run of prototypes, from a few photos."),
    "compare": ("visionft.cli.compare:compare", "Say which photos change their answer from one bundle to another."),
    "check": (
        "visionft.cli.check:check",
        "Say whether every file of a run or a bundle is still as it was written.",
    ),
    "runs": ("visionft.cli.runs:runs", "List the runs of a folder, with their figures and the next command."),
    "models": ("visionft.cli.models:models", "List backbones with their licence and input size."),
    "settings": (
        "visionft.cli.settings:settings",
        "Print every setting of fit, or of another command, with its default and its meaning.",
    ),
    "cache": ("visionft.cli.cache:cache", "Print what is kept between runs, and where; empty it."),
    "completion": ("visionft.cli.completion:completion", "Print what completes commands and flags in a shell."),
    "demo": ("visionft.cli.demo:demo", "Go the whole way on photos that come with visionft, in a minute."),
    "doctor": ("visionft.cli.doctor:doctor", "Print what this machine has: versions, hardware, space."),
}
"""Name -> (where it is, what it does). A command's module is imported when it is called, so that help is quick."""
