"""Reading the schema of a real PostgreSQL: namespaces, views, partitions, keys, types, comments."""

import warnings
from collections.abc import Iterator

import pytest

from text2sql.errors import DatabaseError
from text2sql.schema import ForeignKey, Schema, read_schema, server_catalog, sqlglot_schema
from text2sql.schema.rendering import render

SETUP = """
CREATE SCHEMA sales; CREATE SCHEMA "Odd Space"; CREATE SCHEMA empty;
CREATE TYPE mood AS ENUM ('sad', 'it''s'); CREATE TYPE pair AS (a int, b text);
CREATE DOMAIN email AS text CHECK (value LIKE '%@%');
CREATE TABLE customers (id serial PRIMARY KEY, "Full Name" varchar(40) NOT NULL, "order" int,
    feels mood, mail email, two pair, tags text[], price numeric(10,2), at timestamptz(3), j jsonb);
COMMENT ON TABLE customers IS 'who buys'; COMMENT ON COLUMN customers."Full Name" IS 'as written';
CREATE TABLE sales.orders (id int, day date, customer int REFERENCES customers,
    PRIMARY KEY (id, day)) PARTITION BY RANGE (day);
CREATE TABLE sales.orders_2023 PARTITION OF sales.orders
    FOR VALUES FROM ('2023-01-01') TO ('2024-01-01');
CREATE TABLE sales.items (order_id int, order_day date, n int,
    FOREIGN KEY (order_id, order_day) REFERENCES sales.orders (id, day));
CREATE TABLE "Odd Space"."Odd.Table" ("Id" int PRIMARY KEY, "客户" text);
CREATE VIEW big AS SELECT id, day FROM sales.orders; COMMENT ON VIEW big IS 'large ones';
CREATE MATERIALIZED VIEW sales.daily AS SELECT day, count(*) AS n FROM sales.orders GROUP BY day;
CREATE FOREIGN DATA WRAPPER nothing; CREATE SERVER afar FOREIGN DATA WRAPPER nothing;
CREATE FOREIGN TABLE far (x int) SERVER afar
"""


@pytest.fixture(scope="module")
def url(postgres_url: str) -> Iterator[str]:
    """Yield the URL of a database of its own with a schema that has everything in it."""
    import psycopg

    with psycopg.connect(postgres_url, autocommit=True) as owner:
        owner.execute("CREATE DATABASE catalogue")
        url = postgres_url.replace("/postgres", "/catalogue")
        with psycopg.connect(url, autocommit=True) as connection:
            connection.execute(SETUP)
        yield url
        owner.execute("DROP DATABASE catalogue WITH (FORCE)")


@pytest.fixture(scope="module")
def schema(url: str) -> Schema:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        return read_schema(url)


def test_tables_of_all_namespaces_are_read_and_partitions_are_not(schema):
    names = ["big", "customers", "far", "Odd Space.Odd.Table"]
    names += ["sales.daily", "sales.items", "sales.orders"]
    assert [table.full_name for table in schema.tables] == names
    assert [table.name for table in schema.tables if table.view] == ["big", "daily"]
    assert (schema.name, schema.dialect) == ("catalogue", "postgres")


def test_keys_lead_across_namespaces(schema):
    orders, items = schema.find_table("sales.orders"), schema.find_table("sales.items")
    assert orders.primary_key == ("id", "day")
    assert orders.foreign_keys == (ForeignKey(("customer",), "customers", ("id",)),)
    pair = ("order_id", "order_day")
    assert items.foreign_keys == (ForeignKey(pair, "orders", ("id", "day"), "sales"),)


def test_a_search_path_of_the_role_moves_the_default_namespace(url):
    schema = read_schema(f"{url}?options=-csearch_path%3Dsales,public")
    assert schema.find_table("orders").namespace is None
    assert schema.find_table("orders").foreign_keys == (
        ForeignKey(("customer",), "customers", ("id",), "public"),
    )
    assert schema.find_table("items").foreign_keys[0].namespace is None


def test_types_are_what_a_reader_needs_of_them(schema):
    customers = schema.find_table("customers")
    assert {column.name: column.type for column in customers.columns} == {
        "id": "INTEGER",
        "Full Name": "VARCHAR(40)",
        "order": "INTEGER",
        "feels": "ENUM('sad', 'it''s')",
        "mail": "TEXT",
        "two": "",
        "tags": "TEXT[]",
        "price": "NUMERIC(10, 2)",
        "at": "TIMESTAMP(3) WITH TIME ZONE",
        "j": "JSONB",
    }
    assert customers.column("Full Name").nullable is False


def test_comments_are_read(schema):
    assert schema.find_table("customers").comment == "who buys"
    assert schema.find_table("customers").column("full name").comment == "as written"
    assert schema.find_table("big").comment == "large ones"


def test_what_is_read_can_be_rendered_and_qualified(schema):
    assert 'CREATE TABLE "Odd Space"."Odd.Table"' in render(schema, "ddl")
    assert sqlglot_schema(schema)


@pytest.mark.parametrize("driver", ["psycopg", "psycopg2"])
def test_both_drivers_read_the_same(url, schema, driver):
    pytest.importorskip(driver)
    assert read_schema(url.replace("postgresql:", f"postgresql+{driver}:")) == schema


def test_a_url_without_a_driver_takes_the_one_that_is_installed(url, schema, monkeypatch):
    pytest.importorskip("psycopg2")
    found = server_catalog.find_spec
    monkeypatch.setattr(server_catalog, "find_spec", lambda n: None if n == "psycopg" else found(n))
    assert read_schema(url) == schema


def test_a_missing_driver_names_the_extra(monkeypatch):
    monkeypatch.setattr(server_catalog, "find_spec", lambda name: None)
    with pytest.raises(DatabaseError, match=r"pip install 'text2sql\[postgres\]'"):
        read_schema("postgresql://ann:s3cret@127.0.0.1:1/x")
    with pytest.raises(DatabaseError, match="install mysqldb or pymysql"):
        read_schema("mysql://ann:s3cret@127.0.0.1:1/x")
