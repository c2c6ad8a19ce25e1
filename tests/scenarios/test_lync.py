"""Lync's dialect crosses unharmed, both ways, and what must not cross is refused in words Lync understands."""
import pytest

from lab import names, sip_peer
from lab.process import wait_until
from lync import AUDIO, CALL, CALL_TYPE, IM, OFFERS, PIDF, PLAIN, TYPING, TYPING_TYPE, WATCHER, Dialog, Endpoint, \
    Lync, assert_crossed, first_text, signature
from sip import ALICE, BOB, split, unique

pytestmark = pytest.mark.short

FRONT_END, THEIR_FRONT_END = names.POOL_NAME, "pool01.corp.fabrikam.example"
INSIDE_NAMES = [names.EDGE_NAME, names.POOL_NAME, names.EDGE_INTERNAL, names.POOL]


@pytest.fixture(scope="module")
def deployments(module_edge):
    """(contoso's Lync, fabrikam's Lync): as in life, their connections outlive what is said over them."""
    ours = Lync(Endpoint(ALICE, "Alice Müller", FRONT_END), module_edge.inside(), module_edge.serve_pool)
    theirs = Lync(Endpoint(BOB, 'Bob \\"B\\" O\'Neil', names.PARTNER_NAME, THEIR_FRONT_END), module_edge.partner(),
                  module_edge.serve_partner)
    yield ours, theirs
    module_edge.disconnect()


class Way:
    """A caller and a called side, each a Lync, with the edge between them."""

    def __init__(self, ours, theirs, is_inwards):
        self.is_inwards = is_inwards
        self.caller, self.called = (theirs, ours) if is_inwards else (ours, theirs)
        self.edge_name = names.EDGE_EXTERNAL_NAME if is_inwards else names.EDGE_NAME
        self.diagnostics = "ms-diagnostics-public" if is_inwards else "ms-diagnostics"
        self.to = self.called.endpoint.uri

    def ask(self, method, **more):
        """(sent, answer) for a request of the caller out of any dialog."""
        return self.caller.ask(self.caller.endpoint.request(method, self.to, **more))

    def crossed(self, method, **more):
        """Sends a request that must arrive as it was, and be answered 200; returns it as it arrived."""
        sent, answer = self.ask(method, **more)
        assert answer.status == 200, answer.text()
        got = self.called.next_request()
        assert_crossed(sent, got)
        return got


@pytest.fixture
def inwards(deployments):
    yield Way(*deployments, is_inwards=True)
    for lync in deployments:
        lync.forget()


@pytest.fixture(params=["inwards", "outwards"])
def way(deployments, request):
    yield Way(*deployments, is_inwards=request.param == "inwards")
    for lync in deployments:
        lync.forget()


def in_dialog(from_, to, dialog, method, **more):
    """A request in a dialog arrives as it was sent, at the other's GRUU, and its answer comes back as it was given."""
    sent, answer = from_.ask(dialog.request(method, **more))
    got = to.next_request()
    assert_crossed(sent, got)
    assert_crossed(to.sent[-1], answer)
    assert got.uri == to.endpoint.gruu
    return got, answer


class Session:
    """An IM session begun by the caller and acknowledged."""

    def __init__(self, way, **more):
        self.way = way
        sent = way.caller.send(way.caller.endpoint.invite(way.to, **more))
        self.provisional = self.answer = None
        while self.answer is None:
            m = way.caller.connection.receive()
            if m.status >= 200:
                self.answer = m
            elif m.status > 100:
                self.provisional = m
        assert self.answer.status == 200, self.answer.text()
        self.invite, self.sent = way.called.next_request(), sent
        self.caller = Dialog.of_caller(way.caller.endpoint, self.answer)
        self.called = Dialog.of_called(way.called.endpoint, self.invite)
        self.ack = way.caller.send(self.caller.request("ACK"))
        self.acked = way.called.next_request()

    def from_caller(self, method, **more):
        return in_dialog(self.way.caller, self.way.called, self.caller, method, **more)

    def from_called(self, method, **more):
        return in_dialog(self.way.called, self.way.caller, self.called, method, **more)

    def lives(self):
        """Both may still speak."""
        self.from_caller("MESSAGE", body="still here")
        self.from_called("MESSAGE", body="so am I")


