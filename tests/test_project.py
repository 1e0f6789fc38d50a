"""text2sql.yaml: named databases, overlays, data sets, defaults, and what is wrong with them."""

from pathlib import Path

import pytest
from odd_schema import build

from text2sql.errors import DatabaseError, SettingsError, UnknownName
from text2sql.project import Project, choose_model, find_database, load_project
from text2sql.schema import read_schema

TEXT = """\
databases:
  shop: db/shop.sqlite
  lake:
    url: duckdb:///db/lake.duckdb
    include: order*
    exclude: [big*]
    overlay:
      tables:
        order:
          description: what was bought
          columns:
            group: {synonyms: [kind], values: {1: yes, N: no}}
      relationships: ["order_line.order_id -> order.id"]
  warehouse:
    url: env:WAREHOUSE_URL
    overlay: overlays/warehouse.yaml
data:
  mine: {path: sets/mine, database: shop}
  spider: /data/spider
defaults:
  database: shop
  base: mini
  language: zh
"""


@pytest.fixture
def folder(tmp_path, monkeypatch) -> Path:
    for name in ("T2S_DATABASE", "WAREHOUSE_URL"):
        monkeypatch.delenv(name, raising=False)
    for name in ("db", "overlays", "deep/er"):
        (tmp_path / name).mkdir(parents=True)
    build("sqlite", tmp_path / "db" / "shop.sqlite")
    build("duckdb", tmp_path / "db" / "lake.duckdb")
    (tmp_path / "overlays" / "warehouse.yaml").write_text("tables: {客户: {description: who}}\n")
    (tmp_path / "text2sql.yaml").write_text(TEXT)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def wrong(folder: Path, text: str) -> str:
    """Return what is said of a project file."""
    (folder / "text2sql.yaml").write_text(text)
    with pytest.raises(SettingsError) as caught:
        load_project()
    assert "\n" not in str(caught.value)
    return str(caught.value).removeprefix(f"{folder}/")


def test_a_project_is_found_from_below_and_its_paths_are_its_folder_s(folder, monkeypatch):
    monkeypatch.chdir(folder / "deep" / "er")
    project = load_project()
    assert project.path == folder / "text2sql.yaml"
    assert project.database("shop").path == folder / "db" / "shop.sqlite"
    assert project.database("lake").path == folder / "db" / "lake.duckdb"
    assert project.data["mine"].path == str(folder / "sets" / "mine")
    assert project.data["spider"].path == "/data/spider"
    assert (project.defaults.base, project.defaults.language) == ("mini", "zh")


def test_a_project_is_read_from_a_file_or_its_folder(folder):
    assert load_project(folder) == load_project(folder / "text2sql.yaml") == load_project()


