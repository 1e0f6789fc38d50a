"""SQL of others as our tree: what is read is what it says, what cannot be read is named."""

import sqlite3
from random import Random

import library
import pytest

from text2sql.data.synthesis.dialects import spell
from text2sql.data.synthesis.drafting import propose
from text2sql.data.synthesis.inventing import invent
from text2sql.data.synthesis.queries import Col, Compare, Key, Lit, Query
from text2sql.data.synthesis.reading import Unread, read_sql
from text2sql.schema import read_schema

SAME = [
    "SELECT title FROM books WHERE pages > 300 AND price BETWEEN 5 AND 20",
    "SELECT b.title, a.name FROM books AS b JOIN authors AS a ON b.author_id = a.author_id",
    "SELECT rating, count(*) FROM books GROUP BY 1 HAVING count(*) > 3 ORDER BY 2 DESC LIMIT 2",
    "SELECT name FROM authors WHERE author_id NOT IN"
    " (SELECT author_id FROM books WHERE rating = 5)",
    "SELECT country FROM authors WHERE country IS NOT NULL EXCEPT SELECT city FROM branches",
    "SELECT count(DISTINCT rating) AS n FROM books WHERE title LIKE 'A%' OR title NOT LIKE '%o%'",
    "SELECT max(price) - min(price) FROM books WHERE pages = (SELECT max(pages) FROM books)",
    "SELECT email FROM members m WHERE EXISTS (SELECT 1 FROM loans l WHERE l.member = m.member_id)",
]


@pytest.fixture(scope="module")
def path(tmp_path_factory):
    return library.build_sqlite(tmp_path_factory.mktemp("reading") / "library.sqlite")


@pytest.mark.parametrize("sql", SAME)
def test_what_is_read_returns_what_was_written(path, sql):
    schema, connection = read_schema(path), sqlite3.connect(path)
    again = spell(read_sql(sql, schema), schema)

    assert connection.execute(again).fetchall() == connection.execute(sql).fetchall()
    assert connection.execute(sql).fetchall()
    connection.close()


def test_names_take_the_schemas_spelling_and_aliases_go(path):
    sql = 'SELECT T.TITLE FROM Books T WHERE T."Pages" > 3 ORDER BY T.price DESC LIMIT 1'
    query = read_sql(sql, read_schema(path))

    title, pages, price = (Col("books", name) for name in ("title", "pages", "price"))
    where = Compare(pages, ">", Lit(3))
    assert query == Query((title,), "books", where=where, order=(Key(price, True),), limit=1)


@pytest.mark.parametrize(
    ("sql", "words"),
    [
        ("SELEC 1", "does not parse|a statement"),
        ("DELETE FROM books", "a statement: DELETE"),
        ("WITH a AS (SELECT 1) SELECT * FROM a", "the clause WITH"),
        ("SELECT x FROM books", "an unknown column: x"),
        ("SELECT title FROM bokks", "an unknown table: bokks"),
        ("SELECT title FROM books JOIN authors USING (author_id)", "a join of another kind"),
        ("SELECT n FROM (SELECT count(*) AS n FROM books)", "a derived table"),
        ("SELECT upper(title) FROM books", "an expression of another kind"),
        ("SELECT a.title FROM books a JOIN books b ON a.book_id = b.rating", "stands twice"),
        ("SELECT 1", "a query without FROM"),
        ("SELECT rank() OVER (ORDER BY pages) FROM books", "an expression of another kind: WINDOW"),
    ],
)
def test_what_the_tree_cannot_hold_is_named(path, sql, words):
    with pytest.raises(Unread, match=words):
        read_sql(sql, read_schema(path))


def test_our_own_sql_is_read_as_what_it_was():
    invented = invent(Random(7))
    schema = invented.world.schema
    unread = same = 0
    for pair in propose(invented.world, Random(7), 150):
        sql = spell(pair.query, schema)
        try:
            again = spell(read_sql(sql, schema), schema)
        except Unread:
            unread += 1
            continue
        assert invented.connection.execute(again).fetchall() == (
            invented.connection.execute(sql).fetchall()
        )
        same += 1
    assert same > 100 and unread < 15
