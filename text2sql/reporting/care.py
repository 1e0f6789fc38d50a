"""What was taken out of a data set, with examples of it.

>>> print(deduplicated_table(result))
train: 6,991 of 7,000 examples stay, 9 are like an earlier one
  1.00  12 of book_2: 'How many books?' like 3: 'How many books?'
"""

from collections import Counter
from collections.abc import Sequence
from typing import Any

from text2sql.data.catalog import DataSet
from text2sql.data.decontamination import Overlap
from text2sql.data.deduplication import Deduplicated
from text2sql.examples import Example
from text2sql.reporting.tables import one_line

SHOWN = 10  # examples, of each kind


def deduplicated_table(result: Deduplicated) -> str:
    """Say how many examples stay, and show some of those that do not."""
    kept, removed = result.kept, result.removed
    total = len(kept.examples) + len(removed)
    lines = [
        f"{kept.name} {kept.split}: {len(kept.examples):,} of {total:,} examples stay,"
        f" {len(removed):,} are like an earlier one"
    ]
    for each in removed[:SHOWN]:
        own, other = _question(each.example), _question(each.like)
        where = f"{each.example.index} of {each.example.db_id}"
        lines.append(f"  {each.likeness:.2f}  {where}: {own} like {each.like.index}: {other}")
    if len(removed) > SHOWN:
        lines.append(f"  ... and {len(removed) - SHOWN:,} more (--json lists all)")
    return "\n".join(lines)


def deduplicated_record(result: Deduplicated) -> dict[str, Any]:
    """Return every removed example with the one that stays in its place."""
    removed = [
        {**_said(r.example), "like": _said(r.like), "likeness": round(r.likeness, 4)}
        for r in result.removed
    ]
    kept = result.kept
    about = {"dataset": kept.name, "split": kept.split, "kept": len(kept.examples)}
    return about | {"removed": removed}


def overlaps_table(train: DataSet, clean: DataSet, overlaps: Sequence[Overlap]) -> str:
    """Say how much of a training set evaluation sets have, by kind, with examples."""
    total = len(train.examples)
    lines = [
        f"{train.name} {train.split}: {len(clean.examples):,} of {total:,} examples are clean,"
        f" {total - len(clean.examples):,} overlap"
    ]
    counted = Counter((overlap.kind, overlap.against) for overlap in overlaps)
    for (kind, against), count in counted.most_common():
        lines.append(f"{count:,} by {kind} with {against}:")
        same = [o for o in overlaps if (o.kind, o.against) == (kind, against)]
        for each in same[:SHOWN]:
            own, other = _question(each.example), _question(each.other)
            where = f"{each.example.index} of {each.example.db_id}"
            there = f"{each.other.index} of {each.other.db_id}"
            lines.append(f"  {each.likeness:.2f}  {where}: {own}, there {there}: {other}")
        if count > SHOWN:
            lines.append(f"  ... and {count - SHOWN:,} more (--json lists all)")
    return "\n".join(lines)


def overlaps_record(train: DataSet, clean: DataSet, overlaps: Sequence[Overlap]) -> dict[str, Any]:
    """Return every overlap."""
    found = [
        {
            "kind": overlap.kind,
            "against": overlap.against,
            **_said(overlap.example),
            "other": _said(overlap.other),
            "likeness": round(overlap.likeness, 4),
        }
        for overlap in overlaps
    ]
    about = {"dataset": train.name, "split": train.split, "examples": len(train.examples)}
    return about | {"clean": len(clean.examples), "overlaps": found}


def _said(example: Example) -> dict[str, Any]:
    return {
        "index": example.index,
        "db_id": example.db_id,
        "question": example.question,
        "query": example.query,
    }


def _question(example: Example) -> str:
    return repr(one_line(example.question))
