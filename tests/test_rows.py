"""Rows that share a schema hold every example once, whole, within their bounds, by the seed."""

from collections import Counter
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from text2sql.errors import DataError
from text2sql.training.rows import (
    IGNORED,
    Branch,
    Group,
    Partition,
    build_groups,
    build_row,
    fewest_forwards,
    join,
    partition,
    spread,
    tally,
    usual_cap,
    usual_tokens,
)

ids = st.integers(2, 30)
branches = st.builds(
    Branch, st.lists(ids, min_size=1, max_size=5), st.lists(ids, min_size=1, max_size=6)
)
groups = st.lists(
    st.builds(Group, st.lists(ids, min_size=1, max_size=8), st.lists(branches, min_size=1)),
    min_size=1,
    max_size=5,
)
many = [
    Group([number] * (5 + 9 * number), [Branch([50 + n], [90, n]) for n in range(3 + 4 * number)])
    for number in range(1, 9)
]


def texts(row):
    """Return every example of a row as its last token sees it: (ids, labels)."""
    found = []
    length = len(row.input_ids)
    for last in range(length):
        seen = [place for place in range(last + 1) if row.reach[place] > last]
        leaf = last + 1 == length or row.reach[last] == last + 1
        if leaf and row.labels[last] != IGNORED:
            found.append(tuple((row.input_ids[p], row.labels[p]) for p in seen))
    return Counter(found)


def apart(parts):
    """Return the same of rows that share nothing."""
    return Counter(
        tuple((token, IGNORED) for token in [*part.shared, *branch.question])
        + tuple((token, token) for token in branch.sql)
        for part in parts
        for branch in part.branches
    )


def examples(parts):
    return Counter(
        (tuple(part.shared), tuple(branch.question), tuple(branch.sql))
        for part in parts
        for branch in part.branches
    )


@settings(deadline=None)
@given(groups)
def test_every_example_reads_in_a_shared_row_as_in_one_of_its_own(parts):
    row = build_row(parts)

    assert texts(row) == apart(parts)
    assert len(row.input_ids) == len(row.labels) == len(row.reach) == sum(p.tokens for p in parts)


@settings(deadline=None)
@given(groups)
def test_a_position_is_the_number_of_tokens_seen_before(parts):
    row = build_row(parts)

    for place, position in enumerate(row.positions):
        assert position == sum(row.reach[other] > place for other in range(place))


def test_several_sql_texts_share_their_question():
    answers = [Branch([5, 6, 7], [8, 1]), Branch([5, 6, 7], [9, 9, 1])]
    row = build_row([Group([2, 3], answers)])

    assert row.input_ids == [2, 3, 5, 6, 7, 8, 1, 7, 9, 9, 1]
    assert row.positions == [0, 1, 2, 3, 4, 5, 6, 4, 5, 6, 7]
    assert texts(row) == apart([Group([2, 3], answers)])


@settings(deadline=None)
@given(groups, st.integers(1, 12), st.integers(1, 4), st.integers(1, 6), st.integers(0, 3))
def test_an_epoch_has_every_example_once(wholes, batch_size, forwards, cap, epoch):
    how = Partition(batch_size, forwards=forwards, cap=cap)
    rows = partition(wholes, how, epoch=epoch)

    learnt = [part for parts in rows for part in parts if part.branches[0].sql]
    assert examples(learnt) == examples(wholes)
    assert all(rows) and len(rows) % forwards == 0
    total = sum(len(group.branches) for group in wholes)
    assert len(rows) // forwards == -(-total // batch_size)


@settings(deadline=None)
@given(groups, st.integers(1, 3), st.integers(20, 60))
def test_no_row_is_longer_than_its_bound(wholes, world, tokens):
    how = Partition(8, forwards=world, tokens=tokens)
    forwards = fewest_forwards(wholes, how, epochs=2, world=world)
    rows = partition(wholes, Partition(8, forwards=forwards, tokens=tokens), epoch=1)

    assert forwards % world == 0
    assert max(sum(part.tokens for part in parts) for parts in rows) <= tokens


def test_a_seed_decides_an_epoch_and_another_epoch_is_cut_anew():
    first, again = (partition(many, Partition(16, seed=3), epoch=0) for _ in range(2))
    other = partition(many, Partition(16, seed=4), epoch=0)
    later = partition(many, Partition(16, seed=3), epoch=1)

    assert first == again
    assert first != other and first != later
    same = [examples(row) == examples(old) for row, old in zip(later, first, strict=True)]
    assert sum(same) < len(same) / 2


