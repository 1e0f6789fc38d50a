"""TRL's SFTTrainer on rows that share schemas.

    >>> rows = EpochRows(groups, Partition(batch_size=16, forwards=2), epochs=3, world=1)
    >>> trainer = PrefixTrainer(model=model, args=config, rows=rows, backend="merged", ...)
    >>> trainer.train()

An item of the data set is one forward pass of one process: a step has `forwards` of them, so that
`gradient_accumulation_steps` times the processes is that number and the batch size 1. What TRL does
with a batch of plain rows (the loss over the step's labels, its metrics, its token count, resuming)
it does with these: the model understands `reach`, and one method is overridden, for the loader.

Not covered: evaluation sets, more than one worker process.
"""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import torch
from datasets import Dataset
from torch.utils.data import DataLoader
from trl import SFTTrainer

from text2sql.training.rows import (
    Group,
    Partition,
    Row,
    build_row,
    fewest_forwards,
    partition,
)
from text2sql.training.sharing import batch_of, share


class EpochRows(torch.utils.data.Dataset):
    """The rows of an epoch; another epoch has the examples in other rows.

    Args:
        groups: schemas with their questions.
        how: how they become rows; `forwards` grows until no row is longer than `tokens`.
        epochs: that will be trained.
        world: processes.

    Raises:
        DataError: one question does not fit beside its schema.
    """

    def __init__(self, groups: Sequence[Group], how: Partition, *, epochs: int, world: int) -> None:
        self.groups, self.world = groups, world
        forwards = fewest_forwards(groups, how, epochs=epochs, world=world)
        self.how = replace(how, forwards=forwards)
        self.set_epoch(0)

    def set_epoch(self, epoch: int) -> None:
        """Cut the examples anew; the loader calls this, on a resumed run too."""
        self.parts = partition(self.groups, self.how, epoch=epoch)

    def __len__(self) -> int:
        return len(self.parts)

    def __getitem__(self, place: int) -> Row:
        return build_row(self.parts[place])


def collate(rows: Sequence[Row]) -> dict[str, torch.Tensor]:
    """Return the model's arguments, (1, length) each: a forward pass is one row."""
    (row,) = rows
    return {name: torch.tensor([values]) for name, values in batch_of(row).items()}


class PrefixTrainer(SFTTrainer):
    """SFTTrainer that reads rows from `EpochRows`.

    Args:
        rows: what to learn from.
        backend: of attention, as `choose_backend` found it.
        options: what SFTTrainer takes, without data set and collator.
    """

    def __init__(self, *, rows: EpochRows, backend: str, **options: Any) -> None:
        # TRL looks at the columns of a data set of its own kind; the rows come by the loader below
        columns = Dataset.from_list([{"input_ids": [0], "labels": [0]}])
        super().__init__(train_dataset=columns, data_collator=collate, **options)
        self.rows = rows
        share(self.model, backend)  # after TRL has put its own head on, which this one replaces

    def get_train_dataloader(self) -> DataLoader:
        """Return the loader: rows in their order, one a forward pass, dealt to the processes."""
        loader = DataLoader(self.rows, batch_size=1, shuffle=False, collate_fn=collate)
        prepared: DataLoader = self.accelerator.prepare(loader)
        return prepared
