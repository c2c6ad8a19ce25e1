"""Messages, sessions and subscriptions cross as they should; what must not cross does not."""
import pytest

from lab import names, sip_peer
from lab.process import wait_until
from lab.sip_peer import response
from sip import ALICE, AUDIO_SDP, BOB, Dialog, invite, message, request, unique, uri_of

pytestmark = pytest.mark.short


def test_a_partners_message_reaches_the_pool_and_its_answer_comes_back(edge, pool):
    partner = edge.partner()
    answer = partner.ask(message(body="hello alice", branch="z9hG4bKpartner1", max_forwards=70))
    assert answer.status == 200
    got = pool.next_request()
    assert (got.method, got.uri, got.body) == ("MESSAGE", ALICE, b"hello alice")
    assert got.get("Max-Forwards") == "69"
    vias = sip_peer.split_vias(got)
    assert len(vias) == 2 and names.EDGE_NAME in vias[0] and "z9hG4bKpartner1" in vias[1]
    assert len(sip_peer.split_vias(answer)) == 1 and "z9hG4bKpartner1" in answer.get("Via")


def test_our_users_message_reaches_the_partner(edge):
    partner = edge.serve_partner()
    answer = edge.inside().ask(message(ALICE, BOB, body="hello bob"))
    assert answer.status == 200
    got = partner.next_request()
    assert (got.method, got.body) == ("MESSAGE", b"hello bob")
    assert names.EDGE_EXTERNAL_NAME in sip_peer.split_vias(got)[0]
    assert names.EDGE_INTERNAL not in sip_peer.split_vias(got)[0]


def test_an_answer_of_the_pool_crosses_as_it_is(edge):
    edge.serve_pool(handler=lambda c, m: c.send(response(m, 486, "Busy Here", ["Retry-After: 17"])))
    answer = edge.partner().ask(message())
    assert (answer.status, answer.get("Retry-After")) == (486, "17")


def test_messages_of_many_senders_on_one_connection_each_get_their_own_answer(edge, pool):
    partner = edge.partner()
    calls = [unique("call") for _ in range(50)]
    for call in calls:
        partner.send(message(f"sip:user-{call}@{names.PARTNER_DOMAIN}", call_id=call))
    answers = [partner.final() for _ in calls]
    assert sorted(a.get("Call-ID") for a in answers) == sorted(calls)
    assert {a.status for a in answers} == {200}


def test_a_message_sent_twice_before_its_answer_reaches_the_pool_once(edge):
    waiting = []
    pool = edge.serve_pool(handler=lambda c, m: waiting.append((c, m)))
    partner = edge.partner()
    same = message()
    partner.send(same + same)
    partner.ask(options(names.EDGE_EXTERNAL_NAME, BOB))  # both have been read by now
    wait_until(lambda: waiting, 10, "the pool has one")
    connection, m = waiting[0]
    connection.send(response(m, 200))
    assert partner.final().status == 200
    pool.next_request()
    assert pool.has_no_request()


def options(host, sender):
    return request("OPTIONS", f"sip:{host}", sender, f"sip:{host}")


@pytest.mark.parametrize("side", ["partner", "inside"])
def test_options_to_the_edge_is_answered_by_the_edge(edge, side):
    connection = getattr(edge, side)()
    name, sender = (names.EDGE_EXTERNAL_NAME, BOB) if side == "partner" else (names.EDGE_NAME, ALICE)
    assert connection.ask(options(name, sender)).status == 200


@pytest.mark.parametrize("sender, status", [(f"sip:{names.PARTNER_NAME}", 200), (f"sip:ping@{names.PARTNER_NAME}", 200),
                                            ("sip:sip.evil.example", 403), (f"sip:other.{names.PARTNER_DOMAIN}", 403)])
def test_a_partners_edge_asks_in_its_own_name_whether_we_live(edge, sender, status):
    """Its certificate carries the host it speaks for; another host, even of the same domain, it does not."""
    assert edge.partner().ask(options(names.EDGE_EXTERNAL_NAME, sender)).status == status


def test_the_name_of_a_host_opens_nothing_but_the_edge_itself(edge, pool):
    ask = request("OPTIONS", ALICE, f"sip:{names.PARTNER_NAME}", ALICE)
    assert edge.partner().ask(ask).status == 403
    assert pool.has_no_request()


