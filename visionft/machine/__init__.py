"""The machine that this process runs on: devices, memory, signals, processes, progress."""
