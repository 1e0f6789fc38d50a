"""Published data sets, each as small files of our own in its form: found, read, run."""

import json
import sqlite3

import pytest

from text2sql.data.catalog import DATASETS, find_dataset
from text2sql.errors import DataError, UnknownName
from text2sql.execution import execute

ASKED = {"question": "How many pets?", "query": "SELECT count(*) FROM pets", "db_id": "zoo"}
RECORD = {
    "db_id": "zoo",
    "table_names_original": ["pets"],
    "table_names": ["pets"],
    "column_names_original": [[-1, "*"], [0, "PetID"], [0, "nm"]],
    "column_names": [[-1, "*"], [0, "pet id"], [0, "name"]],
    "column_types": ["text", "number", "text"],
    "primary_keys": [1],
    "foreign_keys": [],
}


def write(path, content):
    path.parent.mkdir(parents=True, exist_ok=True)
    text = content if isinstance(content, str) else json.dumps(content, ensure_ascii=False)
    path.write_text(text, encoding="utf-8")


def zoo(folder, db_id="zoo", pets=2):
    path = folder / db_id / f"{db_id}.sqlite"
    path.parent.mkdir(parents=True, exist_ok=True)
    with sqlite3.connect(path) as connection:
        connection.execute("CREATE TABLE pets (PetID INTEGER PRIMARY KEY, nm TEXT)")
        connection.executemany("INSERT INTO pets (nm) VALUES (?)", [("Rex",)] * pets)
    connection.close()


def rows(dataset, place=0):
    example = dataset.examples[place]
    return execute(example.query, dataset.database(example.db_id)).rows


@pytest.fixture
def spider(tmp_path):
    """Return a data root with a small Spider."""
    write(tmp_path / "spider" / "dev.json", [ASKED])
    write(tmp_path / "spider" / "tables.json", [RECORD])
    zoo(tmp_path / "spider" / "database")
    return tmp_path


def test_relatives_of_spider_ask_about_the_databases_of_spider(spider):
    syn = {"SpiderQuestion": "How many pets?", "SpiderSynQuestion": "How many animals?"}
    write(spider / "spider-syn" / "dev.json", [syn | {"db_id": "zoo", "query": ASKED["query"]}])
    write(spider / "spider-realistic" / "spider-realistic.json", [ASKED])
    found = find_dataset("spider-syn", split="dev", data_root=spider)
    realistic = find_dataset("spider-realistic", split="test", data_root=spider)

    assert found.examples[0].question == "How many animals?" and rows(found) == [(2,)]
    assert rows(realistic) == [(2,)] and realistic.schema("zoo").tables[0].name == "pets"


def test_the_test_split_of_spider_has_databases_and_schemas_of_its_own(spider):
    write(spider / "spider" / "test.json", [ASKED | {"db_id": "aquarium"}])
    write(spider / "spider" / "test_tables.json", [RECORD | {"db_id": "aquarium"}])
    zoo(spider / "spider" / "test_database", "aquarium", pets=5)
    found = find_dataset("spider", split="test", data_root=spider)

    assert rows(found) == [(5,)] and list(found.published) == ["aquarium"]
    assert rows(find_dataset("spider", split="dev", data_root=spider)) == [(2,)]


def test_spider_dk_has_three_databases_of_its_own(spider):
    write(spider / "spider-dk" / "Spider-DK.json", [ASKED, ASKED | {"db_id": "new_zoo"}])
    write(spider / "spider-dk" / "tables.json", [RECORD, RECORD | {"db_id": "new_zoo"}])
    zoo(spider / "spider-dk" / "database", "new_zoo", pets=3)
    found = find_dataset("spider-dk", split="test", data_root=spider)

    assert [rows(found, 0), rows(found, 1)] == [[(2,)], [(3,)]]


def test_cspider_is_chinese(spider):
    write(spider / "cspider" / "dev.json", [ASKED | {"question": "有多少宠物？"}])
    write(spider / "cspider" / "tables.json", [RECORD])
    (example,) = find_dataset("cspider", split="dev", data_root=spider).examples

    assert (example.question, example.language) == ("有多少宠物？", "zh")


