"""Many runs of LoRA as adapters on one exported base."""
