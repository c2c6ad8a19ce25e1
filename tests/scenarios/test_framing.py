"""Bytes on a stream: any split is the same message; doubt about framing ends the connection; the edge lives."""
import pytest

from lab.sip_peer import PeerClosed, Timeout
from sip import ALICE, BOB, message, unique

pytestmark = pytest.mark.short


def assert_refused(edge, pool, connection, data, may_answer=True):
    """One answer of 4xx or 5xx at most, then the end; nothing reaches the pool; the next connection works."""
    try:
        connection.send(data)
    except PeerClosed:
        pass
    how, messages = connection.wait_closed(15)
    assert len(messages) <= (1 if may_answer else 0), messages
    assert all(400 <= m.status < 600 for m in messages), messages
    assert pool.has_no_request()
    assert edge.partner().ask(message()).status == 200
    pool.next_request()
    return messages


def test_one_byte_at_a_time_is_one_message(edge, pool):
    partner = edge.partner()
    partner.send_slowly(message(body="slowly"))
    assert partner.final().status == 200
    assert pool.next_request().body == b"slowly"


@pytest.mark.parametrize("size", [2, 3, 7, 63, 64, 65, 255])
def test_any_split_gives_the_same_message(edge, pool, size):
    partner = edge.partner()
    partner.send_slowly(message(body="x" * 300) + message(body="y" * 300), size)
    assert [partner.final().status for _ in range(2)] == [200, 200]
    assert [pool.next_request().body[:1] for _ in range(2)] == [b"x", b"y"]


def pipelined(connection, from_, to):
    """Sends a thousand messages at once; {Call-ID: final answer}, exactly one each."""
    calls = [unique("call") for _ in range(1000)]
    connection.send(b"".join(message(from_, to, call_id=call) for call in calls))
    answers = {}
    for _ in calls:
        answer = connection.final()
        assert answers.setdefault(answer.get("Call-ID"), answer) is answer, "a second final answer"
    assert sorted(answers) == sorted(calls)
    connection.send(b"\r\n\r\n")
    return answers


def test_a_thousand_pipelined_messages_of_our_pool_all_cross(edge):
    partner = edge.serve_partner()
    answers = pipelined(edge.inside(timeout=60), ALICE, BOB)
    assert {a.status for a in answers.values()} == {200}
    assert sorted(partner.next_request().get("Call-ID") for _ in answers) == sorted(answers)
    assert partner.has_no_request()


def test_a_thousand_pipelined_messages_of_a_partner_get_one_answer_each(edge, pool):
    """One partner may have 512 under way; what is over it is told to come later, none is lost."""
    answers = pipelined(edge.partner(timeout=60), BOB, ALICE)
    crossed = [call for call, a in answers.items() if a.status == 200]
    assert len(crossed) >= 512
    assert all(a.status == 200 or (a.status == 503 and a.get("Retry-After")) for a in answers.values())
    assert sorted(pool.next_request().get("Call-ID") for _ in crossed) == sorted(crossed)
    assert pool.has_no_request()


def test_a_body_of_100_kilobytes_gets_513(edge, pool):
    partner = edge.partner()
    messages = assert_refused(edge, pool, partner, message(body="x" * 100 * 1024))
    assert [m.status for m in messages] == [513]


def test_a_body_at_the_limit_crosses(edge, pool):
    partner = edge.partner()
    assert partner.ask(message(body="x" * 65536)).status == 200
    assert len(pool.next_request().body) == 65536


def test_keep_alives_between_messages_are_no_messages(edge, pool):
    partner = edge.partner()
    partner.send(b"\r\n\r\n")
    partner.send(b"\r\n" + message() + b"\r\n\r\n" + message())
    assert [partner.final().status for _ in range(2)] == [200, 200]


def test_a_ping_gets_a_pong(edge, pool):
    partner = edge.partner()
    partner.send(b"\r\n\r\n")
    partner.sock.settimeout(10)
    assert partner.sock.recv(16) == b"\r\n"


# ---- what cannot be framed ----

