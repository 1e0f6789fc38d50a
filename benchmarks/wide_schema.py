"""What is left of a schema of 400 tables in a prompt, and how much of it do questions share?

Databases of a Spider split are put side by side into one schema, as a warehouse has them, and every
question of those databases is fitted into `--max-length` tokens (estimated from characters: real
tokenizers differ). Two ways: packs of the database with strays in the question's part, and
reduction by relevance for each question, which shares nothing.

    T2S_DATA=... python benchmarks/wide_schema.py [--tables 400] [--max-length 4096] [--limit N]

Recall is the share of questions whose gold finds every table, and every name, in what is left. The
last line is JSON.
"""

import argparse
import json
import time
from dataclasses import dataclass, replace
from datetime import date

from text2sql.bases import find_base
from text2sql.data.catalog import DataSet, find_dataset
from text2sql.decoding.verification import verify
from text2sql.prompting import Fitted, build_prompt, fit
from text2sql.prompting.budget import CHARACTERS_PER_TOKEN, count_tokens
from text2sql.reporting.tables import text_table
from text2sql.schema import canonicalise, prune
from text2sql.schema.model import Schema, Table

DAY = date(2026, 1, 1)
BASE = find_base("codellama-7b")


@dataclass
class Found:
    """What one way made of the questions."""

    questions: int = 0
    tables: int = 0
    names: int = 0
    tokens: int = 0
    shared: int = 0
    seconds: float = 0.0
    prefixes: set[str] | None = None

    def record(self) -> dict[str, float]:
        distinct = sum(len(text) for text in self.prefixes or ()) / CHARACTERS_PER_TOKEN
        after = self.tokens - self.shared + distinct
        return {
            "questions": self.questions,
            "table_recall": round(self.tables / self.questions, 4),
            "name_recall": round(self.names / self.questions, 4),
            "tokens": self.tokens,
            "tokens_after_sharing": round(after),
            "sharing_ratio": round(self.tokens / after, 2),
            "ms_per_question": round(1000 * self.seconds / self.questions, 1),
        }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--tables", type=int, default=400)
    parser.add_argument("--max-length", type=int, default=4096)
    parser.add_argument("--limit", type=int, default=400, help="questions, spread evenly")
    parser.add_argument("--split", default="train")
    options = parser.parse_args()
    dataset = find_dataset("spider", split=options.split)
    schema, kept = side_by_side(dataset, options.tables)
    asked = [e for e in dataset.examples if e.db_id in kept]
    asked = asked[:: max(1, len(asked) // options.limit)][: options.limit]
    print(f"{len(schema.tables)} tables of {len(kept)} databases, {len(asked)} questions")
    ways = {"packs": packed, "by relevance": pruned}
    found = {}
    for name, way in ways.items():
        found[name] = measure(way, schema, asked, dataset, options.max_length).record()
    keys = list(next(iter(found.values())))
    print(text_table(["way", *keys], [[n, *map(str, f.values())] for n, f in found.items()]))
    figures = {f"{name.split()[-1]}": values for name, values in found.items()}
    print(json.dumps({"tables": len(schema.tables), "max_length": options.max_length} | figures))


def side_by_side(dataset: DataSet, tables: int) -> tuple[Schema, set[str]]:
    """Join databases, each a namespace of its own, until there are enough tables."""
    joined: list[Table] = []
    kept = set()
    for db_id in dataset.db_ids():
        if len(joined) >= tables:
            break
        joined += (_moved(table, db_id) for table in dataset.schema(db_id).tables)
        kept.add(db_id)
    return Schema("warehouse", "postgres", tuple(joined)), kept


def _moved(table: Table, namespace: str | None) -> Table:
    keys = tuple(replace(key, namespace=namespace) for key in table.foreign_keys)
    return replace(table, namespace=namespace, foreign_keys=keys)


def own_part(schema: Schema, db_id: str) -> Schema:
    """Return what is left of one of the databases, as it stands in its own file."""
    tables = tuple(_moved(table, None) for table in schema.tables if table.namespace == db_id)
    return Schema(db_id, "sqlite", tables)


def packed(question: str, schema: Schema, max_length: int) -> Fitted:
    return fit(question, schema, base=BASE, tokenizer=None, max_length=max_length, today=DAY)


def pruned(question: str, schema: Schema, max_length: int) -> Fitted:
    settings = {"format": BASE.prompt_format, "style": BASE.style, "today": DAY}

    def build(part: Schema):
        return build_prompt(question, part, **settings)

    small = prune(schema, question, lambda part: count_tokens(build(part), None) <= max_length)
    return Fitted(build(small), small)


def measure(way, schema: Schema, asked, dataset: DataSet, max_length: int) -> Found:
    found = Found(prefixes=set())
    started = time.process_time()
    fitted = [way(example.question, schema, max_length) for example in asked]
    found.seconds = time.process_time() - started
    for example, result in zip(asked, fitted, strict=True):
        sql = canonicalise(example.query, dataset.schema(example.db_id))
        own = dataset.schema(example.db_id)
        if not verify(sql, own).valid:
            continue
        left = own_part(result.schema, example.db_id)
        found.questions += 1
        found.tables += not (used(sql, own) - {table.name.casefold() for table in left.tables})
        found.names += verify(sql, left).valid
        found.tokens += count_tokens(result.prompt, None)
        found.shared += round(len(result.prompt.shared_text) / CHARACTERS_PER_TOKEN)
        found.prefixes.add(result.prompt.shared_text)
    return found


def used(sql: str, schema: Schema) -> set[str]:
    """Return the tables of a schema that a query reads."""
    from sqlglot import exp, parse_one

    names = {
        table.name.casefold() for table in parse_one(sql, dialect="sqlite").find_all(exp.Table)
    }
    return names & {table.name.casefold() for table in schema.tables}


if __name__ == "__main__":
    main()