# ---- IM sessions ----

@pytest.mark.parametrize("offer", OFFERS)
def test_an_im_invite_and_its_answers_cross_byte_for_byte(way, offer):
    session = Session(way, offer=OFFERS[offer])
    assert_crossed(session.sent, session.invite)
    assert_crossed(way.called.sent[0], session.provisional)
    assert_crossed(way.called.sent[1], session.answer)
    assert_crossed(session.ack, session.acked)
    assert session.acked.uri == way.called.endpoint.gruu
    assert f"epid={way.caller.endpoint.epid}" in session.invite.get("From")
    assert f"epid={way.called.endpoint.epid}" in session.answer.get("To")


def test_a_first_message_inside_the_invite_crosses(way):
    header = first_text("hello = world? äöü " * 20)
    session = Session(way, headers=[header, "Supported: ms-text-format"])
    assert session.invite.get("Ms-Text-Format") == header.partition(": ")[2]
    session.lives()


def test_both_sides_speak_type_and_one_hangs_up(way):
    session = Session(way)
    for speak in (session.from_caller, session.from_called):
        speak("INFO", body=TYPING, content_type=TYPING_TYPE, contact=False)
        speak("MESSAGE", body="Grüße\r\n\r\nSIP/2.0 200 OK\r\n")
    session.from_called("BYE", contact=False, headers=["Reason: SIP;cause=200"])


def test_the_caller_hangs_up(way):
    Session(way).from_caller("BYE", contact=False)


BODIES = {
    "plain-with-font": (PLAIN, "hello"),
    "html": ("text/html;charset=UTF-8", '<FONT FACE="Segoe UI" COLOR="#000000"><b>hello</b></FONT>'),
    "rtf": ("text/rtf", "{\\rtf1\\ansi hello\\par}"),
    "multipart": ('multipart/alternative;boundary="=_b1"', "--=_b1\r\nContent-Type: text/plain; charset=UTF-8\r\n\r\nhello\r\n"
                  "--=_b1\r\nContent-Type: text/html\r\n\r\n<b>hello</b>\r\n--=_b1--\r\n"),
    "ink": ("image/gif;x=y", bytes(range(256))),
    "delivery": ("application/ms-imdn+xml", '<imdn><message-id>1</message-id><recipient uri="sip:x@y"><status>0</status>'
                 "</recipient></imdn>"),
}


def test_every_kind_of_body_crosses_in_a_session(way):
    session = Session(way)
    for content_type, body in BODIES.values():
        got, _ = session.from_caller("MESSAGE", body=body, content_type=content_type)
        assert got.get("Content-Type") == content_type


@pytest.mark.parametrize("body", BODIES)
def test_a_page_mode_message_crosses(way, body):
    content_type, body = BODIES[body]
    way.crossed("MESSAGE", body=body, content_type=content_type, contact=False)


def test_a_session_is_refreshed_by_update_and_by_invite_from_either_side(way):
    session = Session(way)
    for speak, dialog, me, other in ((session.from_caller, session.caller, way.caller, way.called),
                                     (session.from_called, session.called, way.called, way.caller)):
        speak("UPDATE", headers=["Supported: timer", "Session-Expires: 720;refresher=uac"])
        speak("INVITE", body=IM, content_type="application/sdp", headers=["Session-Expires: 720;refresher=uac"])
        sent = me.send(dialog.request("ACK"))
        assert_crossed(sent, other.next_request())
    session.lives()


def test_a_2xx_sent_again_reaches_the_caller_again_and_each_ack_the_called(way):
    invited = []

    def answer(lync, connection, m):
        invited.append((connection, Lync.reply(lync, connection, m, 200, headers=[f"Contact: {lync.endpoint.contact}"])))
    way.called.answers["INVITE"] = answer
    session = Session(way)
    connection, same = invited[0]
    for _ in range(3):  # as its client does until an ACK has come (RFC 3261 §13.3.1.4)
        connection.send(same)
        again = way.caller.connection.final()
        assert_crossed(way.called.sent[0], again)
        assert split_vias(again) == split_vias(session.answer)
        assert again.all("Record-Route") == session.answer.all("Record-Route")
        sent = way.caller.send(session.caller.request("ACK"))
        assert_crossed(sent, way.called.next_request())


