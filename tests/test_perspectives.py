"""What the predictor makes of a database for one user: kept, shared, made anew when it changes."""

import shutil
import sqlite3
import threading
from contextlib import closing
from datetime import date

import pytest
from scripted import scripted_model
from typer.testing import CliRunner

from text2sql import Predictor
from text2sql.cli import app
from text2sql.databases import locate
from text2sql.errors import PolicyError, SettingsError, UnknownName
from text2sql.execution import Executor
from text2sql.pairs import Pair, nearest
from text2sql.perspectives import Perspectives
from text2sql.project import find_database, load_project
from text2sql.schema.words import key_of

POLICY = {
    "tables": {"products": None},
    "roles": {
        "buyer": {
            "tables": {
                "customers": {"rows": "tier = {{ user.tier }}", "mask": {"email": None}},
                "orders": {"rows": "customer_id IN (SELECT customer_id FROM customers"
                           " WHERE tier = {{ user.tier }})"},
            }
        }
    },
}  # fmt: skip
GOLD, BRONZE = {"role": "buyer", "tier": "gold"}, {"role": "buyer", "tier": "bronze"}


def scripted(database, *texts: str, style: str = "ddl", **options) -> Predictor:
    model = scripted_model(lambda prompt: texts)
    model.style = style
    return Predictor(model, find_database(str(database)), today=date(2026, 5, 1), **options)


def asked(predictor) -> str:
    return predictor.model.backend.asked[-1]


@pytest.fixture
def copied(shop, tmp_path):
    """Return a copy of the shop that a test may change."""
    return shutil.copy(shop, tmp_path / "copied.sqlite")


def change(path, *statements: str) -> None:
    with closing(sqlite3.connect(path)) as connection:
        for statement in statements:
            connection.execute(statement)
        connection.commit()


def test_rows_are_those_of_the_user_and_what_ran_is_shown(shop):
    with scripted(shop, "SELECT DISTINCT tier, email FROM customers", policy=POLICY) as predictor:
        answers = {user["tier"]: predictor.predict("tiers?", user=user) for user in (GOLD, BRONZE)}
    assert answers["gold"].rows == [("gold", None)] and answers["bronze"].rows == [("bronze", None)]
    assert answers["gold"].sql == "SELECT DISTINCT tier, email FROM customers"
    assert "'gold'" in answers["gold"].rewritten
    assert answers["gold"].kept_back == (
        "customers: only rows where \"tier\" = 'gold'",
        "customers.email: masked",
    )


def test_the_prompt_holds_nothing_that_the_user_does_not_see(shop):
    with scripted(shop, "SELECT 1", style="ddl_rows", policy=POLICY) as predictor:
        predictor.predict("customers?", user=GOLD)
        gold = asked(predictor)
        predictor.predict("customers?", user=BRONZE)
    assert "CREATE TABLE customers" in gold and "payments" not in gold and "refunds" not in gold
    assert "@" not in gold  # every e-mail address is masked
    assert "bronze" not in gold and "bronze" in asked(predictor)


def test_a_name_that_is_hidden_is_said_to_be_missing_and_no_other_is_proposed(shop):
    with scripted(shop, "SELECT * FROM refund", policy=POLICY) as predictor:
        answer = predictor.predict("refunds?", user=GOLD)
    assert answer.abstention.kind == "missing" and answer.rows == []
    assert "known: " in answer.error and "refunds" not in answer.error


