"""Parts of `training_throughput.py`: what is trained on, TRL's modes beside ours, and a GPU."""
