"""How much of what a question needs does the linker mark?

Gold SQL of a Spider split says which columns, tables and values a question needs; the linker reads
the question, the schema and the cells of the database, as every prompt of a base that points does.

    T2S_DATA=... python benchmarks/linker.py [--split train] [--limit 500] [--show 20]
    python benchmarks/linker.py --data samples --language en

- `questions_with_all_columns`: all needed columns are marked. Join keys are not needed: keys of a
  table in ON, in a comparison with a subquery, in GROUP BY, or counted.
- `questions_with_everything`: all needed columns and values are: what a base that only copies can
  answer without a guess.
- `columns`, `tables`: marked ones among the needed; a column marks its table.
- `values`: gold's constants (LIMIT 1 and LIKE's % apart) among the values that were found, letter
  by letter; `values_with_column`: those compared with a column that is marked beside the value.
- `ms_per_question`: of processor time, cells looked up in the file of the index.
- `marks`: pointers behind a mention in the mean; `marks_a_question`; `precision`: marked columns
  that gold uses, keys among them.

Development happens on `train`; `--split dev` is for the final figure alone. Hardware: one CPU core,
about a minute and a half, most of which sqlglot takes for gold. The last line is JSON.
"""

import argparse
import json
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from sqlglot import exp, parse_one
from sqlglot.errors import SqlglotError
from sqlglot.optimizer.qualify import qualify

from text2sql.data.catalog import DataSet, find_dataset
from text2sql.reporting.tables import text_table
from text2sql.schema import canonicalise, sqlglot_schema
from text2sql.schema.mentions import Linker, Mention
from text2sql.schema.model import Schema
from text2sql.scoring.manifests import commit, libraries

Name = tuple[str, str]  # table and column, folded


