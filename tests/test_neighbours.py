"""Neighbours: mutated copies that tell gold from near misses and never fail what means the same."""

import json
import shutil
import sqlite3
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from random import Random

import pytest
from typer.testing import CliRunner

from text2sql.cli import app
from text2sql.data.catalog import DataSet, find_dataset
from text2sql.data.neighbours import Settings, make_neighbours
from text2sql.data.neighbours.copies import settle
from text2sql.data.neighbours.demands import Demand, read_demands
from text2sql.data.neighbours.determinacy import Orders
from text2sql.data.neighbours.mutants import KINDS, draw_mutants
from text2sql.data.neighbours.profiles import Content, Profile, describe_column, read_profile
from text2sql.data.neighbours.queries import Query, read_query
from text2sql.data.neighbours.repair import repair, undetermined
from text2sql.data.neighbours.rewritings import REWRITINGS, rewrite
from text2sql.data.neighbours.rows import draw_content
from text2sql.data.neighbours.values import Cells, around, group_sizes
from text2sql.data.neighbours.witnesses import plant
from text2sql.errors import DatabaseError, DataError, Interrupted, OutputError, SettingsError
from text2sql.scoring.results import same_rows

DDL = """
CREATE TABLE port (code TEXT PRIMARY KEY, city TEXT NOT NULL, depth REAL CHECK (depth > 0));
CREATE TABLE crew (
    id INTEGER PRIMARY KEY, name TEXT, age INTEGER, hired TEXT, port TEXT REFERENCES port (code)
);
CREATE UNIQUE INDEX once ON crew (name, hired);
INSERT INTO port VALUES ('A1', 'Bergen', 12.5), ('B2', 'Oslo', 9.0), ('C3', 'Turku', 7.25);
INSERT INTO crew VALUES (1, 'Ada', 31, '2019-03-01', 'A1'), (2, 'Bo', 25, '2020-07-15', 'A1'),
    (3, 'Cy', 44, '2018-01-30', 'B2'), (4, 'Di', 25, '2021-11-02', 'B2');
"""
GOLDS = (
    "SELECT name FROM crew WHERE age > 30",
    "SELECT name FROM crew WHERE age = 70 AND name LIKE '%ad%'",
    "SELECT name FROM crew ORDER BY age LIMIT 1",
    "SELECT T2.city, count(*) FROM crew AS T1 JOIN port AS T2 ON T1.port = T2.code"
    ' WHERE T2.city != "Rome" GROUP BY T2.code ORDER BY count(*) DESC LIMIT 1',
    "SELECT city FROM port EXCEPT SELECT T2.city FROM crew AS T1 JOIN port AS T2"
    " ON T1.port = T2.code WHERE T1.age BETWEEN 20 AND 30",
    "SELECT avg(depth) FROM port",
)


SMALL = Settings(k=1, breadth=1, mutants=4)


@pytest.fixture
def dataset(tmp_path: Path) -> DataSet:
    return build(tmp_path)


def build(folder: Path) -> DataSet:
    place = folder / "harbour"
    database = place / "database" / "harbour"
    database.mkdir(parents=True)
    with closing(sqlite3.connect(database / "harbour.sqlite")) as connection:
        connection.executescript(DDL)
    records = [{"question": "?", "query": sql, "db_id": "harbour"} for sql in GOLDS]
    (place / "dev.json").write_text(json.dumps(records))
    return find_dataset(str(place))


@pytest.fixture(scope="module")
def suite(tmp_path_factory: pytest.TempPathFactory) -> dict:
    """Return the record of a suite of several neighbours; `files` has their paths."""
    folder = tmp_path_factory.mktemp("suite")
    made = make_neighbours(build(folder), folder / "out", settings=Settings(k=4, mutants=16))
    files = sorted((folder / "out" / "harbour").glob("*_neighbour_*.sqlite"))
    return made["databases"]["harbour"] | {"files": files}


@pytest.fixture
def profile(dataset: DataSet) -> Profile:
    return read_profile(original(dataset))


@pytest.fixture
def queries(dataset: DataSet) -> list[Query]:
    return [read_query(sql, dataset.schema("harbour")) for sql in GOLDS]