def test_a_step_holds_several_databases_and_as_many_examples_as_a_plain_batch():
    size = 32
    steps = partition(many, Partition(size, cap=usual_cap(size)), epoch=0)

    assert usual_cap(16) == 4 and usual_cap(200) == 16 and usual_cap(1) == 1
    databases = [len({tuple(part.shared) for part in step}) for step in steps]
    assert min(databases) >= 2 and sum(databases) / len(databases) >= 3
    counts = [sum(len(part.branches) for part in step) for step in steps]
    assert all(abs(count - size) <= usual_cap(size) for count in counts)


def test_the_passes_of_a_step_have_about_equally_many_tokens():
    step = [Group([1] * Random(n).randrange(20, 300), [Branch([2], [3])]) for n in range(40)]
    loads = [sum(part.tokens for part in parts) for parts in spread(step, 4)]

    assert max(loads) - min(loads) < 0.05 * sum(loads) / 4


def test_fewer_examples_than_passes_leaves_passes_without_a_label():
    (row, *silent) = partition([Group([4], [Branch([5], [6])])], Partition(4, forwards=3), epoch=0)

    assert build_row(row).labels == [IGNORED, IGNORED, 6]
    assert [set(build_row(parts).labels) for parts in silent] == [{IGNORED}, {IGNORED}]


def test_easy_examples_come_first_and_parts_are_of_like_difficulty():
    wholes = [Group([n], [Branch([9], [k], k % 7) for k in range(20)], "d") for n in range(4)]
    rows = partition(wholes, Partition(8, cap=4, order="difficulty"), epoch=0)
    means = [
        sum(b.difficulty for p in parts for b in p.branches) / sum(len(p.branches) for p in parts)
        for parts in rows
    ]

    assert means == sorted(means) and means[0] < 1 and means[-1] > 5


def test_the_given_order_is_kept():
    rows = partition(many, Partition(8, cap=4, order="given"), epoch=5)

    order = [(group.shared[0], branch.sql[1]) for group in many for branch in group.branches]
    for parts in rows:
        step = [(part.shared[0], branch.sql[1]) for part in parts for branch in part.branches]
        assert sorted(step) == order[: len(step)]
        del order[: len(step)]
    assert not order


def test_an_example_that_does_not_fit_beside_its_schema_is_counted_and_never_cut():
    wide = Group([7] * 90, [Branch([5] * 4, [6] * 8)], "orders")

    with pytest.raises(DataError, match=r"need 12 tokens beside the 90 .*\(orders\), of 100 in a"):
        partition([wide], Partition(4, tokens=100), epoch=0)


def test_a_row_is_no_longer_than_a_padded_batch_could_be():
    wide = Group([7] * 988, [Branch([5] * 4, [6] * 8)])

    assert [usual_tokens([wide], batch) for batch in (1, 4, 100)] == [1000, 4000, 8192]
    assert usual_tokens([Group([7] * 9000, wide.branches)], 4) == 9012


def test_rows_are_brought_together_by_what_they_share():
    found = build_groups(
        [
            ([1, 2], Branch([3], [4]), "a"),
            ([1], Branch([3], [4]), "b"),
            ([1, 2], Branch([5], [6]), "a"),
        ]
    )

    assert [(group.name, len(group.branches)) for group in found] == [("a", 2), ("b", 1)]


def test_the_tally_counts_tokens_before_and_after():
    found = tally([Group([1] * 10, [Branch([2], [3])] * 3)], Partition(4))

    assert (found.examples, found.tokens, found.shared_tokens, found.steps) == (3, 36, 16, 1)
    assert "3 examples, 36 tokens, 16 after sharing schemas (ratio 2.25)" in found.report()


def test_steps_are_as_even_as_parts_allow():
    parts = [Group([1], [Branch([2], [3])] * size) for size in (5, 3, 4, 4, 2, 6, 1)]

    sizes = [[len(part.branches) for part in step] for step in join(parts, 9)]
    assert sizes == [[5, 3], [4, 4], [2, 6, 1]]


def test_a_branch_without_a_question_is_refused():
    with pytest.raises(ValueError, match="at least one token"):
        build_row([Group([1], [Branch([], [2])])])