def test_dr_spider_has_each_perturbation_before_and_after(spider):
    place = spider / "dr-spider" / "data" / "DB_schema_synonym"
    write(place / "questions_pre_perturbation.json", [ASKED])
    write(place / "questions_post_perturbation.json", [ASKED | {"db_id": "zoo_0"}])
    write(place / "tables_post_perturbation.json", [RECORD | {"db_id": "zoo_0"}])
    zoo(place / "database_post_perturbation", "zoo_0", pets=4)
    before = find_dataset("dr-spider", split="DB_schema_synonym_pre", data_root=spider)
    after = find_dataset("dr-spider", split="DB_schema_synonym", data_root=spider)

    assert rows(before) == [(2,)] and rows(after) == [(4,)]


def test_bird_has_evidence_and_says_what_columns_mean(tmp_path):
    asked = {"question": "?", "SQL": "SELECT nm FROM pets", "db_id": "zoo", "evidence": "nm = name"}
    write(tmp_path / "bird" / "dev" / "dev.json", [asked | {"difficulty": "simple"}])
    databases = tmp_path / "bird" / "dev" / "dev_databases"
    zoo(databases)
    csv = "original_column_name,column_name,column_description,data_format,value_description\n"
    csv += 'PetID,,"the unique\nnumber",integer,\n nm ,name,,text,"“Rex” is a dog"\n'
    path = databases / "zoo" / "database_description" / "Pets.csv"
    path.parent.mkdir()
    path.write_bytes(csv.encode("cp1252"))  # as published: some files are no UTF-8
    found = find_dataset("bird", split="dev", data_root=tmp_path)
    columns = found.schema("zoo").tables[0].columns

    assert found.examples[0].evidence == "nm = name" and len(rows(found)) == 2
    assert [c.comment for c in columns] == ["the unique number", "name; “Rex” is a dog"]


def test_a_description_without_names_is_broken(tmp_path):
    write(tmp_path / "dev.json", [ASKED])
    zoo(tmp_path / "dev_databases")
    write(tmp_path / "dev_databases" / "zoo" / "database_description" / "pets.csv", "a,b\n1,2\n")

    with pytest.raises(DataError, match=r"pets\.csv: .*original_column_name"):
        find_dataset(str(tmp_path)).schema("zoo")


def test_kaggle_dbqa_is_read_from_all_of_its_files_with_its_descriptions(tmp_path):
    folder = tmp_path / "kaggle-dbqa"
    for name in ("zoo", "park"):
        write(folder / "examples" / f"{name}_test.json", [ASKED | {"sql": {}, "db_id": name}])
        zoo(folder / "databases", name)
    said = {"column_descriptions": ["all", "number of the tag", ""]}
    write(folder / "KaggleDBQA_tables.json", [RECORD | said, RECORD | {"db_id": "park"}])
    found = find_dataset("kaggle-dbqa", split="test", data_root=tmp_path)

    assert [(e.index, e.db_id) for e in found.examples] == [(0, "park"), (1, "zoo")]
    assert [c.comment for c in found.schema("zoo").tables[0].columns] == ["number of the tag", None]


def test_archer_has_a_split_for_each_language(tmp_path):
    for language in ("en", "zh"):
        asked = ASKED | {"commonsense_knowledge": "", "reasoning_type": "+"}
        write(tmp_path / "archer" / f"{language}_data" / "dev.json", [asked])
    zoo(tmp_path / "archer" / "database")
    found = find_dataset("archer", split="dev_zh", data_root=tmp_path)

    assert found.examples[0].language == "zh" and rows(found) == [(2,)]
    assert found.examples[0].evidence is None


@pytest.fixture
def wikisql(tmp_path):
    table = {"id": "1-10-2", "header": ["City", "Goals (away)"], "types": ["text", "real"]}
    write(tmp_path / "wikisql" / "data" / "dev.tables.jsonl", table | {"rows": [["Bergen", 3]]})
    with sqlite3.connect(tmp_path / "wikisql" / "data" / "dev.db") as connection:
        connection.execute("CREATE TABLE table_1_10_2 (col0 text, col1 real)")
        connection.executemany(
            "INSERT INTO table_1_10_2 VALUES (?, ?)", [("bergen", 3), ("o's", 5)]
        )
    connection.close()
    return tmp_path


