"""Memory that two processes see."""

import os

import torch

from text2sql.decoding.board import Board, open_board


def test_what_one_view_writes_another_reads_and_both_grow():
    descriptor = open_board()
    ours, theirs = Board(descriptor), Board(os.dup(descriptor))
    ours.tensor((2, 3), torch.float32).copy_(torch.arange(6.0).view(2, 3))
    assert theirs.tensor((2, 3), torch.float32).tolist() == [[0, 1, 2], [3, 4, 5]]

    ours.tensor((700, 1000), torch.float64).fill_(0.25)
    assert theirs.tensor((700, 1000), torch.float64).sum() == 175_000
    assert theirs.tensor((2,), torch.bfloat16).dtype == torch.bfloat16
    ours.close()
    theirs.close()


def test_a_tensor_stays_readable_when_the_board_is_closed():
    board = Board(open_board())
    left = board.tensor((4,), torch.float32).fill_(2)
    board.close()
    assert left.tolist() == [2, 2, 2, 2]
