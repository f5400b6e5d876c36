"""What other tools call our settings: ultralytics, Hugging Face's Trainer, timm's scripts, fastai, Lightning, Keras.

On the command line, in YAML and in Python alike, such a name is answered with ours. A name of ours is never in here.
"""

from __future__ import annotations

_SAME = {
    "backbone": "model arch architecture net encoder model_name model_name_or_path base_model",
    "weights": "pretrained checkpoint initial_checkpoint ckpt",
    "from_run": "finetune_from start_from",
    "distill": "teacher teacher_model",
    "loss": "criterion loss_fn",
    "epochs": "epoch num_epochs n_epochs max_epochs num_train_epochs nb_epoch",
    "out": "output output_dir save_dir default_root_dir log_dir logdir logging_dir project name run_name experiment",
    "apply": "corrections suggestions",
    "seed": "random_state random_seed data_seed",
    "method.rank": "lora_r lora_rank r",
    "method.alpha": "lora_alpha",
    "method.dropout": "lora_dropout",
    "method.targets": "target_modules",
    "data.validation": "val val_split validation_split valid_pct val_size valid_size",
    "data.test": "test_split test_size",
    "data.cache": "cache_images cache_dataset",
    "data.label_column": "label_column_name target_column label_col",
    "data.path_column": "image_column image_column_name image_col",
    "preprocess.size": "imgsz img_size image_size input_size crop_size resolution image_resolution",
    "augment.strength": "aug auto_augment aa augmentation",
    "augment.flip": "hflip fliplr horizontal_flip do_flip",
    "augment.mixup": "mixup_alpha",
    "augment.cutmix": "cutmix_alpha",
    "optim.lr": "learning_rate lr0 base_lr lr_max init_lr",
    "optim.head_lr": "lr_head classifier_lr",
    "optim.layer_decay": "llrd layerwise_lr_decay",
    "optim.batch_size": "batch bs train_batch_size per_device_train_batch_size samples_per_gpu",
    "optim.weight_decay": "wd l2",
    "optim.warmup": "warmup_ratio",
    "optim.label_smoothing": "smoothing label_smoothing_factor",
    "optim.clip": "clip_grad max_grad_norm gradient_clip_val grad_clip clipnorm",
    "optim.ema": "model_ema model_ema_decay use_ema",
    "optim.patience": "early_stopping early_stopping_patience",
    "hardware.device": "gpu gpus accelerator cuda device_name",
    "hardware.precision": "fp16 bf16 amp half mixed_precision dtype",
    "hardware.workers": "num_workers dataloader_num_workers n_workers",
    "hardware.gradient_checkpointing": "grad_checkpointing use_gradient_checkpointing",
    "hardware.compile": "torch_compile torchcompile jit_compile",
}
"""Our setting, by its dotted path -> names of one that does the same in the same unit."""
_INSTEAD = {
    "photos are given without a flag, as the first word": (
        "data dataset data_dir data_path dataset_dir dataset_name train_dir train_data root imagefolder"
    ),
    "leave it out: the same command goes on with a run that was interrupted": (
        "resume resume_from_checkpoint ckpt_path auto_resume continue continue_training"
    ),
    "give --optim.batch-size, the photos of one step, and --optim.micro-batch, those of one pass": (
        "gradient_accumulation_steps accumulate_grad_batches grad_accum accumulate grad_accum_steps"
    ),
    "give --optim.warmup, the share of the steps in which the rate rises": (
        "warmup_epochs warmup_steps num_warmup_steps"
    ),
    "give --optim.lr, the rate itself: no batch size scales it": "blr",
    "leave it out: the classes are those of the photos": "num_classes nc n_classes num_labels",
    "leave it out: AdamW is what trains, and --optim.lr and --optim.weight-decay are its settings": (
        "optimizer opt optim_name opt_func momentum betas adam_beta1"
    ),
    "leave it out: the rate rises over --optim.warmup and falls along a cosine": (
        "scheduler sched cos_lr lr_scheduler lr_scheduler_type lrf decay_epochs lr_schedule"
    ),
    "give --method head, which trains the head alone, or --method gradual, which thaws the rest in phases": (
        "freeze freeze_backbone freeze_epochs linear_probe"
    ),
    "give --preprocess.mode pad, which fits the whole photo and fills the rest, squash or crop": (
        "letterbox rect keep_aspect_ratio crop_mode resize_mode resize_method"
    ),
    "give --method lora": "use_lora peft use_peft lora",
    "give --method qlora": "load_in_4bit load_in_8bit",
    "give --weights none": "no_pretrained from_scratch",
    "give --hardware.device cpu": "no_cuda use_cpu cpu force_cpu",
    "leave it out: fit evaluates at its end by itself": "do_train do_eval do_predict evaluation_strategy eval_strategy",
    "leave it out: the weights of the best epoch on validation are those that are kept": (
        "save_best load_best_model_at_end save_strategy save_period save_steps monitor metric_for_best_model"
    ),
    "leave it out: a finished run is never overwritten, and another --out makes another one": (
        "exist_ok overwrite overwrite_output_dir force"
    ),
    "leave it out: fit says all that it decides, and --quiet leaves the outcome": "verbose v verbosity log_level debug",
    "start several processes by `torchrun --nproc-per-node 2 -m visionft fit ...`": (
        "devices num_gpus n_gpu num_nodes strategy ddp distributed world_size"
    ),
    "give `visionft fit --log` with one or several of csv, tensorboard, mlflow and wandb": (
        "report_to log_wandb wandb tensorboard mlflow logger loggers tracker trackers"
    ),
    "in Python, visionft.fit takes listeners=[...] for it": "callbacks cbs",
}
"""What to do -> names of what is not a setting here."""

SAME = {name: path for path, names in _SAME.items() for name in names.split()}
"""A name elsewhere -> the dotted path of ours."""
INSTEAD = {name: advice for advice, names in _INSTEAD.items() for name in names.split()}
"""A name elsewhere -> what to do here, where no setting does the same."""


def plain(name: str) -> str:
    """Return a name as the tables have it: without dashes in front, with underscores inside."""
    return name.lstrip("-").replace("-", "_")
