"""Register a data set of one's own in the project, after checks.

    >>> added = register("mine", Path("pairs.jsonl"), project, database="shop", dev_share=0.1)
    >>> added.counts
    {'train': 412, 'dev': 46}

The examples are copied to `data/<name>/<split>.jsonl` beside text2sql.yaml, which gets an entry
`data: {<name>: ...}`; then `t2s train --data mine` and `t2s eval mine` take it.

Every gold runs on its database. A question that two splits ask about one database is a leak, and a
gold that fails makes the data set broken: both are refused, or left out on request. Examples that
say the same twice are left out; one question with several SQLs is reported.

Covered: JSON and JSON Lines of example records; with a database, records need no `db_id`.
Not covered: questions in other words (`t2s data dedup`), other data sets' (`t2s data
decontaminate`).
"""

import re
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from random import Random
from typing import Any

from text2sql.data.catalog import DATASETS, DataSet
from text2sql.data.checks import Finding, check_gold, runner
from text2sql.data.entries import add_data_entry
from text2sql.data.likeness import plain, plain_sql
from text2sql.data.writing import write_examples
from text2sql.databases import Database, hide_password
from text2sql.errors import DataError, OutputError, SettingsError
from text2sql.examples import Example, read_example
from text2sql.execution import Executor
from text2sql.project import FILE_NAME, Project, find_database
from text2sql.records import read_records

_NAME = re.compile(r"[\w][\w.-]*")
_SHOWN = 3  # examples of a fault in a message


@dataclass(frozen=True, slots=True)
class Added:
    """What was registered, and what the checks found."""

    name: str
    folder: Path
    counts: dict[str, int]  # examples of each split
    failing: list[Finding]
    empty: int  # golds that return no row
    repeated: int  # examples that another one says, word for word; left out
    leaks: list[tuple[str, str]]  # question, and the splits that ask it
    conflicts: list[str]  # questions with different SQL
    shared: list[str] = field(default_factory=list)  # databases of several splits

    def record(self) -> dict[str, Any]:
        """Return the account for `--json`."""
        failing = [asdict(finding) for finding in self.failing]
        return asdict(self) | {"folder": str(self.folder), "failing": failing}


def register(
    name: str,
    file: Path,
    project: Project,
    *,
    database: str | None = None,
    split: str = "train",
    dev_share: float = 0.0,
    drop: bool = False,
    overwrite: bool = False,
    seed: int = 0,
    timeout: float = 30.0,
    progress: Callable[[int, int], None] = lambda done, total: None,
) -> Added:
    """Check a file of examples and register it.

    Args:
        name: of the data set.
        file: JSON or JSON Lines.
        project: whose file gets the entry; without one it is made in the current folder.
        database: of all examples: a name in the project, a path or a URL without a password; None
            means that the records name theirs.
        split: of records that do not name theirs.
        dev_share: share of the `train` examples that become `dev`: all questions with one SQL stay
            together.
        drop: leave out golds that fail and what leaks from train, instead of refusing.
        overwrite: replace splits that are there.
        seed: of the choice of dev.
        timeout: seconds for one gold.
        progress: called with examples checked and examples in all.

    Raises:
        DataError: the file cannot be read, golds fail, or splits leak.
        SettingsError: the name is taken or no name, the share is none, or the URL holds a secret.
        OutputError: a split is there already.
    """
    if not _NAME.fullmatch(name) or name in DATASETS:
        why = "is the kit's own" if name in DATASETS else "is no name (letters, digits, _, - and .)"
        raise SettingsError(f"data set name {name!r} {why}")
    if not 0 <= dev_share < 1:
        raise SettingsError(f"the share of dev must be from 0 to below 1, not {dev_share:g}")
    where, entry = _database(database, project)
    examples = [replace(e, split=e.split or split) for e in read_pairs(file, where)]
    kept, repeated = _once(examples)
    if dev_share:
        kept = _divided(kept, dev_share, seed)
    folder = (project.path.parent if project.path else Path.cwd()) / "data" / name
    kept = [*_there(folder, {e.split for e in kept}, overwrite), *kept]
    dataset = DataSet(name, split, kept, file.parent, everywhere=where)
    failing, empty = _run(dataset, timeout, progress)
    leaks = _leaks(kept)
    if not drop:
        _refuse(failing, leaks)
    bad, leaked = {finding.index for finding in failing}, {question for question, _ in leaks}
    kept = [e for i, e in enumerate(kept) if i not in bad]
    kept = [e for e in kept if e.split != "train" or _asked(e) not in leaked]
    if not kept:
        raise DataError("no example is left that could be registered", file)
    path = {"path": f"data/{name}"} | ({"database": entry} if entry else {})
    add_data_entry(project.path or Path.cwd() / FILE_NAME, name, path)
    _write(dataset, kept, folder)
    homes = defaultdict(set)
    for example in kept:
        homes[example.db_id].add(example.split)
    shared = [db_id for db_id, splits in homes.items() if len(splits) > 1]
    counts = dict(Counter(str(e.split) for e in kept))
    return Added(name, folder, counts, failing, empty, repeated, leaks, _conflicts(kept), shared)


