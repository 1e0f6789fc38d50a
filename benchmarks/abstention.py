"""How often is a question refused that has an answer, and one that has none?

The doubts of `text2sql.question_doubts` are raised before a model reads the question, so no model
is needed. Three sets of questions come from a Spider split:

- `answerable`: each question on its own database. All have a gold query: a refusal is false.
- `dropped`: a column or table that gold needs and that the question names is taken out, with every
  other column and table whose name has that word, the cells with them. A refusal is right.
- `foreign`: each question on a database about something else. A refusal is right, but for the few
  that both databases can answer.

    T2S_DATA=... python benchmarks/abstention.py [--split train] [--limit 500] [--show]

`refused` is the share with a sure doubt (missing or ambiguous), after which a `Predictor` of a base
that points at names gives no rows; `doubted` has any doubt, which stands beside the answer. Word
lists were made on the databases of even place in the alphabet (`made_on`); `unseen` has the others.
Hardware: one CPU core, about two minutes. The last line is JSON.
"""

import argparse
import json
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import replace
from random import Random

from linker import read_gold

from text2sql.cells import DatabaseCells
from text2sql.data.catalog import DataSet, find_dataset
from text2sql.examples import Example
from text2sql.reporting.tables import text_table
from text2sql.schema.absence import GENERIC, missing
from text2sql.schema.ambiguity import ambiguous
from text2sql.schema.mentions import Linker, Value
from text2sql.schema.model import Schema
from text2sql.schema.words import stems
from text2sql.scoring.manifests import commit, libraries


class PartOfCells:
    """The cells of a database as far as a schema has their columns."""

    def __init__(self, cells: DatabaseCells, schema: Schema) -> None:
        self.cells = cells
        self.known = {(table.full_name, column.name) for table, column in schema.columns()}

    def get(self, key: str, default: Sequence[Value] = ()) -> Sequence[Value]:
        return self._kept(self.cells.get(key)) or default

    def near(self, text: str) -> Sequence[Value]:
        return self._kept(self.cells.near(text))

    def _kept(self, values: Sequence[Value]) -> list[Value]:
        return [value for value in values if (value.table, value.column) in self.known]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--split", default="train")
    parser.add_argument("--limit", type=int, help="questions, spread evenly")
    parser.add_argument("--show", action="store_true", help="print what is refused falsely")
    options = parser.parse_args()
    dataset = find_dataset("spider", split=options.split)
    examples = [e for e in dataset.examples if dataset.has_database(e.db_id)]
    if options.limit:
        examples = examples[:: max(1, len(examples) // options.limit)][: options.limit]
    figures = measure(dataset, examples, show=options.show)
    names = ("set", "databases", "questions", "refused", "doubted")
    rows = [(kind, half, *map(str, figures[kind][half].values())) for kind in figures
            for half in figures[kind]]  # fmt: skip
    print(text_table(names, rows))
    about = {"benchmark": "abstention", "split": options.split, "commit": commit()}
    print(json.dumps(about | {"libraries": libraries()} | figures))


def measure(dataset: DataSet, examples: Sequence[Example], *, show: bool) -> dict:
    """Return the shares of each set, by half of the databases."""
    counts: dict[tuple[str, str], Counter[str]] = {}
    made_on = sorted({example.db_id for example in examples})[::2]
    for kind, example, linker in cases(dataset, examples):
        half = "made_on" if example.db_id in made_on else "unseen"
        found = counts.setdefault((kind, half), Counter())
        lacking, choices = missing(example.question, linker), ambiguous(example.question, linker)
        refused = bool(choices) or any(each.sure for each in lacking)
        found.update(questions=1, refused=refused, doubted=bool(lacking or choices))
        if show and refused and kind == "answerable":
            print(example.db_id, example.question, [each.text for each in [*lacking, *choices]])
    return {
        kind: {half: shares(counts[kind, half]) for k, half in counts if k == kind}
        for kind in dict.fromkeys(kind for kind, _ in counts)
    }


def shares(counts: Counter[str]) -> dict[str, float]:
    whole = counts["questions"]
    return {"questions": whole} | {
        name: round(counts[name] / whole, 4) for name in ("refused", "doubted")
    }


def cases(dataset: DataSet, examples: Sequence[Example]) -> Iterator[tuple[str, Example, Linker]]:
    """Yield each question with the linker of the database that it is asked of, and the set."""
    random = Random(0)
    linkers = {db_id: linker_of(dataset, db_id) for db_id in {e.db_id for e in examples}}
    others = sorted(linkers)
    for example in examples:
        own = linkers[example.db_id]
        yield "answerable", example, own
        foreign = random.choice([d for d in others if stem_of(d) != stem_of(example.db_id)])
        yield "foreign", example, linkers[foreign]
        smaller = without(example, own.schema, random)
        if smaller is not None:
            cells = PartOfCells(dataset.cells(example.db_id), smaller)
            yield "dropped", example, Linker(smaller, cells, cells.near)


def stem_of(db_id: str) -> str:
    """Return what names of databases about one thing have in common: `flight_1`, `flight_2`."""
    return db_id.partition("_")[0]


def linker_of(dataset: DataSet, db_id: str) -> Linker:
    cells = dataset.cells(db_id)
    return Linker(dataset.schema(db_id), cells, cells.near)


def without(example: Example, schema: Schema, random: Random) -> Schema | None:
    """Return the schema without something that gold needs; None where the question names none."""
    gold = read_gold(example.query, schema)
    names = sorted({column for _, column in gold.columns} | gold.tables) if gold else []
    said = set(stems(example.question))
    told = [name for name in names if words_of(name) and words_of(name) <= said]
    if not told:
        return None
    gone = words_of(random.choice(told))
    tables = [
        replace(
            table,
            columns=tuple(c for c in table.columns if not gone & set(stems(c.name))),
            primary_key=(),
            foreign_keys=(),
        )
        for table in schema.tables
        if not gone & set(stems(table.name))
    ]
    kept = tuple(table for table in tables if table.columns)
    return replace(schema, tables=kept, name="smaller") if kept else None


def words_of(name: str) -> set[str]:
    """Return the words of a name that say what it is."""
    return {stem for stem in stems(name) if stem not in GENERIC}


if __name__ == "__main__":
    main()