def test_without_a_file_the_project_is_empty(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert load_project() == Project()


@pytest.mark.parametrize("text", ["", "# nothing\n", "databases:\ndata:\n"])
def test_a_file_that_says_nothing_is_an_empty_project(folder, text):
    (folder / "text2sql.yaml").write_text(text)
    assert load_project().databases == {}


def test_patterns_and_overlay_of_a_database_reach_its_schema(folder):
    schema = read_schema(find_database("lake"))
    assert [t.name for t in schema.tables] == ["order", "order_line"]
    assert schema.name == "lake"
    assert schema.table("order").comment == "what was bought"
    group = schema.table("order").column("group")
    assert (group.synonyms, group.meanings) == (("kind",), (("1", "yes"), ("N", "no")))


def test_an_environment_variable_holds_the_url_and_a_file_the_overlay(folder, monkeypatch):
    monkeypatch.setenv("WAREHOUSE_URL", str(folder / "db" / "shop.sqlite"))
    schema = read_schema(find_database("warehouse"))
    assert schema.table("客户").comment == "who"


def test_a_variable_that_is_not_set_is_named(folder):
    with pytest.raises(DatabaseError, match=r"'warehouse' .* variable WAREHOUSE_URL, which is not"):
        find_database("warehouse")


def test_a_name_wins_over_a_file_and_paths_work_too(folder):
    build("duckdb", folder / "shop")
    assert find_database("shop").engine == "sqlite"
    assert find_database("./shop").engine == "duckdb"
    assert find_database(folder / "shop").engine == "duckdb"
    assert find_database("sqlite:///db/shop.sqlite").name == "shop"


def test_nothing_given_means_the_variable_then_the_default(folder, monkeypatch):
    assert find_database(None).name == find_database("").name == "shop"
    monkeypatch.setenv("T2S_DATABASE", "lake")
    assert find_database().name == "lake"
    assert find_database("shop").name == "shop"


def test_nothing_given_anywhere_says_how_to_give_one(folder):
    with pytest.raises(DatabaseError, match=r"use -d with a URL.* or set T2S_DATABASE"):
        find_database(None, project=Project())


def test_an_unknown_name_is_told_the_nearest(folder):
    with pytest.raises(UnknownName, match=r"no database 'shp' .*did you mean 'shop'"):
        find_database("shp")
    with pytest.raises(DatabaseError, match=r"cannot open database shp: no such file"):
        find_database("shp", project=Project())


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (
            "databases:\n  shop:\n    ulr: shop.db\n",
            "text2sql.yaml:3: unknown key 'databases.shop.ulr' (did you mean 'url'?",
        ),
        ("database: {}\n", "text2sql.yaml:1: unknown key 'database' (did you mean 'databases'?"),
        (
            "defaults:\n  bas: mini",
            "text2sql.yaml:2: unknown key 'defaults.bas' (did you mean 'base",
        ),
        ("databases:\n  shop:\n", "text2sql.yaml:2: key 'databases.shop.url' is missing"),
        ("databases: [a]", "text2sql.yaml:1: 'databases' should be a valid dictionary"),
        (
            "databases:\n  s:\n    url: x\n    overlay:\n      tables:\n        t: {colums: {}}",
            "text2sql.yaml:6: unknown key 'databases.s.overlay.tables.t.colums' (did you mean 'col",
        ),
        (
            "databases:\n  s:\n    url: x\n    overlay: no.yaml",
            "text2sql.yaml:4: overlay ",
        ),
        ("databases:\n  a: b\n  a: c", "text2sql.yaml:3: key 'a' stands twice"),
        ("databases:\n  a: [b\n", "text2sql.yaml:3: not valid YAML"),
        ("- a", "text2sql.yaml:1: must be a mapping"),
        ("a: &a [*a]", "text2sql.yaml: an alias that contains itself"),
    ],
)
def test_what_is_wrong_is_named_with_its_line(folder, text, message):
    assert wrong(folder, text).startswith(message)


def test_what_is_wrong_in_an_overlay_file_is_named_there(folder):
    (folder / "overlays" / "warehouse.yaml").write_text("tables:\n  t:\n    synonym: [a]\n")
    assert wrong(folder, TEXT).endswith("known: description, synonyms, columns)")
    assert "overlays/warehouse.yaml:3: unknown key 'tables.t.synonym'" in wrong(folder, TEXT)


def test_a_project_file_that_is_missing_or_no_text_is_an_error(folder):
    with pytest.raises(SettingsError, match="nowhere: no such file"):
        load_project(folder / "nowhere")
    (folder / "text2sql.yaml").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(SettingsError, match="is not UTF-8"):
        load_project()


SECRET = "s3cr3t"


@pytest.mark.parametrize(
    "text",
    [
        "databases: postgresql://ann:{0}@dw/sales",
        "databases:\n  dw:\n    ulr: postgresql://ann:{0}@dw/sales",
        "databases:\n  dw:\n    url: [postgresql://ann:{0}@dw/sales]",
        "databases:\n  dw:\n    url: 'postgresql://ann:{0}@dw/sales",
        "databases:\n  dw: *{0}",
        "databases:\n  dw:\n    url: @{0}",
        "databases:\n  dw:\n    url: x\n    overlay: 'postgresql://ann:{0}@dw/sales'",
    ],
)
def test_no_complaint_shows_a_password(folder, text):
    assert SECRET not in wrong(folder, text.format(SECRET))


def test_no_repr_of_a_project_shows_a_password(folder):
    (folder / "text2sql.yaml").write_text(
        f"databases: {{dw: 'postgresql://ann:{SECRET}@localhost:1/x'}}"
    )
    project = load_project()
    assert SECRET not in repr(project) + str(project.databases)
    assert SECRET not in repr(find_database("dw"))
    with pytest.raises(DatabaseError) as caught:
        read_schema(find_database("dw"))
    assert SECRET not in str(caught.value)


def test_a_model_is_chosen_by_the_defaults_unless_one_is_named(folder):
    (folder / "text2sql.yaml").write_text("defaults: {adapter: runs/mine, style: mschema}\n")
    project = load_project(folder)

    chosen = choose_model(None, None, project=project)
    assert (chosen["adapter"], chosen["style"]) == ("runs/mine", None)
    assert choose_model("mini", None, project=project) == {
        "base": "mini",
        "adapter": None,
        "style": "mschema",
        "language": None,
    }