@pytest.mark.parametrize("headers", [[], ["Event: presence"], ["Event:"]])
def test_publish_gets_405_whatever_it_lacks(edge, pool, headers):
    answer = edge.partner().ask(request("PUBLISH", ALICE, BOB, ALICE, headers=headers))
    assert answer.status == 405 and "MESSAGE" in answer.get("Allow")
    assert pool.has_no_request()


@pytest.mark.parametrize("method", ["REGISTER", "PUBLISH"])
def test_a_method_that_does_not_federate_gets_405_with_allow(edge, pool, method):
    answer = edge.partner().ask(request(method, ALICE, BOB, ALICE, headers=["Event: presence"]))
    assert answer.status == 405
    assert "MESSAGE" in answer.get("Allow") and method not in answer.get("Allow")
    assert pool.has_no_request()


@pytest.mark.parametrize("method", ["A", "FOO", "X" * 32, "X" * 33, "message"])
def test_an_unknown_method_does_not_cross(edge, pool, method):
    answer = edge.partner().ask(request(method, ALICE, BOB, ALICE))
    assert 400 <= answer.status < 600
    assert pool.has_no_request()


def test_max_forwards_zero_gets_483_and_none_is_taken_as_enough(edge, pool):
    partner = edge.partner()
    assert partner.ask(message(max_forwards=0)).status == 483
    assert pool.has_no_request()
    assert partner.ask(message(max_forwards=None)).status == 200
    assert pool.next_request().get("Max-Forwards") == "70"


# ---- identity (security: SIP-1) ----

@pytest.mark.parametrize("sender", ["sip:mallory@evil.example", f"sip:alice@{names.OWN_DOMAIN}",
                                    f"sip:bob@sub.{names.PARTNER_DOMAIN}", f"sip:bob@x{names.PARTNER_DOMAIN}",
                                    f"sip:bob@{names.PARTNER_DOMAIN}.evil.example", f"sip:{names.PARTNER_DOMAIN}@evil.example"])
def test_a_from_that_the_certificate_does_not_speak_for_is_refused(edge, pool, sender):
    answer = edge.partner().ask(message(sender))
    assert answer.status in (403, 404)
    assert pool.has_no_request()


def test_a_spoofed_from_is_refused_with_403_and_an_event_names_it(edge, pool):
    answer = edge.partner().ask(message("sip:mallory@evil.example"))
    assert answer.status == 403
    edge.wait_event("mallory@evil.example")


def test_headers_that_carry_trust_do_not_cross_inwards(edge, pool):
    trusted = ["P-Asserted-Identity: <sip:ceo@contoso.example>", "p-asserted-identity: <sip:ceo@contoso.example>",
               "Remote-Party-ID: <sip:ceo@contoso.example>", "P-Preferred-Identity: <sip:ceo@contoso.example>",
               "Proxy-Authorization: Digest username=\"ceo\""]
    edge.partner().ask(message(headers=trusted))
    got = pool.next_request()
    names_seen = {name.lower() for name, _ in got.headers}
    assert not names_seen & {"p-asserted-identity", "remote-party-id", "p-preferred-identity", "proxy-authorization"}


# ---- dialogs ----

def established_session(edge):
    """A session bob began with alice: (partner connection, bob's dialog, pool server, alice's dialog)."""
    def answer(connection, m):
        if m.method == "INVITE":
            connection.send(response(m, 180, "Ringing", tag="alice1"))
            connection.send(response(m, 200, "OK", [f"Contact: <{ALICE};opaque=user:epid:xyz;gruu>"], "v=0\r\n", tag="alice1"))
        elif m.method != "ACK":
            connection.send(response(m, 200))
    pool = edge.serve_pool(handler=answer)
    partner = edge.partner()
    call, tag = unique("call"), unique("tag")
    answered = partner.ask(invite(call_id=call, from_tag=tag))
    assert answered.status == 200, answered.text()
    got = pool.next_request()
    bob = Dialog.of_caller(call, BOB, tag, answered, ALICE)
    alice = Dialog.of_called(got, ALICE, "alice1", BOB)
    partner.send(bob.request("ACK", cseq=1))
    assert pool.next_request().method == "ACK"
    return partner, bob, pool, alice