@dataclass
class Gold:
    """What a query needs."""

    tables: set[str] = field(default_factory=set)
    columns: set[Name] = field(default_factory=set)  # without join keys
    every: set[Name] = field(default_factory=set)
    values: set[tuple[str, Name | None]] = field(default_factory=set)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--data", default="spider", help="spider or samples")
    parser.add_argument("--language", help="of the samples' questions: en or zh")
    parser.add_argument("--split", default="train")
    parser.add_argument("--limit", type=int, help="questions, spread evenly")
    parser.add_argument("--show", type=int, default=0, help="questions with something missed")
    options = parser.parse_args()
    dataset = find_dataset(options.data, split=options.split)
    examples = [e for e in dataset.examples if dataset.has_database(e.db_id)]
    if options.language:
        examples = [e for e in examples if e.language == options.language]
    if options.limit:
        examples = examples[:: max(1, len(examples) // options.limit)][: options.limit]
    figures = measure(dataset, examples, options.show)
    print(text_table(tuple(figures), [tuple(map(str, figures.values()))]))
    about = {
        "benchmark": "linker",
        "data": options.data,
        "split": options.split,
        "commit": commit(),
    }
    print(json.dumps(about | {"libraries": libraries()} | figures))


def measure(dataset: DataSet, examples: Sequence, show: int) -> dict[str, float]:
    """Compare mentions with gold, question by question."""
    linkers = {db_id: linker(dataset, db_id) for db_id in {e.db_id for e in examples}}
    counts, seconds = Counter[str](), 0.0
    for example in examples:
        gold = read_gold(example.query, dataset.schema(example.db_id))
        if gold is None:
            counts["unread"] += 1
            continue
        begun = time.process_time()
        mentions = linkers[example.db_id].mentions(example.question)
        seconds += time.process_time() - begun
        missed = compare(gold, mentions, counts)
        if missed and show:
            show -= 1
            print(f"{example.db_id}: {example.question}\n  {example.query}\n  missed {missed}")
    return summarise(counts) | {"ms_per_question": round(1000 * seconds / counts["questions"], 3)}


def linker(dataset: DataSet, db_id: str) -> Linker:
    """Return the linker of a database with its cells, which are read now."""
    cells = dataset.cells(db_id)
    assert cells is not None
    assert cells.index.unread is not None
    return Linker(dataset.schema(db_id), cells, cells.near)


def read_gold(sql: str, schema: Schema) -> Gold | None:
    """Return what a query needs; None where sqlglot does not read it."""
    try:
        tree = parse_one(canonicalise(sql, schema), dialect="sqlite")
        tree = qualify(
            tree,
            schema=sqlglot_schema(schema),
            dialect="sqlite",
            expand_stars=False,
            validate_qualify_columns=False,
            identify=False,
        )
    except SqlglotError:
        return None
    keys = {
        (table.full_name.casefold(), name.casefold())
        for table in schema.tables
        for name in (*table.primary_key, *(c for key in table.foreign_keys for c in key.columns))
    }
    gold = Gold()
    for column in tree.find_all(exp.Column):
        name = resolve(column)
        if name is None or not known(name, schema):
            continue
        gold.every.add(name)
        if not (joins(column) or (name in keys and links(column))):
            gold.columns.add(name)
    gold.tables = {
        t.name.casefold() for t in tree.find_all(exp.Table) if schema.table(t.name) is not None
    }
    gold.values = set(constants(tree))
    return gold


def known(name: Name, schema: Schema) -> bool:
    table = schema.table(name[0])
    return table is not None and table.column(name[1]) is not None


def resolve(column: exp.Column) -> Name | None:
    """Return the stored table and column that a column of the tree stands for."""
    node: exp.Expr | None = column
    while node is not None:
        if isinstance(node, exp.Select):
            sources = [node.args.get("from_"), *(node.args.get("joins") or ())]
            for source in (s.this for s in sources if s is not None):
                if source.alias_or_name.casefold() == column.table.casefold():
                    if isinstance(source, exp.Table):
                        return source.name.casefold(), column.name.casefold()
                    return None  # what its subquery needs is counted there
        node = node.parent
    return None


def joins(column: exp.Column) -> bool:
    """Tell whether a column stands in ON beside a column of another table."""
    equal = column.find_ancestor(exp.EQ)
    if equal is None or equal.find_ancestor(exp.Join) is None:
        return False
    inside = equal.find_ancestor(exp.Join, exp.Select)
    both = isinstance(equal.left, exp.Column) and isinstance(equal.right, exp.Column)
    return both and isinstance(inside, exp.Join)


def links(column: exp.Column) -> bool:
    """Tell whether a key only links: it is grouped by, counted, or compared with a subquery."""
    parent = column.parent
    if isinstance(parent, exp.Distinct):
        parent = parent.parent
    if isinstance(parent, exp.Group | exp.Count):
        return True
    if isinstance(parent, exp.In | exp.EQ):
        other = parent.args.get("query") or parent.args.get("expression")
        return isinstance(other, exp.Subquery | exp.Select | exp.Column)
    if isinstance(parent, exp.Alias):
        parent = parent.parent
    if isinstance(parent, exp.Select):  # a subquery's, or a set operation's, own key
        outer = parent.parent
        while isinstance(outer, exp.Subquery | exp.SetOperation):
            outer = outer.parent
        return isinstance(outer, exp.In | exp.EQ)
    return False


def constants(tree: exp.Expr) -> Iterator[tuple[str, Name | None]]:
    """Yield each constant as it is written, bare, with the column that it is compared with."""
    for literal in tree.find_all(exp.Literal):
        if isinstance(literal.parent, exp.Limit) and literal.this == "1":
            continue
        text = literal.this.strip("%") if literal.find_ancestor(exp.Like) else literal.this
        if not text or literal.find_ancestor(exp.Ordered):
            continue
        compared = literal.parent if isinstance(literal.parent, exp.Expr) else None
        column = compared.this if compared is not None else None
        yield text, resolve(column) if isinstance(column, exp.Column) else None


def compare(gold: Gold, mentions: Sequence[Mention], counts: Counter[str]) -> list[str]:
    """Count what is marked; return what is not."""
    marked = {(t.casefold(), c.casefold()) for m in mentions for t, c in m.columns}
    beside = {
        (bare(v.sql), (str(v.table).casefold(), str(v.column).casefold()))
        for m in mentions
        for v in m.values
    }
    marked |= {name for _, name in beside if name[0] != "none"}
    tables = {t.casefold() for m in mentions for t in m.tables} | {t for t, _ in marked}
    texts = {text for text, _ in beside}
    counts["questions"] += 1
    counts["complete"] += gold.columns <= marked
    counts["columns"] += len(gold.columns)
    counts["marked"] += len(gold.columns & marked)
    counts["tables"] += len(gold.tables)
    counts["marked_tables"] += len(gold.tables & tables)
    counts["values"] += len(gold.values)
    counts["found"] += sum(bare(text) in texts for text, _ in gold.values)
    placed = [(text, name) for text, name in gold.values if name is not None]
    counts["placed"] += len(placed)
    counts["found_placed"] += sum(bare(t) in texts and name in marked for t, name in placed)
    counts["mentions"] += len(mentions)
    counts["marks"] += sum(len(m.tables) + len(m.columns) + len(m.values) for m in mentions)
    counts["all_marked"] += len(marked)
    counts["used"] += len(marked & gold.every)
    names = [f"{t}.{c}" for t, c in sorted(gold.columns - marked)]
    missed = names + [repr(text) for text, _ in gold.values if bare(text) not in texts]
    counts["whole"] += not missed
    return missed


def bare(literal: str) -> str:
    """Return a constant without quotes; a number without needless zeros."""
    text = literal[1:-1].replace("''", "'").strip() if literal.startswith("'") else literal.strip()
    try:
        return f"{float(text):g}"
    except ValueError:
        return text


def summarise(counts: Counter[str]) -> dict[str, float]:
    """Return shares and means."""

    def share(part: str, whole: str) -> float:
        return round(counts[part] / max(1, counts[whole]), 4)

    return {
        "questions": counts["questions"],
        "gold_unread": counts["unread"],
        "questions_with_all_columns": share("complete", "questions"),
        "questions_with_everything": share("whole", "questions"),
        "columns": share("marked", "columns"),
        "tables": share("marked_tables", "tables"),
        "values": share("found", "values"),
        "values_with_column": share("found_placed", "placed"),
        "marks": round(counts["marks"] / max(1, counts["mentions"]), 2),
        "marks_a_question": round(counts["marks"] / max(1, counts["questions"]), 2),
        "precision": share("used", "all_marked"),
    }


if __name__ == "__main__":
    main()
