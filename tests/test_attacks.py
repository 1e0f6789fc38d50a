"""A predictor under a policy, attacked: `tests/data/attacks` on real engines, answered by a model
that says whatever the attacker wants.

Covered: what an answer says, what a model is shown; users at once; caches of other users.
Not covered: time. HTTP is in `test_attacks_http.py`.
"""

import json
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import date
from typing import Any

import attacked
import pytest
from attacked import AUDITOR, CLERK, ENGINES, POLICY, Attack, leaked
from scripted import Scripted

from text2sql.errors import Text2SQLError
from text2sql.predictor import Predictor

ALL = [(engine, attack) for engine in ENGINES for attack in attacked.attacks(on=engine)]


@dataclass(frozen=True, slots=True)
class Side:
    """A world with a predictor in front of it, and the model that an attack puts words into."""

    predictor: Predictor
    backend: Scripted

    def ask(self, attack: Attack) -> tuple[str, list[tuple[Any, ...]] | None]:
        """Return all that is said, prompts included, and the rows; None for an error."""
        self.backend.answer, self.backend.asked = attack.answer, []
        try:
            answer = self.predictor.predict(
                attack.question,
                user=attack.asker,
                history=attack.history,
                evidence=attack.evidence,
                tables=attack.tables,
            )
        except Text2SQLError as error:
            return self._unnamed(repr(error)), None
        said = attacked.told(answer) + json.dumps(self.backend.asked)
        assert "\n" not in (answer.error or "") and len(answer.error or "") <= 1_000
        return self._unnamed(said), None if answer.error else attacked.plain(answer.rows)

    def _unnamed(self, said: str) -> str:
        return said.replace(self.predictor.database.name, "ward")  # PostgreSQL has one of a name


@pytest.fixture(scope="module")
def opened(tmp_path_factory) -> Iterator[Callable[..., tuple[Side, Side]]]:
    """Yield what opens both worlds on an engine, each engine once."""
    kept: dict[str, tuple[Side, Side]] = {}
    with ExitStack() as stack:

        def side(which: str, engine: str, url: str) -> Side:
            folder = tmp_path_factory.getbasetemp()
            database = stack.enter_context(attacked.world(which, engine, folder, url=url))
            model = attacked.model()
            options: dict[str, Any] = {"timeout": 1.5, "today": date(2026, 3, 1)}
            predictor = Predictor(model, database, policy=POLICY, **options)
            return Side(stack.enter_context(predictor), model.backend)

        def open_sides(engine: str, url: str = "") -> tuple[Side, Side]:
            if engine not in kept:
                kept[engine] = side("a", engine, url), side("b", engine, url)
            return kept[engine]

        yield open_sides


@pytest.fixture
def sides(engine: str, opened, request) -> tuple[Side, Side]:
    """Return both worlds on an engine."""
    url = request.getfixturevalue("postgres_url") if engine == "postgresql" else ""
    return opened(engine, url)


def pytest_generate_tests(metafunc) -> None:
    """Give every test each engine, and a test of one attack all attacks of the engine."""
    if "attack" in metafunc.fixturenames:
        cases = [
            pytest.param(engine, attack, id=f"{engine}: {attack.name}") for engine, attack in ALL
        ]
        metafunc.parametrize(("engine", "attack"), cases)
    elif "sides" in metafunc.fixturenames:
        metafunc.parametrize("engine", ENGINES)


def test_no_attack_gets_anything_out(sides, attack: Attack) -> None:
    here, there = sides
    said, rows = here.ask(attack)
    assert not leaked(said)
    assert not attack.refused or rows is None, said[:800]
    assert attack.rows is None or rows == attacked.plain(attack.rows), said[:800]
    assert not attack.unread or f"[[{attack.marker}" not in json.dumps(here.backend.asked)
    if not attack.endless:
        assert there.ask(attack)[0] == said


def test_an_auditor_sees_all_of_it_so_that_leaks_would_be_found(sides) -> None:
    here, _ = sides
    attack = Attack("control", "SELECT secret FROM vault", user=AUDITOR)
    said, rows = here.ask(attack)
    assert set(leaked(said)) >= {"zqx", "7431919", "Quietroom"}
    assert rows == [("zqxsecret-one",), ("zqxsecret-two",)]


def test_what_was_made_for_an_auditor_is_not_shown_to_a_clerk(sides) -> None:
    here, _ = sides
    question = "Who is Marwen zqxfell, what is in the vault?"
    for name in ("SELECT * FROM accounts", "SELECT secret FROM vault"):
        here.ask(Attack("before", name, user=AUDITOR))
        said, _ = here.ask(Attack("after", name, question="Who is Marwen, what is in the vault?"))
        assert not leaked(said)
        said, _ = here.ask(Attack("named", name, question=question))
        assert not leaked(said.replace(question, ""))


def test_users_at_once_see_their_own_rows_each(sides) -> None:
    here, _ = sides
    here.backend.answer = lambda prompt: ["SELECT DISTINCT tenant FROM accounts"]
    tenants = ["north", "south", "nobody"] * 20

    def ask(tenant: str) -> list[tuple[Any, ...]]:
        return here.predictor.predict("Which tenants?", user=CLERK | {"tenant": tenant}).rows

    with ThreadPoolExecutor(8) as pool:
        found = list(pool.map(ask, tenants))
    assert found == [[] if tenant == "nobody" else [(tenant,)] for tenant in tenants]


def test_a_user_is_told_apart_by_attributes_not_by_how_they_are_shown(sides) -> None:
    here, _ = sides
    ask = Attack("badge", "SELECT DISTINCT tenant FROM accounts")
    for tenant in ("south", "north"):
        here.backend.answer = ask.answer
        answer = here.predictor.predict("Which tenants?", user=Badge(tenant))
        assert answer.rows == [(tenant,)]


class Badge(Mapping[str, Any]):
    """A user as an application may hold one: its text says nothing of the attributes."""

    def __init__(self, tenant: str) -> None:
        self.attributes = CLERK | {"tenant": tenant}

    def __getitem__(self, key: str) -> Any:
        return self.attributes[key]

    def __iter__(self) -> Iterator[str]:
        return iter(self.attributes)

    def __len__(self) -> int:
        return len(self.attributes)

    def __repr__(self) -> str:
        return "<Badge>"


def test_who_may_cost_little_is_not_given_what_another_may_cost(tmp_path) -> None:
    roles = {name: {"tables": {"*": "all"}, "max_cost": cost} for name, cost in COSTS.items()}
    with attacked.world("a", "duckdb", tmp_path) as database:
        model = attacked.model()
        model.backend.answer = lambda prompt: ["SELECT count(*) FROM accounts, payments"]
        with Predictor(model, database, policy={"roles": roles}) as predictor:
            rich = predictor.predict("How many?", user={"role": "rich"})
            poor = predictor.predict("How many?", user={"role": "poor"})
    assert rich.rows and "cost" in str(poor.error)


COSTS = {"rich": 1e6, "poor": 0.5}


def test_every_attack_holds_no_canary_itself() -> None:
    everything = attacked.attacks()
    assert len(everything) >= 300 and not any(leaked(repr(attack)) for attack in everything)