def test_a_ringing_invite_is_cancelled(way):
    ringing = {}

    def ring(lync, connection, m):
        ringing["invite"] = m
        lync.reply(connection, m, 180, "Ringing")

    def cancel(lync, connection, m):
        lync.reply(connection, m, 200)
        lync.reply(connection, ringing["invite"], 487, "Request Terminated")
    way.called.answers.update(INVITE=ring, CANCEL=cancel)
    endpoint, call_id, vias = way.caller.endpoint, unique("call"), way.caller.endpoint.vias()
    from_value = endpoint.from_(unique())
    way.caller.send(endpoint.invite(way.to, call_id=call_id, vias=vias, from_value=from_value))
    while way.caller.connection.receive().status != 180:
        pass
    way.caller.send(endpoint.request("CANCEL", way.to, call_id=call_id, vias=vias[:1], from_value=from_value, records=False,
                                     contact=False))
    finals = {m.get("CSeq"): m for m in (way.caller.connection.final(), way.caller.connection.final())}
    assert {cseq: m.status for cseq, m in finals.items()} == {"1 CANCEL": 200, "1 INVITE": 487}
    assert_crossed(way.called.sent[-1], finals["1 INVITE"])
    invite, cancelled, ack = (way.called.next_request() for _ in range(3))
    assert (cancelled.method, ack.method) == ("CANCEL", "ACK")
    for later in (cancelled, ack):  # §9.1, §17.1.1.3: the same transaction, by its topmost Via
        assert sip_peer.split_vias(later) == sip_peer.split_vias(invite)[:1]
        assert (later.uri, later.get("From"), later.get("Call-ID")) == (invite.uri, invite.get("From"), call_id)
    # The caller acknowledges the 487 to the edge, which keeps that ACK.
    way.caller.send(endpoint.request("ACK", way.to, call_id=call_id, vias=vias[:1], from_value=from_value, records=False,
                                     to_value=finals["1 INVITE"].get("To"), contact=False))
    way.crossed("MESSAGE", body="afterwards")


# ---- the path ----

split_vias = sip_peer.split_vias


def test_what_servers_wrote_into_via_survives_and_comes_back(way):
    sent, answer = way.ask("MESSAGE", body="x")
    got = way.called.next_request()
    ours, first, *rest = split_vias(got)
    theirs = split_vias(sent)
    assert rest == theirs[1:] and all("ms-received-port=" in via and "ms-received-cid=" in via for via in rest)
    assert first.startswith(theirs[0])  # and where it came from (RFC 3261 §18.2.1)
    assert split_vias(answer) == [first, *rest]


def test_signed_routes_come_back_byte_for_byte(way):
    session = Session(way)
    theirs = session.sent.all("Record-Route")
    # As the called side sees it: the edge's two on top, then those of the caller's servers as they signed them.
    seen = split(session.invite.all("Record-Route"))
    assert seen[2:] == theirs
    # As the caller sees it: what the called side's servers signed, the edge's, and its own servers'.
    records = way.called.records
    back = split(session.answer.all("Record-Route"))
    assert back[:len(records)] == records and back[len(records) + 2:] == theirs
    for message in (session.invite, session.answer):
        assert message.text().count("ms-key-info=") == message.text().count("ms-route-sig=") == \
            len(theirs) + (0 if message.is_request else len(records))
    # In the dialog each server finds the very URI that it signed; from outside nothing that stands behind the brackets.
    from_caller, from_called = list(reversed(records)), theirs
    if way.is_inwards:
        from_caller = [value.partition(">")[0] + ">" for value in from_caller]
    else:
        from_called = [value.partition(">")[0] + ">" for value in from_called]
    got, _ = session.from_caller("MESSAGE", body="x")
    assert split(got.all("Route")) == from_caller
    got, _ = session.from_called("MESSAGE", body="x")
    assert split(got.all("Route")) == from_called