def test_wikisql_objects_are_sql_over_its_database(wikisql):
    conds = [[0, 0, "Bergen"], [1, 1, "about 2.5 goals"]]
    asked = [
        {
            "question": "How many?",
            "table_id": "1-10-2",
            "sql": {"sel": 1, "agg": 4, "conds": conds},
        },
        {
            "question": "?",
            "table_id": "1-10-2",
            "sql": {"sel": 0, "agg": 0, "conds": [[0, 0, "O's"]]},
        },
        {"question": "?", "table_id": "1-10-2", "sql": {"sel": 0, "agg": 3, "conds": []}},
    ]
    write(wikisql / "wikisql" / "data" / "dev.jsonl", "\n".join(map(json.dumps, asked)))
    found = find_dataset("wikisql", split="dev", data_root=wikisql)

    where = "col0 = 'bergen' AND col1 > 2.5"
    assert found.examples[0].query == f"SELECT SUM(col1) FROM table_1_10_2 WHERE {where}"
    assert [rows(found, place) for place in range(3)] == [[(3.0,)], [("o's",)], [(2,)]]
    assert [c.comment for c in found.schema("1-10-2").tables[0].columns] == ["City", "Goals (away)"]
    assert found.sample("1-10-2")(found.schema("1-10-2").tables[0], 1)


@pytest.mark.parametrize(
    ("record", "words"),
    [
        ({"question": "?", "table_id": "9-9"}, "no table '9-9'"),
        (
            {"question": "?", "table_id": "1-10-2", "sql": {"sel": 7, "agg": 0, "conds": []}},
            "'sql'",
        ),
        ({"question": "?", "table_id": "1-10-2"}, "'sql' must have"),
        ({"table_id": "1-10-2"}, "'question' must be text"),
    ],
)
def test_a_broken_object_of_wikisql_is_named_with_its_line(wikisql, record, words):
    good = {"question": "?", "table_id": "1-10-2", "sql": {"sel": 0, "agg": 0, "conds": []}}
    lines = "\n".join(map(json.dumps, [good, record]))
    write(wikisql / "wikisql" / "data" / "dev.jsonl", lines)

    with pytest.raises(DataError, match=rf"dev\.jsonl:2: .*{words}"):
        find_dataset("wikisql", split="dev", data_root=wikisql)


def test_sql_eval_has_a_split_for_each_dialect(tmp_path):
    header = "db_name,query_category,question,query"
    text = f'{header}\nzoo,count,How many?,"SELECT {{nm, PetID}} FROM pets"\n'
    write(tmp_path / "sql-eval" / "data" / "questions_gen_sqlite.csv", text)
    zoo(tmp_path / "sql-eval" / "database")
    found = find_dataset("sql-eval", split="sqlite", data_root=tmp_path)

    assert found.examples[0].dialect == "sqlite" and len(found.examples[0].queries) == 3
    assert len(rows(found)) == 2


@pytest.mark.parametrize("name", sorted(set(DATASETS) - {"samples", "samples-duckdb"}))
def test_a_data_set_that_is_not_there_says_where_it_belongs(name, tmp_path):
    with pytest.raises(DataError, match=rf"'{name}' is not there: .*t2s data get {name}"):
        find_dataset(name, split="dev", data_root=tmp_path)


def test_a_split_that_a_found_data_set_does_not_have_is_named(spider):
    write(spider / "archer" / "en_data" / "dev.json", [ASKED])
    with pytest.raises(UnknownName, match=r"no split 'test' in data set 'archer' .*known: dev"):
        find_dataset("archer", split="test", data_root=spider)
    with pytest.raises(DataError, match=r"splits there: dev, dev_zh|splits there: dev\)"):
        find_dataset(str(spider / "archer"), split="test")