def read_pairs(file: Path, database: Database | None) -> list[Example]:
    """Return the examples of a file; where the database is given, records need no `db_id`.

    Raises:
        DataError: as `records.read_examples`.
    """
    given = {"db_id": Path(database.name).stem} if database else {}
    examples = []
    for index, (line, record) in enumerate(read_records(file)):
        try:
            examples.append(read_example(given | record, index))
        except DataError as error:
            raise DataError(str(error), file, line if line > 1 else None) from None
    return examples


def _database(text: str | None, project: Project) -> tuple[Database | None, str | None]:
    """Return a database, and how the project file names it."""
    if text is None:
        return None, None
    found = find_database(text, project=project)
    if text in project.databases:
        return found, text
    if found.path is not None:
        return found, str(found.path)
    if hide_password(found.url) != found.url:
        raise SettingsError(
            f"{found.shown} holds a password: name it under `databases:` of {FILE_NAME}"
            " (`url: env:NAME`) and give that name"
        )
    return found, found.url


def _once(examples: Iterable[Example]) -> tuple[list[Example], int]:
    """Return examples without those that say the same again, and how many those were."""
    seen: set[tuple[str, ...]] = set()
    kept: list[Example] = []
    examples = list(examples)
    for example in examples:
        said = (example.db_id, plain(example.question), plain_sql(example.query))
        if said not in seen:
            seen.add(said)
            kept.append(example)
    return kept, len(examples) - len(kept)


def _divided(examples: list[Example], share: float, seed: int) -> list[Example]:
    """Move a share of train to dev; questions with one SQL, and SQLs of one question, together."""
    groups: dict[str, str] = {}
    for example in examples:
        sql, asked = f"sql {example.db_id} {plain_sql(example.query)}", f"asked {_asked(example)}"
        first, second = _root(groups, sql), _root(groups, asked)
        groups[second] = first
    train = [e for e in examples if e.split == "train"]
    home = [_root(groups, f"asked {_asked(e)}") for e in train]
    sizes = Counter(home)
    chosen: set[str] = set()
    for group in Random(seed).sample(sorted(sizes), len(sizes)):
        if sum(sizes[each] for each in chosen) + sizes[group] <= round(share * len(train)):
            chosen.add(group)
    moved = {id(e) for e, group in zip(train, home, strict=True) if group in chosen}
    return [replace(e, split="dev") if id(e) in moved else e for e in examples]


def _root(groups: dict[str, str], name: str) -> str:
    while groups.setdefault(name, name) != name:
        name = groups[name]
    return name


def _asked(example: Example) -> str:
    return f"{example.db_id}: {plain(example.question)}"


def _there(folder: Path, splits: set[str | None], overwrite: bool) -> list[Example]:
    """Return the examples of splits that are there and stay."""
    kept = []
    for path in sorted(folder.glob("*.jsonl")):
        if path.stem not in splits:
            found = [read_example(record, i) for i, (_, record) in enumerate(read_records(path))]
            kept += [replace(example, split=path.stem) for example in found]
        elif not overwrite:
            raise OutputError(f"{path} exists: replace it with --overwrite, or name another split")
    return kept


def _run(
    dataset: DataSet, timeout: float, progress: Callable[[int, int], None]
) -> tuple[list[Finding], int]:
    numbered = [replace(example, index=i) for i, example in enumerate(dataset.examples)]
    total = len(numbered)
    with Executor(workers=2) as pool:
        run = runner(pool, timeout=timeout)
        check = check_gold(
            replace(dataset, examples=numbered), run, progress=lambda done: progress(done, total)
        )
    return check.unusable(), check.counts()["empty"]


def _leaks(examples: Sequence[Example]) -> list[tuple[str, str]]:
    """Return questions that several splits ask about one database."""
    splits = defaultdict(set)
    for example in examples:
        splits[_asked(example)].add(str(example.split))
    return [(asked, " and ".join(sorted(s))) for asked, s in splits.items() if len(s) > 1]


def _conflicts(examples: Sequence[Example]) -> list[str]:
    golds = defaultdict(set)
    for example in examples:
        golds[_asked(example)].add(plain_sql(example.query))
    return [asked for asked, sqls in golds.items() if len(sqls) > 1]


def _refuse(failing: Sequence[Finding], leaks: Sequence[tuple[str, str]]) -> None:
    if failing:
        shown = "; ".join(f"{finding.sql}: {finding.reason}" for finding in failing[:_SHOWN])
        raise DataError(f"{len(failing):,} golds cannot be used (--drop leaves them out): {shown}")
    if leaks:
        shown = "; ".join(f"{asked!r} ({splits})" for asked, splits in leaks[:_SHOWN])
        raise DataError(
            f"{len(leaks):,} questions are in several splits"
            f" (--drop leaves them out of train): {shown}"
        )


def _write(dataset: DataSet, examples: Sequence[Example], folder: Path) -> None:
    """Write each split; a relative path of a database becomes a full one on the way."""
    for split in sorted({str(example.split) for example in examples}):
        own = [example for example in examples if example.split == split]
        write_examples(folder / f"{split}.jsonl", replace(dataset, examples=own))
