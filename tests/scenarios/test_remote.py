"""Our own users outside, and people without an account: what they may, what they may not, and what is shown of them."""
import json
import os
import time

import pytest

from lab import names, sip_peer
from lab.process import wait_until
from lab.sip_peer import PeerClosed, request, response
from remote import Registrar, User, address, to_user
from sip import Dialog, SESSION_SDP

MEETING = f"sip:all@{names.OWN_DOMAIN}"
ANONYMOUS = "sip:anonymous@anonymous.invalid"


@pytest.fixture
def served(start_edge):
    """served(**documents): an edge that serves remote users, and its pool."""
    def start(**documents):
        running = start_edge(remote=True, **documents)
        registrar = Registrar()
        running.pool = running.serve_pool(handler=registrar)
        running.registrar = registrar
        return running
    return start


def signed_in(running, user="alice", **more):
    program = User(running, user, **more)
    answer = program.sign_in()
    assert answer.status == 200, answer.text()
    program.answer = answer
    return program


def rows(running):
    return running.ask("remote", "list")["rows"]


@pytest.mark.short
def test_a_remote_user_signs_in_writes_and_is_reached(served):
    running = served()
    alice = signed_in(running)
    register = running.registrar.of("REGISTER")[-1]
    path = register.get("Path")
    # The password's proof passes, the user's own claims do not, and the pool is told where he is.
    assert register.get("Authorization") and "InternetUser" in register.get("ms-edge-proxy-message-trust")
    assert names.EDGE_NAME in path and ";ob" in path and alice.answer.get("Path") is None
    assert alice.answer.get("Flow-Timer") == "120"
    assert "received=127.0.40.1" in register.text()

    answer = alice.connection.ask(alice.message(address("dora")))
    assert answer.status == 200
    assert running.registrar.of("MESSAGE")[-1].body == b"hello from outside"

    # All that the pool offers is his, also what no partner may ask for.
    for method in ("PUBLISH", "SUBSCRIBE", "REFER", "SERVICE"):
        answer = alice.connection.ask(request(method, alice.address, alice.address, alice.address, headers=["Event: dialog"],
                                              contact="<sip:alice@192.168.1.2:4000;transport=tls>", via_host="192.168.1.2"))
        assert answer.status == 200 and running.registrar.of(method), method
    assert alice.connection.ask(request("NEGOTIATE", alice.address, alice.address, alice.address)).status == 405

    inside = running.inside()
    contact = running.registrar.bindings["alice"][0]
    inside.send(to_user(path, contact, call_id="in-1"))
    got = alice.connection.receive()
    assert got.method == "MESSAGE" and got.uri == contact and not got.all("Route")
    alice.connection.send(response(got, 200))
    assert inside.final().status == 200

    row = rows(running)[0]
    assert row["user"] == "alice@contoso.example" and row["agent"] == "Lab/1" and row["state"] == "signed in"
    assert row["address"].startswith("127.0.40.1:") and 0 < row["expires_in_s"] <= 300
    wait_until(lambda: running.ask("status")["traffic"]["remote_users"] == 1, 5, "the count of remote users")
    running.wait_event("remote-signed-in", "alice@contoso.example")

    # CRLF CRLF is answered (RFC 5626 §4.4.1).
    alice.connection.send(b"\r\n\r\n")
    wait_until(lambda: alice.connection.sock.recv(2) == b"\r\n" if _readable(alice.connection) else False, 5, "a pong")

    # The flow ends with its connection: what comes for it then is told so.
    alice.connection.close()
    running.wait_event("remote-signed-out", "alice@contoso.example")
    answer = inside.ask(to_user(path, contact, call_id="in-2"))
    assert answer.status == 430 and rows(running) == []


def _readable(connection):
    import select
    return bool(select.select([connection.sock], [], [], 0)[0]) or connection.sock.pending() > 0