HOSTILE = {
    "bare-lf": lambda m: m.replace(b"\r\n", b"\n"),
    "bare-lf-in-one-header": lambda m: m.replace(b"CSeq: 1 MESSAGE\r\n", b"CSeq: 1 MESSAGE\n"),
    "bare-cr-in-a-value": lambda m: m.replace(b"CSeq: 1", b"CSeq:\r1"),
    "nul-in-a-header": lambda m: m.replace(b"CSeq: 1", b"CSeq: \x001"),
    "no-start-line": lambda m: b"hello there\r\n\r\n",
    "http": lambda m: b"GET / HTTP/1.1\r\nHost: sip.contoso.example\r\n\r\n",
    "xmpp": lambda m: b"<?xml version='1.0'?><stream:stream to='contoso.example'>\r\n\r\n",
    "binary": lambda m: bytes(range(256)) * 4 + b"\r\n\r\n",
    "header-section-without-end": lambda m: b"MESSAGE sip:a@b SIP/2.0\r\n" + b"X: y\r\n" * 40000,
    "one-endless-line": lambda m: b"MESSAGE sip:" + b"a" * 300000,
}


@pytest.mark.parametrize("name", HOSTILE)
def test_what_cannot_be_framed_ends_the_connection(edge, pool, name):
    assert_refused(edge, pool, edge.partner(), HOSTILE[name](message()))


LENGTHS = {
    "absent": "",
    "negative": "Content-Length: -1\r\n",
    "signed": "Content-Length: +5\r\n",
    "hexadecimal": "Content-Length: 0x5\r\n",
    "blank-inside": "Content-Length: 1 0\r\n",
    "empty": "Content-Length:\r\n",
    "word": "Content-Length: five\r\n",
    "fraction": "Content-Length: 5.0\r\n",
    "overflow-32": "Content-Length: 4294967301\r\n",
    "overflow-64": "Content-Length: 18446744073709551621\r\n",
    "too-many-digits": "Content-Length: 00000000000000000005\r\n",
    "twice-different": "Content-Length: 5\r\nContent-Length: 6\r\n",
    "twice-equal": "Content-Length: 5\r\nContent-Length: 5\r\n",
    "compact-and-long-different": "l: 5\r\nContent-Length: 6\r\n",
    "list": "Content-Length: 5, 5\r\n",
}


@pytest.mark.parametrize("name", LENGTHS)
def test_a_doubtful_content_length_is_refused_and_closes(edge, pool, name):
    head, _, body = message(body="hello").partition(b"\r\n\r\n")
    head = b"\r\n".join(line for line in head.split(b"\r\n") if not line.startswith(b"Content-Length"))
    messages = assert_refused(edge, pool, edge.partner(), head + b"\r\n" + LENGTHS[name].encode() + b"\r\n" + body)
    assert all(m.status == 400 for m in messages)
    edge.wait_event("malformed")


@pytest.mark.parametrize("spelling", ["l: 5", "CONTENT-LENGTH: 5", "Content-Length : 5", "Content-Length:5", "Content-Length:\r\n 5",
                                      "Content-Length: 5   "])
def test_every_legal_spelling_of_content_length_is_understood(edge, pool, spelling):
    head, _, body = message(body="hello").partition(b"\r\n\r\n")
    head = b"\r\n".join(line for line in head.split(b"\r\n") if not line.startswith(b"Content-Length"))
    partner = edge.partner()
    partner.send(head + b"\r\n" + spelling.encode() + b"\r\n\r\n" + body + message(body="next"))
    assert [partner.final().status for _ in range(2)] == [200, 200]
    assert [pool.next_request().body for _ in range(2)] == [b"hello", b"next"]


# ---- what can be framed and is still wrong: an answer, and the connection goes on ----