def test_an_im_session_lives_from_invite_to_bye(edge):
    partner, bob, pool, alice = established_session(edge)
    assert partner.ask(bob.request("MESSAGE", body="in the session")).status == 200
    got = pool.next_request()
    assert (got.method, got.body, got.uri) == ("MESSAGE", b"in the session", bob.target)
    assert partner.ask(bob.request("INFO", body="typing", content_type="application/im-iscomposing+xml")).status == 200
    assert pool.next_request().method == "INFO"
    assert partner.ask(bob.request("BYE")).status == 200
    assert pool.next_request().method == "BYE"


def test_the_called_side_speaks_in_the_dialog_by_the_route_set(edge):
    partner, bob, pool, alice = established_session(edge)
    theirs = edge.serve_partner()
    inside = edge.inside()
    inside.send(alice.request("MESSAGE", body="back to you"))
    # The edge may use the connection bob's edge opened, or one of its own.
    try:
        got = theirs.next_request(3)
        server_side = True
    except sip_peer.Timeout:
        got = partner.receive()
        server_side = False
    assert (got.method, got.body) == ("MESSAGE", b"back to you")
    if not server_side:
        partner.send(response(got, 200))
    assert inside.final().status == 200
    assert inside.ask(alice.request("BYE")).status == 200 if server_side else True


def test_routes_of_the_edge_carry_its_names_and_a_token(edge):
    partner, bob, pool, alice = established_session(edge)
    assert len(bob.routes) == 2 and len(alice.routes) == 2
    assert names.EDGE_EXTERNAL_NAME in bob.routes[0] and ";lr" in bob.routes[0]
    assert names.EDGE_NAME in alice.routes[0]


@pytest.mark.parametrize("method", ["INVITE", "BYE", "INFO", "NOTIFY", "MESSAGE"])
def test_a_spoofed_from_inside_a_dialog_is_refused(edge, method):
    partner, bob, pool, alice = established_session(edge)
    answer = partner.ask(bob.request(method, from_="sip:mallory@evil.example",
                                     headers=["Event: presence"] if method == "NOTIFY" else []))
    assert answer.status == 403, answer.text()
    assert pool.has_no_request()


def test_an_ack_with_a_spoofed_from_is_dropped(edge):
    partner, bob, pool, alice = established_session(edge)
    partner.send(bob.request("ACK", cseq=1, from_="sip:mallory@evil.example"))
    assert partner.ask(bob.request("MESSAGE", body="after")).status == 200
    assert pool.next_request().method == "MESSAGE"
    assert pool.has_no_request()


def test_an_audio_offer_gets_488_where_no_media_edge_exists(edge, pool):
    answer = edge.partner().ask(invite(sdp=AUDIO_SDP))
    assert answer.status == 488
    assert pool.has_no_request()


def test_a_cancelled_invite_ends_with_487(edge):
    def answer(connection, m):
        if m.method == "INVITE":
            connection.send(response(m, 180, "Ringing", tag="a"))
            connection.invited = m
        elif m.method == "CANCEL":
            connection.send(response(m, 200))
            connection.send(response(connection.invited, 487, "Request Terminated", tag="a"))
    pool = edge.serve_pool(handler=answer)
    partner = edge.partner()
    call, tag, branch = unique("call"), unique(), unique("z9hG4bK")
    partner.send(invite(call_id=call, from_tag=tag, branch=branch))
    while True:
        provisional = partner.receive()
        if provisional.status == 180:
            break
    partner.send(request("CANCEL", ALICE, BOB, ALICE, call_id=call, from_tag=tag, branch=branch,
                         via_host=f"edge.{names.PARTNER_DOMAIN}"))
    finals = {m.get("CSeq"): m.status for m in (partner.final(), partner.final())}
    assert finals == {"1 CANCEL": 200, "1 INVITE": 487}
    assert [pool.next_request().method for _ in range(3)] == ["INVITE", "CANCEL", "ACK"]