@pytest.mark.short
def test_nobody_speaks_as_who_he_is_not(served):
    running = served(allowed=[names.PARTNER_DOMAIN])
    stranger = User(running, "alice")
    cases = [
        ("before signing in", stranger.message(address("dora")), 403),
        ("for somebody else", stranger.register_request(from_=address("dora")), 403),
        ("as a partner", stranger.register_request(from_=f"sip:bob@{names.PARTNER_DOMAIN}", to=f"sip:bob@{names.PARTNER_DOMAIN}"), 403),
        ("by a Route of his own", stranger.message(address("dora"), routes=[f"<sip:{names.POOL};lr>"]), 403),
        ("without an account, off", request("INVITE", MEETING, ANONYMOUS, MEETING, contact="<sip:x@192.168.1.2>"), 403),
    ]
    for what, bytes_, status in cases:
        answer = stranger.connection.ask(bytes_)
        assert answer.status == status, f"{what}: {answer.text()}"
        assert names.POOL_NAME not in answer.text()
    assert running.pool.has_no_request()

    alice = signed_in(running)
    before = len(running.registrar.seen)
    cases = [
        ("as another user", alice.message(address("dora"), from_=address("dora")), 403),
        ("as a partner", alice.message(address("dora"), from_=f"sip:bob@{names.PARTNER_DOMAIN}"), 403),
        ("as another by preference", alice.message(address("dora"), headers=[f"P-Preferred-Identity: <{address('dora')}>"]), 403),
    ]
    for what, bytes_, status in cases:
        answer = alice.connection.ask(bytes_)
        assert answer.status == status, f"{what}: {answer.text()}"
    assert len(running.registrar.seen) == before
    running.wait_event("request-refused", "signed-in")
    # Only a registrar signs in: any program of his would answer 200 to a REGISTER that leads to itself, as the pool here does.
    for target in (address("alice"), "sip:10.9.9.9", f"sip:{names.PARTNER_DOMAIN}"):
        as_dora = request("REGISTER", target, address("dora"), address("dora"), contact="<sip:dora@192.168.1.2>", via_host="192.168.1.2")
        assert alice.connection.ask(as_dora).status == 403, target
    assert len(running.registrar.seen) == before
    running.wait_event("request-refused", "registrar")
    # His own claims of trust go no further.
    alice.connection.ask(alice.message(address("dora"), headers=[
        f"P-Preferred-Identity: <{address('alice')}>", f"P-Asserted-Identity: <{address('dora')}>",
        "ms-edge-proxy-message-trust: ms-source-type=AuthorizedServer", "Path: <sip:evil.example;lr>"]))
    got = running.registrar.of("MESSAGE")[-1]
    assert got.get("P-Asserted-Identity") is None and got.get("Path") is None and got.get("P-Preferred-Identity")
    assert got.all("ms-edge-proxy-message-trust") == [v for v in got.all("ms-edge-proxy-message-trust") if "InternetUser" in v]
    # The partner's listener serves no remote users.
    partner = running.partner()
    assert partner.ask(alice.register_request()).status == 405


@pytest.mark.short
def test_a_dialog_goes_both_ways_and_dies_with_its_flow(served):
    running = served()
    alice = signed_in(running)
    call = "dialog-1"
    sent = request("INVITE", address("dora"), alice.address, address("dora"), call_id=call, from_tag="a",
                   body=SESSION_SDP.format(uri=alice.address), content_type="application/sdp",
                   contact="<sip:alice@192.168.1.2:4000;transport=tls>", via_host="192.168.1.2")
    answer = alice.connection.ask(sent)
    assert answer.status == 200
    inside_invite = running.registrar.of("INVITE")[-1]
    ours = Dialog.of_caller(call, alice.address, "a", answer, address("dora"))
    alice.connection.send(ours.request("ACK", cseq=1))
    theirs = Dialog.of_called(inside_invite, address("dora"), "answerer", alice.address)
    inside = running.inside()
    inside.send(theirs.request("INFO"))
    got = alice.connection.receive()
    assert got.method == "INFO" and not got.all("Route")
    alice.connection.send(response(got, 200))
    assert inside.final().status == 200
    assert alice.connection.ask(ours.request("INFO")).status == 200
    # A dialog's token is no key for another call.
    other = Dialog(alice.address, address("dora"), "another-call", "a", "answerer", ours.target, ours.routes)
    assert alice.connection.ask(other.request("BYE")).status == 403
    alice.connection.close()
    running.wait_event("remote-signed-out")
    assert inside.ask(theirs.request("BYE")).status == 430