WRONG = {
    "header-without-colon": lambda m: m.replace(b"CSeq: 1 MESSAGE", b"CSeq 1 MESSAGE"),
    "empty-header-name": lambda m: m.replace(b"CSeq: 1 MESSAGE", b": 1\r\nCSeq: 1 MESSAGE"),
    "no-from": lambda m: drop(m, b"From:"),
    "no-to": lambda m: drop(m, b"To:"),
    "no-call-id": lambda m: drop(m, b"Call-ID:"),
    "no-cseq": lambda m: drop(m, b"CSeq:"),
    "two-froms": lambda m: m.replace(b"From:", b"From: <sip:x@evil.example>;tag=1\r\nFrom:"),
    "two-call-ids": lambda m: m.replace(b"Call-ID:", b"Call-ID: other\r\nCall-ID:"),
    "cseq-of-another-method": lambda m: m.replace(b"1 MESSAGE", b"1 INVITE"),
    "cseq-too-large": lambda m: m.replace(b"CSeq: 1 ", b"CSeq: 4294967296 "),
    "uri-without-host": lambda m: m.replace(b"MESSAGE " + ALICE.encode(), b"MESSAGE sip:", 1),
    "uri-of-another-scheme": lambda m: m.replace(b"MESSAGE " + ALICE.encode(), b"MESSAGE http://contoso.example/", 1),
    "version-3": lambda m: m.replace(b"SIP/2.0\r\n", b"SIP/3.0\r\n", 1),
    "from-without-uri": lambda m: m.replace(b"<" + BOB.encode() + b">", b"<>", 1),
    "from-empty-sip": lambda m: m.replace(b"<" + BOB.encode() + b">", b"<sip:>", 1),
    "proxy-require": lambda m: m.replace(b"CSeq:", b"Proxy-Require: flying\r\nCSeq:"),
    "max-forwards-not-a-number": lambda m: m.replace(b"Max-Forwards: 70", b"Max-Forwards: many"),
    "max-forwards-too-large": lambda m: m.replace(b"Max-Forwards: 70", b"Max-Forwards: 99999999999"),
}


def drop(data, name):
    head, _, body = data.partition(b"\r\n\r\n")
    return b"\r\n".join(line for line in head.split(b"\r\n") if not line.startswith(name)) + b"\r\n\r\n" + body


@pytest.mark.parametrize("name", WRONG)
def test_a_wrong_message_gets_an_error_or_nothing_and_harms_no_other(edge, pool, name):
    partner = edge.partner()
    try:
        partner.send(WRONG[name](message()))
        answer = partner.final(timeout=3)
        assert 400 <= answer.status < 600, answer.text()
    except (PeerClosed, Timeout):
        pass
    assert pool.has_no_request()
    assert edge.partner().ask(message()).status == 200


# ---- the end of a stream ----

def send_and_cut(edge, pool, data, complete):
    """
    The bodies that the pool gets of `data`, sent on a connection that is cut behind it: all `complete` messages.
    A request that waits for a look-up when its asker goes is dropped, and what the edge knows of a partner holds for
    some seconds only: it can run out between the message that warms it and the cut, but not twice in a row.
    """
    for _ in range(2):
        assert edge.partner().ask(message(body="warm")).status == 200
        partner = edge.partner()
        partner.send(data)
        partner.half_close()
        _, answers = partner.wait_closed()
        # A cut has no way back: what was answered before it was seen has come, whole and in order, and nothing after it.
        assert [m.status for m in answers] == [200] * len(answers) and len(answers) <= complete
        assert edge.partner().ask(message(body="the end")).status == 200
        bodies = []
        while not bodies or bodies[-1] != b"the end":
            bodies.append(pool.next_request().body)
        if len(bodies) > 2:
            break
    return bodies[1:-1]


def test_what_came_whole_before_a_half_close_goes_on(edge, pool):
    assert send_and_cut(edge, pool, message(body="one") + message(body="two"), 2) == [b"one", b"two"]


@pytest.mark.parametrize("cut", list(range(1, 700, 37)))
def test_a_stream_cut_anywhere_has_only_whole_messages(edge, pool, cut):
    three = message(body="first") + message(body="second") + message(body="third")
    cut = min(cut * 2, len(three) - 1)
    complete = sum(cut >= end for end in ends(three))
    assert send_and_cut(edge, pool, three[:cut], complete) == [b"first", b"second", b"third"][:complete]


def ends(data):
    """Where each message of a stream ends."""
    at, found = 0, []
    while at < len(data):
        head_end = data.index(b"\r\n\r\n", at) + 4
        length = int(data[at:head_end].split(b"Content-Length: ")[1].split(b"\r\n")[0])
        at = head_end + length
        found.append(at)
    return found


def test_a_reset_in_the_middle_of_a_message_harms_nobody(edge, pool):
    import socket
    import struct
    for _ in range(20):
        partner = edge.partner()
        partner.send(message()[:200])
        partner.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        partner.close()
    assert edge.partner().ask(message()).status == 200