def test_a_subscription_and_its_notifies_cross(edge):
    def answer(connection, m):
        connection.send(response(m, 200, "OK", ["Expires: 600", f"Contact: <{ALICE};gruu>"], tag="alice1"))
    pool = edge.serve_pool(handler=answer)
    theirs = edge.serve_partner()
    partner = edge.partner()
    call, tag = unique("call"), unique("tag")
    headers = ["Event: presence", "Accept: application/pidf+xml", "Expires: 600"]
    assert partner.ask(request("SUBSCRIBE", ALICE, BOB, ALICE, call_id=call, from_tag=tag, headers=headers,
                               contact=f"<{BOB};gruu>")).status == 200
    alice = Dialog.of_called(pool.next_request(), ALICE, "alice1", BOB)
    inside = edge.inside()
    inside.send(alice.request("NOTIFY", headers=["Event: presence", "Subscription-State: active;expires=600"],
                              body="<presence/>", content_type="application/pidf+xml"))
    try:
        got = theirs.next_request(3)
    except sip_peer.Timeout:
        got = partner.receive()
        partner.send(response(got, 200))
    assert got.method == "NOTIFY" and got.body == b"<presence/>" and uri_of(f"<{got.uri}>") == f"{BOB};gruu"
    assert inside.final().status == 200


# ---- steering (security: SIP-3, SIP-4, SIP-13) ----

ROUTES = ["<sip:127.0.0.1:5061;transport=tls;lr>", "<sip:[::1]:5061;lr>", f"<sip:{names.POOL_NAME}:5061;transport=tls;lr>",
          f"<sip:{names.EDGE_EXTERNAL_NAME}:5061;lr;maddr=127.0.98.1>", "<sip:127.0.98.1:5060;transport=udp;lr>",
          "<sip:127.0.98.1>", f"<sip:{names.EDGE_NAME}:5061;transport=tls;lr>, <sip:127.0.98.1:5061;lr>",
          f"<sip:{names.EDGE_EXTERNAL_NAME}:5061;transport=tls;lr>, <sip:127.0.98.1:5061;lr>", "<sips:127.0.98.1;lr>"]


@pytest.mark.parametrize("route", ROUTES)
def test_a_route_from_outside_steers_nothing(edge, pool, route):
    with sip_peer.Server("127.0.98.1", None) as trap:
        answer = edge.partner().ask(message(routes=[route]))
        assert answer.status == 403 or (answer.status == 200 and names.EDGE_EXTERNAL_NAME in route), answer.text()
        assert trap.accepted == 0


def test_a_forged_token_is_refused(edge):
    partner, bob, pool, alice = established_session(edge)
    # The token is the user part of the route: each of its characters, changed.
    for at in range(bob.routes[0].index(":") + 1, bob.routes[0].index("@")):
        other = "a" if bob.routes[0][at] != "a" else "b"
        wrong = bob.routes[0][:at] + other + bob.routes[0][at + 1:]
        answer = partner.ask(bob.request("MESSAGE", body="x", routes=[wrong, *bob.routes[1:]]))
        assert answer.status in (403, 481), answer.text()
    assert pool.has_no_request()


def test_a_token_of_another_dialog_is_refused(edge):
    partner, bob, pool, alice = established_session(edge)
    stolen = bob.request("MESSAGE", body="x").replace(bob.call_id.encode(), b"another-call")
    assert partner.ask(stolen).status in (403, 481)
    assert pool.has_no_request()


def test_a_via_is_never_where_an_answer_goes(edge, pool):
    with sip_peer.Server("127.0.98.1", None) as trap:
        partner = edge.partner()
        bad = message().replace(f"TLS {names.PARTNER_NAME}:5061".encode(), b"TLS 127.0.98.1:5061;maddr=127.0.98.1")
        assert partner.ask(bad).status == 200
        assert trap.accepted == 0


def test_a_response_from_another_connection_is_dropped(edge):
    seen = []
    pool = edge.serve_pool(handler=lambda c, m: seen.append((c, m)))
    partner, stranger = edge.partner(), edge.partner()
    partner.send(message(call_id="theft"))
    got = pool.next_request()
    stranger.send(response(got, 200, "Stolen"))
    stranger.ask(options(names.EDGE_EXTERNAL_NAME, BOB))  # it has been read by now
    seen[0][0].send(response(got, 202, "Accepted"))
    assert partner.final().status == 202