def test_failed_sign_ins_have_to_wait(served):
    running = served(access_edge={"remote_failed_sign_ins": 3})
    guesser = User(running, "alice", source="127.0.40.2")
    nonce = running.registrar.nonce
    # An old nonce is no wrong password, and the challenge itself is none.
    assert guesser.attempt("x", "stale-nonce").status == 401
    assert guesser.attempt().status == 401
    for _ in range(3):
        assert guesser.attempt("guess", nonce).status == 401
    asked = len(running.registrar.of("REGISTER"))
    answer = guesser.attempt("wonderland", nonce)
    assert answer.status == 480 and 1 <= int(answer.get("Retry-After")) <= 10
    assert len(running.registrar.of("REGISTER")) == asked
    running.wait_event("sign-in-held", "127.0.40.2")
    running.wait_event("sign-in-failed", "alice@contoso.example")
    # From there nobody else may try either; elsewhere another user may, and the guessed-at one waits.
    assert User(running, "dora", source="127.0.40.2").attempt().status == 480
    assert User(running, "alice", source="127.0.40.3").attempt().status == 480
    dora = signed_in(running, "dora", source="127.0.40.3")

    # Whatever the method: who has an account may not guess at another's password with it. A challenge is no failure, nor is his own.
    def challenging(connection, message):
        if message.is_request:
            tries = message.get("Authorization")
            connection.send(response(message, 403 if tries and "own" in tries else 407, headers=["Proxy-Authenticate: Digest realm=x, nonce=n"]))
    running.pool.handler = challenging
    for proof in [None, 'Digest username="dora", response="own"'] * 3 + ['Digest username="alice2", response="guess"'] * 3:
        sent = dora.message(address("eve"), headers=[f"Authorization: {proof}"] if proof else [])
        assert dora.connection.ask(sent).status == (403 if proof and "own" in proof else 407)
    running.wait_event("sign-in-held", "alice2@contoso.example")
    answer = dora.connection.ask(dora.message(address("eve"), headers=['Authorization: Digest username="alice2", response="guess"']))
    assert answer.status == 480 and answer.get("Retry-After")
    assert dora.connection.ask(dora.message(address("eve"))).status == 407, "who is signed in goes on"
    # Nor by renewing her own registration with it, nor behind credentials of her own.
    guess, own = 'Authorization: Digest username="alice2", response="guess"', 'Proxy-Authorization: Digest username="dora", response="own"'
    assert dora.connection.ask(dora.register_request([guess])).status == 480
    assert dora.connection.ask(dora.message(address("eve"), headers=[own, guess])).status == 480
    assert dora.connection.ask(dora.register_request([])).status == 407


def test_what_strangers_send_to_the_pool_is_bounded(served):
    running = served(access_edge={"remote_sign_in_rate": 1000, "remote_failed_sign_ins": 1000})
    stranger = User(running, "alice")
    statuses = []
    with pytest.raises(PeerClosed):
        for _ in range(60):
            statuses.append(stranger.attempt().status)
    assert statuses.count(401) == 40 and len(running.registrar.of("REGISTER")) == 40
    # A body that only somebody known may send.
    stranger = User(running, "alice")
    stranger.connection.send(stranger.message(address("dora"), body="x" * 20000))
    how, messages = stranger.connection.wait_closed()
    assert [m.status for m in messages] == [513]