def test_values_and_cells_are_the_users_own(shop, tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    with scripted(shop, "SELECT 1", policy=POLICY) as predictor:
        gold, bronze = predictor.view(GOLD), predictor.view(BRONZE)
        assert gold.values("customers", "tier") == ["gold"]
        assert gold.cells.get(key_of("gold")) and not gold.cells.get(key_of("bronze"))
        assert bronze.cells.get(key_of("bronze")) and not bronze.cells.get(key_of("gold"))
        assert gold.values("customers", "email") == []


def test_users_who_see_the_same_share_what_is_made(shop):
    with scripted(shop, "SELECT 1", policy=POLICY) as predictor:
        first = predictor.view(GOLD | {"name": "Ann"})
        assert predictor.view(GOLD | {"name": "Ben"}) is first
        assert (
            predictor.view(GOLD | {"name": "Ann"}) is first and predictor.view(BRONZE) is not first
        )


def test_a_user_whom_the_policy_does_not_know_is_refused(shop):
    policy = {"roles": POLICY["roles"]}
    with scripted(shop, "SELECT 1", policy=policy) as predictor:
        for user in (None, {"role": "boss"}, {"role": "buyer"}):
            with pytest.raises(PolicyError):
                predictor.predict("customers?", user=user)
        assert predictor.model.backend.asked == []


def test_a_schema_that_changes_is_read_again(copied):
    with scripted(copied, "SELECT 1") as predictor:
        before = predictor.view()
        assert predictor.view() is before
        change(copied, "UPDATE customers SET name = 'New' WHERE customer_id = 1")
        assert predictor.view() is before  # rows only: prompts stay as they are for a while
        change(copied, "CREATE TABLE vouchers (voucher_id INTEGER PRIMARY KEY, amount REAL)")
        predictor.predict("vouchers?")
    assert "CREATE TABLE vouchers" in asked(predictor)


def test_contents_that_change_are_read_again_after_a_while(copied):
    with Executor() as executor:
        views = Perspectives(locate(copied), executor, refresh=0.0)
        before = views.of()
        change(copied, "UPDATE customers SET tier = 'silver'")
        assert views.of() is not before and views.of().values("customers", "tier") == ["silver"]


def test_threads_get_the_answers_of_their_own_users(shop):
    found: dict[str, set] = {"gold": set(), "bronze": set()}
    with scripted(shop, "SELECT DISTINCT tier FROM customers", policy=POLICY) as predictor:

        def ask(user) -> None:
            for _ in range(5):
                found[user["tier"]] |= {*predictor.predict("tiers?", user=user).rows}

        threads = [threading.Thread(target=ask, args=(user,)) for user in (GOLD, BRONZE) * 3]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert found == {"gold": {("gold",)}, "bronze": {("bronze",)}}


def test_verified_pairs_are_shown_to_those_who_may_see_all_of_them(shop):
    pairs = (
        Pair("how many customers are there?", "SELECT count(*) FROM customers"),
        Pair("customers called Ann?", "SELECT count(*) FROM customers WHERE name = 'Ann'"),
        Pair("customers and refunds?", "SELECT count(*) FROM refunds, customers"),
    )
    with scripted(shop, "SELECT 1", policy=POLICY) as predictor:
        predictor._views.pairs = pairs
        predictor.predict("customers?", user=GOLD)
    assert pairs[0].sql in asked(predictor)
    assert "Ann?" not in asked(predictor) and "refunds" not in asked(predictor)


def test_the_nearest_pairs_come_first_and_strangers_not_at_all():
    pairs = [
        Pair("orders paid in May?", "1"),
        Pair("paid orders?", "2"),
        Pair("cheapest hotel", "3"),
    ]
    assert [p.sql for p in nearest("which orders were paid in May", pairs, 5)] == ["1", "2"]


def test_earlier_turns_and_the_calendar_are_in_the_questions_part(shop):
    options = {"time_zone": "Europe/Berlin", "fiscal_start": 4}
    with scripted(shop, "SELECT 1", **options) as predictor:
        predictor.predict("and in June?", history=[("orders in May?", "SELECT 5")])
    prompt = asked(predictor)
    said = "Today: 2026-05-01; time zone Europe/Berlin; the fiscal year begins with month 4"
    assert prompt.index("orders in May?") < prompt.index("SELECT 5") < prompt.index(said)
    assert prompt.index(said) < prompt.index("and in June?")


def test_a_wrong_calendar_is_refused(shop):
    with pytest.raises(UnknownName, match=r"no time zone 'Europe/Berln' .*'Europe/Berlin'"):
        scripted(shop, "SELECT 1", time_zone="Europe/Berln")
    with pytest.raises(SettingsError, match="1 to 12"):
        scripted(shop, "SELECT 1", fiscal_start=13)


def test_a_stream_grows_and_ends_with_the_answer(shop):
    sql = "SELECT count(*) FROM customers"
    with scripted(shop, sql, policy=POLICY) as predictor:
        *pieces, answer = predictor.stream("how many?", user=GOLD)
    assert len(pieces) > 3 and "".join(pieces) == sql == answer.sql
    assert 0 < answer.rows[0][0] < 400


def test_what_fails_in_a_stream_is_raised_to_its_reader(shop):
    with scripted(shop, "SELECT 1") as predictor:
        predictor.model.backend.generate = lambda *a, **k: 1 / 0
        with pytest.raises(ZeroDivisionError):
            list(predictor.stream("how many?"))


def test_the_command_takes_a_policy_and_a_user(shop, tmp_path, monkeypatch):
    (tmp_path / "policy.yaml").write_text(
        "tables:\n  customers: {rows: 'tier = {{ user.tier }}'}\n"
    )
    scripts = scripted_model(lambda prompt: ["SELECT DISTINCT tier FROM customers"])
    monkeypatch.setattr("text2sql.models.open_model", lambda *args, **options: scripts)
    words = ["predict", "tiers?", "-d", str(shop), "--policy", str(tmp_path / "policy.yaml")]
    told = CliRunner().invoke(app, [*words, "--user", '{"tier": "gold"}'])
    assert "gold" in told.stdout and "silver" not in told.stdout
    assert "kept back: customers: only rows where \"tier\" = 'gold'" in told.stderr
    wrong = CliRunner().invoke(app, [*words, "--user", "gold"])
    assert isinstance(wrong.exception, SettingsError)
    assert isinstance(CliRunner().invoke(app, words).exception, PolicyError)


def test_the_project_file_says_policy_pairs_and_calendar(shop, tmp_path):
    (tmp_path / "pairs.jsonl").write_text('{"question": "tiers?", "sql": "SELECT 1"}\n')
    (tmp_path / "policy.yaml").write_text("tables:\n  products: all\n")
    (tmp_path / "text2sql.yaml").write_text(
        f"databases:\n  shop:\n    url: {shop}\n    policy: policy.yaml\n    pairs: pairs.jsonl\n"
        "    time_zone: Asia/Tokyo\n    fiscal_start: 4\n"
    )
    found = find_database("shop", project=load_project(tmp_path))
    assert (found.time_zone, found.fiscal_start) == ("Asia/Tokyo", 4)
    assert found.pairs == (Pair("tiers?", "SELECT 1"),)
    with Predictor(scripted_model(lambda prompt: ["SELECT 1"]), found) as predictor:
        assert [table.name for table in predictor.view().schema.tables] == ["products"]