def original(dataset: DataSet) -> Path:
    path = dataset.database("harbour").path
    assert path is not None
    return path


def rows_of(profile: Profile) -> Content:
    return {table.name: list(table.rows) for table in profile.tables.values()}


def run(path: Path, sql: str) -> list[tuple]:
    with closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True)) as connection:
        return connection.execute(sql).fetchall()


def test_a_suite_keeps_schema_keys_and_storage_classes(suite, dataset):
    schema = "SELECT sql FROM sqlite_master ORDER BY rowid"

    assert [file.name for file in suite["files"]] == [each["file"] for each in suite["neighbours"]]
    for file in suite["files"]:
        assert run(file, schema) == run(original(dataset), schema)
        assert run(file, "PRAGMA foreign_key_check") == []
        assert run(file, "PRAGMA integrity_check") == [("ok",)]
        assert run(file, "SELECT * FROM port WHERE city IS NULL OR code IS NULL") == []
        assert run(file, "SELECT * FROM crew WHERE typeof(age) NOT IN ('integer', 'null')") == []
        assert run(file, "SELECT * FROM crew WHERE hired NOT LIKE '____-__-__'") == []


def test_the_original_is_copied_byte_for_byte_and_not_touched(dataset, tmp_path):
    before = original(dataset).read_bytes()
    make_neighbours(dataset, tmp_path / "out", settings=SMALL)

    assert original(dataset).read_bytes() == before
    assert (tmp_path / "out" / "harbour" / "harbour.sqlite").read_bytes() == before


def test_the_same_seed_gives_the_same_bytes_and_another_seed_others(dataset, tmp_path):
    hashes = []
    for name, seed in (("a", 0), ("b", 0), ("c", 1)):
        made = make_neighbours(dataset, tmp_path / name, settings=replace(SMALL, seed=seed))
        hashes.append([each["sha256"] for each in made["databases"]["harbour"]["neighbours"]])

    assert hashes[0] == hashes[1] != hashes[2]


def test_gold_that_finds_nothing_on_the_original_finds_rows_on_a_neighbour(suite, dataset):
    assert run(original(dataset), GOLDS[1]) == []
    assert any(run(file, GOLDS[1]) for file in suite["files"])
    assert (suite["golds_empty_on_original"], suite["golds_empty_on_all"]) == (1, 0)


def test_neighbours_tell_more_mutants_than_the_original(suite):
    assert suite["told_by_original"] < suite["told"] <= suite["mutants"]
    assert suite["neighbours"][-1]["told"] == suite["told"]


def test_other_spellings_of_gold_agree_on_every_neighbour(suite, dataset):
    spelt = [(g, sql) for g in GOLDS for sql in rewrite(g, dataset.schema("harbour")).values()]
    for file in suite["files"]:
        for gold, sql in spelt:
            ordered = "order by" in gold.lower()
            assert same_rows(run(file, gold), run(file, sql), ordered=ordered), (sql, file.name)


def test_no_neighbour_has_a_tie_that_decides_a_gold(suite):
    youngest = "SELECT DISTINCT name FROM crew WHERE age IS (SELECT age FROM crew ORDER BY age)"

    assert all(len(run(file, youngest)) <= 1 for file in suite["files"])


def test_a_stopped_run_keeps_what_is_finished_and_resumes(dataset, tmp_path, monkeypatch):
    shutil.copytree(original(dataset).parent, dataset.folder / "database" / "second")
    (dataset.folder / "database/second/harbour.sqlite").rename(
        dataset.folder / "database/second/second.sqlite"
    )
    records = [{"question": "?", "query": GOLDS[0], "db_id": i} for i in ("harbour", "second")]
    (dataset.folder / "dev.json").write_text(json.dumps(records))
    both = find_dataset(str(dataset.folder))

    def interrupt(text: str) -> None:
        raise KeyboardInterrupt

    with pytest.raises(Interrupted, match="--resume"):
        make_neighbours(both, tmp_path / "out", settings=SMALL, workers=1, note=interrupt)
    notes: list[str] = []
    make_neighbours(both, tmp_path / "out", settings=SMALL, resume=True, note=notes.append)
    whole = make_neighbours(both, tmp_path / "whole", settings=SMALL)

    assert len(notes) == 1 and notes[0].startswith("2/2 second")
    assert json.loads((tmp_path / "out" / "neighbours.json").read_text()) == whole