def test_half_a_message_buys_no_time_to_sign_in(served):
    """To the end of the two minutes with PARLEY_LONG=1; else that what comes in halves is read, and refused."""
    running, is_long = served(), bool(os.environ.get("PARLEY_LONG"))
    stranger = User(running, "alice")
    rest, rounds, end = b"", 0, time.monotonic() + (180 if is_long else 2)
    try:
        while time.monotonic() < end:
            whole = stranger.message(address("dora"))
            stranger.connection.send(rest + whole[:40])
            if rest:
                assert stranger.connection.final().status == 403
                rounds += 1
            rest = whole[40:]
            time.sleep(0.5)
    except (PeerClosed, OSError):
        assert is_long
        running.wait_event("connection-closed", "nobody has signed in in time")
    else:
        assert not is_long and rounds > 1


def test_limits_by_address_and_by_user(served):
    running = served(access_edge={"remote_connections_per_user": 2, "remote_connections_per_address": 3, "remote_sign_in_rate": 100})
    signed_in(running), signed_in(running)
    third = User(running, "alice")
    assert third.attempt().status == 480
    running.wait_event("request-refused", "remote-connections-per-user")
    with pytest.raises((PeerClosed, OSError, sip_peer.ssl.SSLError)):
        User(running, "dora").attempt()
    running.wait_event("limit-reached", "remote-connections-per-address")
    assert signed_in(running, "dora", source="127.0.40.9").answer.status == 200


@pytest.mark.short
def test_policy_withdrawn_cuts_off_at_once_and_says_why(served):
    running = served()
    alice, dora = signed_in(running), signed_in(running, "dora", source="127.0.40.4")
    # What is under way is answered first: the pool holds the answer back until the policy is gone.
    held = []
    running.pool.handler = lambda connection, message: held.append((connection, message)) if message.method == "MESSAGE" else None
    alice.connection.send(alice.message(address("dora"), call_id="under-way"))
    wait_until(lambda: held, 5, "the message at the pool")
    running.ask("policy", "new", "Inside", "--yes")
    plan = running.parley("user", "add", "alice@contoso.example", "policy=Inside", "--dry-run", "--json").stdout
    assert '"closing":1' in plan and "1 user would lose access from outside" in plan, plan
    running.ask("user", "add", "alice@contoso.example", "policy=Inside", "--yes")
    connection, message = held[0]
    connection.send(response(message, 200))
    assert alice.connection.final().status == 200
    alice.connection.wait_closed(10)
    event = running.wait_event("remote-signed-out", "alice@contoso.example")
    assert "Inside" in event and "does not permit remote access" in event
    assert [row["user"] for row in rows(running)] == ["dora@contoso.example"]
    # And does not come back; why says the same.
    again = User(running, "alice").attempt()
    assert again.status == 403 and "4003" in again.get("ms-diagnostics")
    why = json.loads(running.parley("--json", "why", "alice@contoso.example", "contoso.example", "sign-in").stdout)
    assert why["name"] == "outside-access" and "policy set Inside enable-outside-access=true" in why["change"]
    # The switch cuts everybody off.
    running.ask("access-edge", "set", "allow-outside-users=false", "--yes")
    dora.connection.wait_closed(10)
    assert User(running, "dora").attempt().status == 403


def test_an_administrator_disconnects_a_user(served):
    running = served(access_edge={"mask_remote_addresses": "true"})
    alice, second = signed_in(running), signed_in(running)
    assert {row["address"] for row in rows(running)} == {"127.0.40.0/24"}
    assert running.ask("remote", "disconnect", "alice@contoso.example")["count"] == 2
    alice.connection.wait_closed(10), second.connection.wait_closed(10)
    event = running.wait_event("remote-signed-out", "alice@contoso.example")
    assert "disconnected by administrator" in event and "127.0.40.0/24" in event
    missing = running.parley("remote", "disconnect", "alice@contoso.example")
    assert missing.returncode != 0 and "remote list" in missing.stderr