def test_a_route_with_another_signature_from_outside_is_refused(inwards):
    way = inwards
    session = Session(way)
    other = f"<sip:{names.POOL_NAME}.evil.example:5061;transport=tls;lr;ms-route-sig={signature()}>"
    _, answer = way.caller.ask(session.caller.request("MESSAGE", body="x").replace(
        f"Route: {session.caller.routes[-1]}".encode(), f"Route: {other}".encode()))
    assert answer.status == 403 and way.called.server.has_no_request()
    session.lives()


# ---- what does not cross ----

def test_proxy_require_of_benotify_gets_420_and_the_retry_without_it_passes(way):
    headers = [*WATCHER, "Expires: 600", "Supported: ms-benotify"]
    _, answer = way.ask("SUBSCRIBE", headers=[*headers, "Proxy-Require: ms-benotify"])
    assert answer.status == 420
    assert [option for value in answer.all("Unsupported") for option in value.split(", ")] == ["ms-benotify"]
    assert way.called.server.has_no_request()
    way.crossed("SUBSCRIBE", headers=headers)


METHODS = {
    "NEGOTIATE": dict(headers=["Compression: LZ77-64K", "CompressionMode: Server"]),
    "SERVICE": dict(body="<SOAP-ENV:Envelope/>", content_type="application/SOAP+xml"),
    "BENOTIFY": dict(headers=["Event: presence", "Subscription-State: active"], body="<presence/>",
                     content_type="text/xml+msrtc.pidf"),
    "REFER": dict(headers=["Refer-To: <sip:mallory@evil.example>", f"Referred-By: <{BOB}>"]),
}


@pytest.mark.parametrize("method", METHODS)
def test_a_method_that_stays_inside_gets_405_with_allow(way, method):
    _, answer = way.ask(method, **METHODS[method])
    assert answer.status == 405
    assert "MESSAGE" in answer.get("Allow") and method not in answer.get("Allow")
    assert answer.get(way.diagnostics).startswith("1027;")
    assert way.called.server.has_no_request()


def test_nor_do_these_cross_in_a_dialog(way):
    session = Session(way)
    for method in ("SERVICE", "BENOTIFY", "REFER"):
        _, answer = way.caller.ask(session.caller.request(method, **METHODS[method]))
        assert answer.status == 405, answer.text()
    assert way.called.server.has_no_request()
    session.lives()


@pytest.mark.parametrize("event", ["vnd-microsoft-roaming-self", "vnd-microsoft-provisioning-v2", "presence.wpending",
                                   "registration"])
def test_subscriptions_of_the_inside_get_489(way, event):
    _, answer = way.ask("SUBSCRIBE", headers=[f"Event: {event}", "Expires: 600"])
    assert answer.status == 489 and "presence" in answer.get("Allow-Events")
    assert way.called.server.has_no_request()


@pytest.mark.parametrize("offer", [("application/sdp", AUDIO), (CALL_TYPE, CALL)], ids=["sdp", "both-forms"])
def test_a_call_gets_488_with_its_reason(way, offer):
    _, answer = way.caller.ask(way.caller.endpoint.invite(way.to, offer=offer[1], content_type=offer[0]))
    assert answer.status == 488
    number, _, reason = answer.get(way.diagnostics).partition(";")
    assert number == "30003" and "A/V Edge" in reason and "installed" in reason
    assert way.called.server.has_no_request()


def test_a_call_added_to_a_session_gets_488_and_the_session_lives(way):
    session = Session(way)
    dialog = session.caller
    _, answer = way.caller.ask(dialog.request("INVITE", body=AUDIO, content_type="application/sdp"))
    assert answer.status == 488 and way.called.server.has_no_request()
    way.caller.send(dialog.request("ACK", vias=split_vias(answer)[:1]))
    session.lives()


# ---- who says what to whom ----