def test_a_database_that_is_not_there_is_skipped_unless_all_are_missing(dataset, tmp_path):
    lost = replace(dataset.examples[0], db_id="gone")
    made = make_neighbours(
        replace(dataset, examples=[lost, *dataset.examples]), tmp_path / "out", settings=SMALL
    )

    assert [*made["databases"]] == ["harbour"]
    assert made["skipped"] == {"gone": {"reason": "no database file"}}
    with pytest.raises(DatabaseError, match="no database for db_id 'gone'"):
        make_neighbours(replace(dataset, examples=[lost]), tmp_path / "none", settings=SMALL)


def test_another_seed_cannot_continue_a_run(dataset, tmp_path):
    make_neighbours(dataset, tmp_path / "out", settings=SMALL)
    with pytest.raises(OutputError, match="other settings"):
        make_neighbours(dataset, tmp_path / "out", settings=replace(SMALL, seed=5), resume=True)


def test_duckdb_and_numbers_out_of_range_are_refused(dataset, tmp_path):
    with pytest.raises(DataError, match="SQLite"):
        make_neighbours(find_dataset("samples-duckdb"), tmp_path / "out")
    with pytest.raises(SettingsError, match="1 to 99"):
        make_neighbours(dataset, tmp_path / "out", settings=Settings(k=0))


def test_a_tie_at_the_limit_is_not_determined_and_repaired(profile, queries):
    content, youngest = rows_of(profile), queries[2]  # Bo and Di are both 25
    repaired = repair(profile, content, [youngest], {}, Random(0))

    assert undetermined(profile, content, [youngest]) == [youngest]
    assert repaired is not None and undetermined(profile, repaired, [youngest]) == []


@pytest.mark.parametrize(
    ("sql", "determined"),
    [
        ("SELECT name FROM crew ORDER BY age", False),
        ("SELECT age FROM crew ORDER BY age", True),
        ("SELECT name FROM crew LIMIT 2", False),
        ("SELECT name, max(age) FROM crew", True),
        ("SELECT name, port FROM crew GROUP BY port", False),
        ("SELECT T2.city, count(*) FROM crew T1 JOIN port T2 ON T1.port = T2.code GROUP BY T2.code"
         " ORDER BY count(*) DESC LIMIT 1", False),
        ("SELECT id FROM crew WHERE port IN (SELECT code FROM port ORDER BY depth LIMIT 2)", False),
        ("SELECT id FROM crew WHERE age = (SELECT age FROM crew ORDER BY age DESC LIMIT 1)", True),
        ("SELECT name FROM crew WHERE age > random()", False),
    ],
)  # fmt: skip
def test_a_query_is_determined_if_nothing_is_left_to_the_engine(profile, dataset, sql, determined):
    with Orders(profile, rows_of(profile)) as orders:
        assert orders.determined(read_query(sql, dataset.schema("harbour"))) == determined


def test_mutants_of_every_kind_run_and_none_is_the_query(profile, dataset, queries):
    kinds = set()
    for query in queries:
        drawn = draw_mutants(query, profile, count=60, random=Random(3))
        kinds |= {mutant.kind for mutant in drawn}
        assert query.tree is not None
        assert query.tree.sql("sqlite") not in {mutant.sql for mutant in drawn}
        assert len({mutant.sql for mutant in drawn}) == len(drawn)

    assert kinds == set(KINDS)


def test_held_out_mutants_are_others(profile, queries):
    first = draw_mutants(queries[0], profile, count=5, random=Random(0))
    known = frozenset(mutant.sql for mutant in first)
    rest = draw_mutants(queries[0], profile, count=5, random=Random(1), exclude=known)

    assert rest and not known & {mutant.sql for mutant in rest}