def test_signing_out_and_lapsing_end_it(served):
    running = served()
    alice = signed_in(running)
    assert alice.sign_in(expires=0).status == 200
    assert [row["state"] for row in rows(running)] == ["lapsed"]
    wait_until(lambda: running.ask("status")["traffic"]["remote_users"] == 0, 5, "who has signed out is counted no longer")
    assert alice.connection.ask(alice.message(address("dora"))).status == 403
    running.registrar.expires = 1
    assert alice.sign_in().status == 200
    running.wait_event("remote-signed-out", "lapsed")
    assert alice.connection.ask(alice.message(address("dora"))).status == 403


@pytest.mark.short
def test_anonymous_participants_come_to_listed_meetings_only(served):
    running = served(access_edge={"allow_anonymous_users": "true"}, conferences={"all@contoso.example": {}})
    guest = User(running, "nobody")

    def invite(to, call):
        return request("INVITE", to, ANONYMOUS, to, call_id=call, from_tag="g", contact="<sip:guest@192.168.1.2:4000;transport=tls>",
                       body=SESSION_SDP.format(uri=ANONYMOUS), content_type="application/sdp", via_host="192.168.1.2")
    refused = guest.connection.ask(invite(address("alice"), "g-1"))
    assert refused.status == 403
    running.wait_event("request-refused", "conference-address")
    answer = guest.connection.ask(invite(MEETING, "g-2"))
    assert answer.status == 200
    inside_invite = running.registrar.of("INVITE")[-1]
    assert "InternetUser" in inside_invite.get("ms-edge-proxy-message-trust")
    ours = Dialog.of_caller("g-2", ANONYMOUS, "g", answer, MEETING)
    guest.connection.send(ours.request("ACK", cseq=1))
    theirs = Dialog.of_called(inside_invite, MEETING, "answerer", ANONYMOUS)
    inside = running.inside()
    inside.send(theirs.request("INFO"))
    got = guest.connection.receive()
    guest.connection.send(response(got, 200))
    assert got.method == "INFO" and inside.final().status == 200
    # To lets nobody in to where the Request-URI leads, nor does a meeting's dialog; an account is no guest's to claim.
    before = len(running.registrar.seen)
    ends_else = ours.request("MESSAGE").replace(ours.target.encode(), address("alice").encode(), 1)
    cases = [
        ("by To", invite(MEETING, "g-4").replace(f"To: <{MEETING}".encode(), f"To: <{address('alice')}".encode()), 403),
        ("in the dialog", ends_else, 403),
        ("as somebody", invite(MEETING, "g-5").replace(b"\r\nCall-ID", f"\r\nP-Preferred-Identity: <{address('dora')}>\r\nCall-ID".encode(), 1), 403),
    ]
    for what, bytes_, status in cases:
        answer = guest.connection.ask(bytes_)
        assert answer.status == status, f"{what}: {answer.text()}"
    assert len(running.registrar.seen) == before
    # Lync's meetings have their organizer's address: what is listed lets guests to them, and not to him.
    running.ask("conference", "add", "dora@contoso.example", "organizer=dora@contoso.example", "--yes")
    assert guest.connection.ask(invite(address("dora"), "g-6")).status == 403
    running.wait_event("request-refused", "is a user")
    assert guest.connection.ask(invite(address("dora") + ";gruu;opaque=app:conf:focus:id:AB12", "g-7")).status == 200
    running.ask("conference", "remove", "dora@contoso.example", "--yes")
    row = rows(running)[0]
    assert row["kind"] == "anonymous" and row["user"] == "all@contoso.example"
    # Signing in is none of his business, and the meeting's end is his.
    why = running.ask("why", "anonymous@anonymous.invalid", "all@contoso.example")
    assert why["answer"] == "pass"
    running.ask("conference", "remove", "all@contoso.example", "--yes")
    guest.connection.wait_closed(10)
    assert User(running, "nobody").connection.ask(invite(MEETING, "g-3")).status == 403
