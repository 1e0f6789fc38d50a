"""Shares of other data sets: as large as asked for, the same for one seed, each in its own home."""

from collections import Counter
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from text2sql.data.catalog import DataSet, find_dataset
from text2sql.data.mixing import mix
from text2sql.errors import DataError, SettingsError
from text2sql.project import load_project
from text2sql.training.recipe import read_recipe
from text2sql.training.start import find_data


@pytest.fixture(scope="module")
def own() -> DataSet:
    return find_dataset("samples", split="train")


@pytest.fixture(scope="module")
def other() -> DataSet:
    return find_dataset("samples", split="dev")


@settings(deadline=None)  # the machine may be busy
@given(share=st.floats(0.01, 0.9), seed=st.integers(0, 99))
def test_a_share_is_of_the_whole(own, other, share, seed):
    mixed = mix(own, {"other": (other, share)}, seed=seed)

    count = len(mixed.examples) - len(own.examples)
    assert mixed.examples[: len(own.examples)] == own.examples
    assert abs(count / len(mixed.examples) - share) <= 1 / len(own.examples)
    again = Counter(example.index for example in mixed.examples[len(own.examples) :])
    assert max(again.values(), default=0) - min(again.values(), default=0) <= 1


def test_the_seed_decides_which(own, other):
    one, same, two = (mix(own, {"x": (other, 0.1)}, seed=seed) for seed in (1, 1, 2))

    assert one.examples == same.examples != two.examples
    assert one.name == "samples+x" and len(one.files) == 2


def test_every_database_is_found_where_it_is(own, other):
    mixed = mix(own, {"x": (other, 0.2)}, seed=1)

    for db_id in mixed.db_ids():
        home = own if db_id in own.db_ids() else other
        assert mixed.database(db_id) == home.database(db_id)
        assert mixed.schema(db_id) == home.schema(db_id) and mixed.sample(db_id) is not None
    first = replace(mixed, examples=mixed.examples[:3])
    assert first.schema(first.db_ids()[0]).tables


@pytest.mark.parametrize("share", [0.0, -0.1, 1.0, 1.5])
def test_shares_must_leave_something(own, other, share):
    with pytest.raises(SettingsError, match="above 0 and below 1"):
        mix(own, {"x": (other, share)}, seed=1)


def test_two_databases_of_one_name_are_not_confused(own):
    with pytest.raises(DataError, match=r"cannot mix 'duck' in: database id '\w+' is in"):
        mix(own, {"duck": (find_dataset("samples-duckdb", split="train"), 0.2)}, seed=1)


def test_a_recipe_mixes_by_name(own):
    project = load_project()
    recipe = read_recipe(None, base="mini", data="samples", split="dev", mix={"samples": 0.25})
    mixed = find_data(recipe, data_root=None, project=project)

    dev = find_dataset("samples", split="dev")
    assert len(mixed.examples) == round(len(dev.examples) / 0.75)
    assert set(dev.db_ids()) < set(mixed.db_ids()) <= {*dev.db_ids(), *own.db_ids()}
    plain = find_data(
        read_recipe(None, base="mini", data="samples"), data_root=None, project=project
    )
    assert type(plain) is DataSet
