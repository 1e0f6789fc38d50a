"""Turns: callers are served by turns, whatever each of them asks."""

from text2sql.serving.turns import Turns


def test_a_caller_who_asks_much_delays_others_by_a_place():
    turns = Turns[int]()
    turns.add("ann", range(3))
    turns.add("ben", [10, 11])

    assert turns.next() == 0
    assert [turns.take() for _ in range(5)] == [0, 10, 1, 11, 2]
    assert len(turns) == 0


def test_what_is_taken_out_leaves_the_order_of_the_others():
    turns = Turns[int]()
    turns.add("ann", [1, 2, 3])
    turns.add("ben", [4])
    turns.add("ann", [6])

    assert turns.take_all(lambda item: item % 2 == 0) == [2, 6, 4]
    assert turns.take_all() == [1, 3] and len(turns) == 0


def test_a_caller_with_nothing_to_ask_has_no_turn():
    turns = Turns[int]()
    turns.add("ann", [])
    turns.add("ben", [1])

    assert turns.take() == 1