TRUST, LEVEL = "ms-edge-proxy-message-trust", "ms-asserted-verification-level"
TRUSTED = [f"{TRUST}: ms-source-type=AuthorizedServer;ms-ep-fqdn={names.EDGE_NAME};"
           "ms-source-verified-user=verified;ms-source-network=federation",
           "P-Asserted-Identity: \"The Boss\" <sip:ceo@contoso.example>, <tel:+15550100>",
           "p-asserted-identity: <sip:ceo@contoso.example>", "P-Preferred-Identity: <sip:ceo@contoso.example>",
           "ms-user-data: ms-publiccloud=TRUE;ms-federation=TRUE", "ms-user-logon-data: RemoteUser",
           f"{LEVEL}: ms-source-verified-user=unverified",
           "ms-split-domain-info: ms-traffic-type=SplitIntra",
           "ms-endpoint-location-data: NetworkScope;ms-media-location-type=Intranet",
           f'ms-client-diagnostics: 52001;reason="Client side general processing error.";source="{names.POOL_NAME}"']
TRUSTED_NAMES = {line.partition(":")[0].lower() for line in TRUSTED}


def test_what_only_neighbours_may_say_is_taken_off_requests_and_answers(way):
    def answer(lync, connection, m):
        lync.reply(connection, m, 200, headers=[*TRUSTED, "X-Kept: \"as it = was\""])
    way.called.answers["MESSAGE"] = answer
    sent, answered = way.ask("MESSAGE", headers=[*TRUSTED, "X-Kept: \"as it = was\""], body="x")
    got = way.called.next_request()
    # The edge itself says whom it has seen: inwards so, outwards so; never what the sender said of himself.
    ours = TRUST if way.is_inwards else LEVEL
    assert len(got.all(ours)) == 1
    assert not set(got.all(TRUST)) & set(sent.all(TRUST))
    assert not {name.lower() for name, _ in got.headers} & (TRUSTED_NAMES - {ours})
    assert not {name.lower() for name, _ in answered.headers} & TRUSTED_NAMES
    assert got.get("X-Kept") == answered.get("X-Kept") == '"as it = was"'


def test_the_pool_is_told_by_the_edge_whom_it_has_seen(inwards):
    """[MS-SIPRE] 2.2.15: an allowed domain without a named edge is AutoFederation."""
    inwards.ask("MESSAGE", body="x")
    got = inwards.called.next_request()
    assert len(got.all(TRUST)) == 1
    said = dict(part.split("=", 1) for part in got.get(TRUST).split(";"))
    assert said["ms-source-type"] == "AutoFederation" and said["ms-source-network"] == "federation"
    assert said["ms-ep-fqdn"] == names.EDGE_NAME and said["ms-source-verified-user"] in ("verified", "unverified")


def test_diagnostics_of_the_other_side_cross_only_in_their_public_form(way):
    inner = f'1003;reason="User does not exist";destination="x";source="{FRONT_END}"'
    public = f'1003;reason="User does not exist";source="{names.PARTNER_NAME}"'

    def answer(lync, connection, m):
        lync.reply(connection, m, 404, "Not Found", headers=[f"ms-diagnostics: {inner}", f"ms-diagnostics-public: {public}",
                                                             f"ms-client-diagnostics: {inner}"])
    way.called.answers["MESSAGE"] = answer
    _, answered = way.ask("MESSAGE", body="x")
    assert answered.status == 404
    assert answered.all("ms-diagnostics-public") == [public]
    assert answered.all("ms-diagnostics") == answered.all("ms-client-diagnostics") == []
    assert FRONT_END not in answered.text() or not way.is_inwards


REFUSED = {
    "unknown-domain": (403, dict(inwards=("sip:mallory@evil.example", ALICE), outwards=(ALICE, "sip:mallory@evil.example"))),
    "not-his-own": (403, dict(inwards=(f"sip:mallory@{names.OWN_DOMAIN}", ALICE), outwards=("sip:mallory@evil.example", BOB))),
}


@pytest.mark.parametrize("case", REFUSED)
def test_a_refusal_of_ours_says_why_inside_and_no_names_outside(way, case):
    status, senders = REFUSED[case]
    from_, to = senders["inwards" if way.is_inwards else "outwards"]
    servers = way.caller.endpoint.hops
    _, answer = way.caller.ask(Endpoint(from_, "x", *servers).request("MESSAGE", to, body="x"))
    assert answer.status == status
    assert way.called.server.has_no_request()
    assert_explained(way, answer)