@pytest.mark.parametrize("name", REWRITINGS)
def test_a_rewriting_means_the_same_on_the_original(dataset, name):
    schema, path = dataset.schema("harbour"), original(dataset)
    golds = (*GOLDS, "SELECT name FROM crew WHERE age IN (25, 31) AND port = 'A1' OR NOT age > 40",
             "SELECT city FROM port UNION SELECT name FROM crew")  # fmt: skip
    spelt = [(gold, sql) for gold in golds if (sql := rewrite(gold, schema).get(name))]

    assert spelt
    for gold, sql in spelt:
        assert same_rows(run(path, gold), run(path, sql), ordered="order by" in gold.lower()), sql


def test_planted_rows_are_found(profile, queries):
    empty: Content = {"port": [], "crew": []}
    for query in (queries[0], queries[1], queries[4]):
        assert query.tree is not None
        content = settle(profile, plant(query.tree, empty, profile, Random(1)))
        with Orders(profile, content, shuffles=0) as orders:
            assert orders.rows(query.sql)


def test_settling_drops_what_breaks_a_key_a_check_or_a_pointer(profile):
    content: Content = {
        "port": [("A1", "Bergen", 1.0), ("A1", "Oslo", 2.0), ("B2", None, 3.0), ("C3", "X", -1.0)],
        "crew": [(1, "Ada", 30, None, "A1"), (2, "Bo", 30, None, "B2"), (1, "Cy", 3, None, "A1")],
    }
    settled = settle(profile, content)

    assert settled == {"port": [("A1", "Bergen", 1.0)], "crew": [(1, "Ada", 30, None, "A1")]}


def test_drawn_rows_stand_around_the_constants_of_gold(profile, queries):
    demands = read_demands(queries, profile)
    ages = {
        row[2] for seed in range(20) for row in draw_content(profile, demands, Random(seed))["crew"]
    }

    assert demands["crew", "age"].sorts and demands["crew", "port"].grouped
    assert demands["crew", "name"].patterns == ("%ad%",)
    assert {29, 30, 31, 69, 70, 71} <= ages


def test_values_keep_the_form_of_their_column():
    dates = describe_column("d", "TEXT", True, ["2020-02-28", "2021-01-01", "2019-05-05"])
    flags = describe_column("f", "INTEGER", True, [0, 1, 1, 0])
    codes = describe_column("n", "TEXT", True, ["007", "12", "30"])

    assert (dates.form, flags.closed, codes.form) == ("date", True, "number")
    assert around("2020-03-01", dates) == ["2020-03-01", "2020-02-29", "2020-03-02"]
    assert around(7, flags) == [] and around("abc", codes) == []
    assert around(12, codes) == ["12", "11", "13"]
    cells = Cells(flags, Demand(constants=(5,)), Random(0), edge=0.5, nulls=0.0)
    assert {cells.draw() for _ in range(50)} == {0, 1}


def test_group_sizes_differ_and_stand_around_what_gold_compares_with():
    sizes = group_sizes(30, (4,))

    assert {3, 4, 5} <= set(sizes) and len(set(sizes)) == len(sizes)


def test_keys_that_only_tables_json_knows_are_kept(data_root, tmp_path):
    spider = find_dataset("spider", data_root=data_root)
    path = spider.database("pets_1").path
    assert path is not None
    profile = read_profile(path, published=spider.published["pets_1"])
    content = settle(profile, draw_content(profile, {}, Random(0)))
    students = {row[0] for row in content["Student"]}

    assert profile.tables["Has_Pet"].links
    assert content["Has_Pet"] and {row[0] for row in content["Has_Pet"]} <= students


def test_the_command_writes_a_suite_and_says_what_it_made(dataset, tmp_path):
    output = tmp_path / "out"
    arguments = ["data", "neighbours", str(dataset.folder), "--output", str(output), "-k", "1"]
    result = CliRunner().invoke(app, arguments)

    assert result.exit_code == 0, result.output
    assert "told_by_original" in result.stdout and "1/1 harbour" in result.stderr
    assert (output / "harbour" / "harbour_neighbour_01.sqlite").exists()
