"""Train on shared rows under torchrun and save the weights: `test_prefix_sft` runs this twice.

torchrun --nproc_per_node 2 tests/two_processes.py OUTPUT PROCESSES
"""

import os
import sys
from pathlib import Path


def main(output: Path, processes: int) -> None:
    """Train three steps of 8 examples; the first process writes its weights."""
    os.environ["ACCELERATE_USE_CPU"] = "1"
    import torch
    from prefix_sft import GROUPS, trainer
    from safetensors.torch import save_file

    found = trainer(output / "checkpoints", GROUPS, world=processes, batch_size=8)
    assert found.args.world_size == processes, f"world size {found.args.world_size}"
    assert torch.distributed.is_initialized() == (processes > 1)
    found.train()
    if found.args.process_index == 0:
        weights = {n: p.detach().contiguous() for n, p in found.model.named_parameters()}
        save_file({n: p for n, p in weights.items() if "lora" in n}, output / "weights.safetensors")


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]))