def assert_explained(way, answer):
    """One header, in the form of its side, that says which edge speaks; outside nothing else of the inside."""
    other = "ms-diagnostics" if way.is_inwards else "ms-diagnostics-public"
    assert answer.all(other) == []
    assert len(answer.all(way.diagnostics)) == 1
    number, reason, source = answer.get(way.diagnostics).split(";")
    assert number.isdigit() and reason.startswith('reason="') and source == f'source="{way.edge_name}"'
    if way.is_inwards:
        text = answer.text().lower()
        assert not [name for name in INSIDE_NAMES if name in text], text


def test_an_unreachable_other_side_is_504_with_a_reason_and_no_names_outside(way):
    way.called.server.close()
    _, answer = way.ask("MESSAGE", body="x")
    assert answer.status == 504
    assert_explained(way, answer)
    way.called.open()
    wait_until(lambda: way.ask("MESSAGE", body="x")[1].status == 200, 10, "the other side is tried again")


def test_a_503_of_the_other_side_is_504_with_a_reason_and_no_names_outside(way):
    def answer(lync, connection, m):
        lync.reply(connection, m, 503, "Service Unavailable", headers=["Retry-After: 60"])
    way.called.answers["MESSAGE"] = answer
    _, answer = way.ask("MESSAGE", body="x")
    assert answer.status == 504
    assert_explained(way, answer)


# ---- presence ----

def test_presence_is_watched_refreshed_and_left(way):
    watcher, watched = way.caller, way.called
    piggyback = PIDF.format(watched.endpoint.uri, "open")

    def answer(lync, connection, m):
        headers = [f"Contact: {lync.endpoint.contact}", f"Expires: {m.get('Expires')}", "Event: presence",
                   "subscription-state: active", "ms-piggyback-cseq: 1", "Supported: ms-piggyback-first-notify"]
        lync.reply(connection, m, 200, headers=headers, body=piggyback, content_type="application/pidf+xml", records=lync.records)
    watched.answers["SUBSCRIBE"] = answer

    sent, answered = way.ask("SUBSCRIBE", headers=[*WATCHER, "Expires: 28800"])
    asked = watched.next_request()
    assert_crossed(sent, asked)
    assert_crossed(watched.sent[-1], answered)
    assert answered.body == piggyback.encode() and answered.get("ms-piggyback-cseq") == "1"
    watching, told = Dialog.of_caller(watcher.endpoint, answered), Dialog.of_called(watched.endpoint, asked)

    def notify(state, subscription):
        got, _ = in_dialog(watched, watcher, told, "NOTIFY", body=PIDF.format(watched.endpoint.uri, state),
                           content_type="application/pidf+xml",
                           headers=["Event: presence", f"Subscription-State: {subscription}"])
        assert got.get("Subscription-State") == subscription
    notify("open", "active;expires=28800")
    in_dialog(watcher, watched, watching, "SUBSCRIBE", headers=[*WATCHER, "Expires: 14400"])
    notify("closed", "active;expires=14400")
    in_dialog(watcher, watched, watching, "SUBSCRIBE", headers=[*WATCHER, "Expires: 0"])
    notify("closed", "terminated;reason=timeout")


def test_a_first_notify_that_comes_before_the_answer_makes_the_dialog(way):
    """RFC 6665 §4.1.2.4: the NOTIFY may overtake the 200, and its route set counts."""
    watcher, watched = way.caller, way.called
    waiting = []
    watched.answers["SUBSCRIBE"] = lambda lync, connection, m: waiting.append((connection, m))
    watcher.send(watcher.endpoint.request("SUBSCRIBE", way.to, headers=[*WATCHER, "Expires: 600"]))
    asked = watched.next_request()
    told = Dialog.of_called(watched.endpoint, asked)
    in_dialog(watched, watcher, told, "NOTIFY", body=PIDF.format(watched.endpoint.uri, "open"),
              content_type="application/pidf+xml", headers=["Event: presence", "Subscription-State: active;expires=600"])
    wait_until(lambda: waiting, 10, "the request is held")
    watched.reply(*waiting[0], 200, headers=["Expires: 600"])
    assert watcher.connection.final().status == 200
