"""Messages over a socket: whole, in order, and an end that is gone is noticed."""

import socket
import threading

import pytest

from text2sql.execution.pipes import Pipe


@pytest.fixture
def ends():
    one, two = (Pipe(end.detach()) for end in socket.socketpair())
    yield one, two
    one.close()
    two.close()


def test_messages_arrive_whole_and_in_order(ends) -> None:
    large = bytes(range(256)) * 20_000
    writer = threading.Thread(target=lambda: [ends[0].send(m) for m in (b"a", b"", large)])
    writer.start()
    assert [ends[1].receive() for _ in range(3)] == [b"a", b"", large]
    writer.join()


def test_waiting_ends_with_a_message_with_its_time_or_with_the_other_end(ends) -> None:
    one, two = ends
    assert not two.wait(0.01)
    one.send(b"a")
    assert two.wait(10) and two.receive() == b"a"
    one.close()
    assert two.wait(10)


def test_an_end_that_is_gone_is_an_error(ends) -> None:
    one, two = ends
    one.close()
    with pytest.raises(EOFError):
        two.receive()
    with pytest.raises(OSError):
        two.send(b"a")
    assert one.closed
    with pytest.raises(OSError):
        one.send(b"a")


def test_half_a_message_is_none(ends) -> None:
    one, two = ends
    import os

    os.write(one._open(), b"\0\0\0\x05abc")
    one.close()
    with pytest.raises(EOFError):
        two.receive()


def test_what_was_sent_ahead_is_waited_for_no_more(ends) -> None:
    one, two = ends
    for message in (b"first", b"", b"third"):
        one.send(message)
    assert two.receive() == b"first"
    assert two.wait(0) and two.receive() == b""
    assert two.wait(0) and two.receive() == b"third"
    assert not two.wait(0)
