"""Relevance of columns to a question, and schemas reduced by it."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from odd_schema import build

from text2sql.errors import SchemaError
from text2sql.schema import Column, ForeignKey, Schema, Table, prune, rank, read_schema, render
from text2sql.schema.words import stem, words


def table(name: str, columns: str, *keys: ForeignKey, **said) -> Table:
    names = columns.split()
    return Table(name, tuple(map(Column, names)), (names[0],), keys, **said)


def refers(column: str, parent: str) -> ForeignKey:
    return ForeignKey((column,), parent, ("id",))


SCHOOL = Schema(
    "school",
    "sqlite",
    (
        table("student", "id fullName birth_date homeCity phone"),
        table("course", "id title credits room"),
        table(
            "enrolment",
            "id student_id course_id mark remark",
            refers("student_id", "student"),
            refers("course_id", "course"),
        ),
        table("canteen", "id meal price"),
        table("supplier", "id company street", comment="delivers food to the canteen"),
    ),
)


def best(question: str, schema: Schema = SCHOOL, n: int = 2) -> list[str]:
    return [f"{r.table.name}.{r.column.name}" for r in rank(question, schema)[:n]]


@pytest.mark.parametrize(
    ("question", "expected"),
    [
        ("What are the birth dates of all students?", "student.birth_date"),
        ("full names, please", "student.fullName"),
        ("how many credits does each course have", "course.credits"),
        ("cheapest meals", "canteen.meal"),
        ("which company delivers?", "supplier.company"),
    ],
)
def test_columns_whose_words_are_in_the_question_come_first(question, expected):
    assert best(question)[0] == expected


def test_comments_synonyms_and_meanings_count():
    columns = (
        Column("a", comment="postal code"),
        Column("b", synonyms=("turnover",)),
        Column("c", meanings=(("X", "cancelled"),)),
    )
    schema = Schema("d", "sqlite", (Table("t", columns),))
    assert best("turnover", schema)[0] == "t.b"
    assert best("which postal codes", schema)[0] == "t.a"
    assert best("those that were cancelled", schema)[0] == "t.c"


def test_chinese_is_compared_by_pairs_of_characters():
    columns = (Column("客户编号"), Column("订单金额"), Column("x", comment="发货日期"))
    schema = Schema("d", "sqlite", (Table("t", columns),))
    assert best("每个客户的总金额是多少？", schema) == ["t.客户编号", "t.订单金额"]
    assert best("什么时候发货", schema)[0] == "t.x"


def test_an_abbreviation_is_found_by_its_beginning():
    schema = Schema("d", "sqlite", (table("reading", "id depth temp"),))
    assert best("average temperature", schema)[0] == "reading.temp"


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("customerID", ["customer", "id"]),
        ("HTTPServer_v2", ["http", "server", "v", "2"]),
        ("ORDER_DATE", ["order", "date"]),
        ("Straße 客 订单号 n°", ["straße", "客", "订单", "单号", "n"]),
        ("ＡＢＣ", ["abc"]),
        ("", []),
    ],
)
def test_words_are_taken_apart(text, found):
    assert words(text) == found


@pytest.mark.parametrize(
    "forms",
    [
        ("city", "cities"),
        ("price", "prices", "priced", "pricing"),
        ("order", "ordered", "orders", "ordering"),
        ("plan", "planned", "planning", "plans"),
        ("address", "addresses"),
        ("class", "classes"),
        ("bus", "bus"),
        ("campus", "campuses"),
        ("employee", "employees"),
        ("person", "people"),
        ("child", "children"),
        ("house", "houses"),
    ],
)
def test_forms_of_a_word_have_one_stem(forms):
    assert len({stem(form) for form in forms}) == 1


# prune


def at_most(n: int):
    return lambda schema: sum(1 for _ in schema.columns()) <= n


def shown(schema: Schema) -> dict[str, list[str]]:
    return {t.full_name: [c.name for c in t.columns] for t in schema.tables}


def test_a_schema_that_fits_is_returned_as_it_is():
    assert prune(SCHOOL, "anything", at_most(100)) is SCHOOL


def test_the_least_relevant_columns_go_first():
    small = prune(SCHOOL, "titles of courses with the marks of each student", at_most(16))
    assert list(shown(small)) == ["student", "course", "enrolment", "canteen", "supplier"]
    assert small.left_out == (
        "canteen.meal",
        "canteen.price",
        "supplier.company",
        "supplier.street",
    )


def test_then_tables_go_and_the_bridge_between_kept_tables_stays():
    small = prune(SCHOOL, "full names of students and titles of courses", at_most(7))
    assert shown(small) == {
        "student": ["id", "fullName"],
        "course": ["id", "title"],
        "enrolment": ["id", "student_id", "course_id"],
    }
    assert small.table("enrolment").foreign_keys == SCHOOL.table("enrolment").foreign_keys
    assert {"canteen", "supplier", "enrolment.mark"} <= set(small.left_out)


def test_a_foreign_key_to_a_table_that_went_keeps_its_column_only():
    small = prune(SCHOOL, "remarks on an enrolment", at_most(4))
    assert shown(small) == {"enrolment": ["id", "student_id", "course_id", "remark"]}
    assert small.table("enrolment").foreign_keys == ()


def test_too_small_a_budget_is_an_error_that_names_the_table():
    with pytest.raises(SchemaError, match="even table 'student' alone"):
        prune(SCHOOL, "full name and birth date of students", at_most(2))


def test_a_schema_without_tables_that_does_not_fit_is_an_error():
    with pytest.raises(SchemaError, match="'d' does not fit"):
        prune(Schema("d", "sqlite", ()), "x", lambda schema: False)


def test_what_was_left_out_before_is_still_told():
    first = prune(SCHOOL, "titles of courses", at_most(16))
    second = prune(first, "titles of courses", at_most(6))
    everything = {t.name for t in SCHOOL.tables} | {
        f"{t.name}.{c.name}" for t, c in SCHOOL.columns()
    }
    kept = {f"{t.name}.{c.name}" for t, c in second.columns()}
    assert set(first.left_out) <= set(second.left_out)
    assert set(second.left_out) <= everything - kept


def test_odd_names_are_reduced_too(tmp_path):
    schema = read_schema(build("sqlite", tmp_path / "odd.db"))
    small = prune(schema, "客户名称", at_most(4))
    assert list(shown(small)) == ["客户"]
    assert "order_line" in small.left_out


WORDS = ["order", "customer", "price", "date", "id", "name", "city", "客户", "total"]
IDENTIFIERS = st.lists(st.sampled_from(WORDS), min_size=1, max_size=3).map("_".join)


@st.composite
def schemas(draw) -> Schema:
    tables: list[Table] = []
    for number in range(draw(st.integers(1, 8))):
        columns = draw(st.lists(IDENTIFIERS, min_size=1, max_size=6, unique=True))
        parents = draw(st.lists(st.sampled_from(tables), max_size=2)) if tables else []
        keys = tuple(ForeignKey((columns[-1],), p.name, (p.columns[0].name,)) for p in parents)
        name = f"{draw(IDENTIFIERS)}_{number}"
        tables.append(Table(name, tuple(map(Column, columns)), (columns[0],), keys))
    return Schema("made", "sqlite", tuple(tables))


@settings(max_examples=200, deadline=None)
@given(schemas(), IDENTIFIERS, st.integers(50, 800))
def test_a_reduced_schema_is_a_part_with_its_keys_and_fits(schema, question, size):
    def fits(smaller: Schema) -> bool:
        return len(render(smaller)) <= size

    try:
        small = prune(schema, question.replace("_", " "), fits)
    except SchemaError:
        return
    assert fits(small)
    assert prune(schema, question.replace("_", " "), fits) == small
    names = {t.name for t in small.tables}
    for kept in small.tables:
        whole = schema.find_table(kept.name)
        keyed = {*whole.primary_key, *(c for key in whole.foreign_keys for c in key.columns)}
        assert keyed <= {c.name for c in kept.columns} <= {c.name for c in whole.columns}
        assert kept.foreign_keys == tuple(k for k in whole.foreign_keys if k.table in names)
    left = {n for n in small.left_out if "." not in n}
    assert names | left == {t.name for t in schema.tables}


@settings(max_examples=100, deadline=None)
@given(schemas(), IDENTIFIERS)
def test_a_larger_budget_never_keeps_fewer_columns(schema, question):
    sizes = []
    for budget in range(1, 30, 4):
        try:
            sizes.append(sum(1 for _ in prune(schema, question, at_most(budget)).columns()))
        except SchemaError:
            sizes.append(0)
    assert sizes == sorted(sizes)


def test_two_thousand_columns_need_few_looks():
    tables = tuple(
        table(f"fact_{n}", "id " + " ".join(f"{w}_{n}_{m}" for w in WORDS[:5] for m in range(4)))
        for n in range(100)
    )
    looks = []

    def fits(schema: Schema) -> bool:
        looks.append(sum(1 for _ in schema.columns()))
        return looks[-1] <= 200

    small = prune(Schema("wide", "sqlite", tables), "total price of fact 7 by date", fits)
    assert len(looks) <= 15
    assert 190 <= sum(1 for _ in small.columns()) <= 200
    assert "fact_7" in shown(small)
