"""What people say across a stock Prosody: IM sessions of Lync's kind, typing, letters of every alphabet and size, and what must never cross."""
import pytest

from lab import names, sip_peer
from lab.process import wait_until
from lab.prosody import Prosody
from lab.xmpp_user import XmppUser
from sip import ALICE, Dialog, invite, message, tag_of

ALICE_JID, JULIET_URI = "alice@contoso.example", "sip:juliet@northwind.example"
CONTACT = "Contact: <sip:alice@pool1.contoso.example;opaque=user:epid:x;gruu>"
STATES = "http://jabber.org/protocol/chatstates"


@pytest.fixture(scope="module")
def northwind(lab):
    server = Prosody(lab.ledger, lab.folder / "talks", names.XMPP_DOMAIN, names.XMPP_SERVER, lab.xmpp_server, lab.public.certificate,
                     more="c2s_stanza_size_limit = 1024 * 1024\ns2s_stanza_size_limit = 1024 * 1024\n").start()
    server.add_user("juliet")
    yield server
    server.stop()


@pytest.fixture
def juliet(lab, northwind):
    user = XmppUser(names.XMPP_SERVER, "juliet@northwind.example", "secret", lab.public.certificate)
    user.presence()
    yield user
    user.close()


@pytest.fixture
def edge(start_edge):
    running = start_edge(xmpp={names.XMPP_DOMAIN: {"partner_type": "federated"}})
    wait_until(lambda: next(s for s in running.ask("status")["services"] if s["name"] == "gateway")["state"] == "running", 30,
               "the gateway runs")
    return running


def lync_pool(connection, request):
    """Takes no MESSAGE of its own, as Lync's clients do not; accepts sessions."""
    if request.method == "MESSAGE" and ";tag=" not in request.get("To"):
        connection.send(sip_peer.response(request, 405, "Method Not Allowed", headers=["Allow: INVITE, ACK, BYE, CANCEL"]))
    elif request.method == "INVITE":
        connection.send(sip_peer.response(request, 200, headers=[CONTACT], tag="pool",
                                          body="v=0\r\no=- 0 0 IN IP4 192.0.2.1\r\ns=s\r\nc=IN IP4 192.0.2.1\r\nt=0 0\r\nm=message 5060 sip null\r\n"))
    elif request.method != "ACK":
        connection.send(sip_peer.response(request, 200))


def next_of(pool, method):
    for _ in range(20):
        request = pool.next_request(timeout=20)
        if request.method == method:
            return request
    raise AssertionError(f"no {method}")


def test_a_session_that_the_xmpp_user_begins(edge, juliet):
    pool = edge.serve_pool(handler=lync_pool)
    inside = edge.inside()
    juliet.message(ALICE_JID, "wherefore art thou")
    session = next_of(pool, "INVITE")
    assert b"m=message" in session.body and "juliet@northwind.example" in session.get("From"), session.text()
    said = next_of(pool, "MESSAGE")
    assert said.body == b"wherefore art thou" and tag_of(said.get("To")) == "pool", said.text()
    dialog = Dialog.of_called(session, ALICE, "pool", JULIET_URI)
    typing = dialog.request("INFO", body="<KeyboardActivity><status status='type'/></KeyboardActivity>", content_type="application/xml")
    assert inside.ask(typing).status == 200
    juliet.wait(lambda s: s.find(f"{{{STATES}}}composing") is not None, what="composing")
    assert inside.ask(dialog.request("MESSAGE", body="here"), timeout=40).status == 200
    assert juliet.wait_message("here", ALICE_JID).get("type") == "chat"
    juliet.message(ALICE_JID, "a second line")
    assert next_of(pool, "MESSAGE").body == b"a second line", "in the same session, learnt once"
    assert inside.ask(dialog.request("BYE")).status == 200
    juliet.wait(lambda s: s.find(f"{{{STATES}}}gone") is not None, what="gone")


@pytest.mark.short
def test_a_session_that_our_user_begins(edge, juliet):
    pool, inside = edge.serve_pool(), edge.inside()
    answer = inside.ask(invite(ALICE, JULIET_URI))
    assert answer.status == 200, answer.text()
    dialog = Dialog.of_caller(answer.get("Call-ID"), ALICE, tag_of(answer.get("From")), answer, JULIET_URI)
    inside.send(dialog.request("ACK"))
    assert inside.ask(dialog.request("MESSAGE", body="soft, what light"), timeout=40).status == 200
    juliet.wait_message("soft, what light", ALICE_JID)
    juliet.send(f"<message to='{ALICE_JID}' type='chat'><composing xmlns='{STATES}'/></message>")
    typing = next_of(pool, "INFO")
    assert b'status="type"' in typing.body or b"status='type'" in typing.body, typing.text()
    assert typing.get("Call-ID") == answer.get("Call-ID")
    juliet.message(ALICE_JID, "who is there?")
    assert next_of(pool, "MESSAGE").get("Call-ID") == answer.get("Call-ID")
    juliet.send(f"<message to='{ALICE_JID}' type='chat'><gone xmlns='{STATES}'/></message>")
    assert next_of(pool, "BYE").get("Call-ID") == answer.get("Call-ID")


def test_letters_of_every_alphabet_and_size(edge, juliet):
    pool, inside = edge.serve_pool(), edge.inside()
    words = "\U0001F339 \u97f3\u4e50 \u05e9\u05dc\u05d5\u05dd <&>\"' ]]>"
    assert inside.ask(message(ALICE, JULIET_URI, body=words), timeout=40).status == 200
    juliet.wait_message(words)
    juliet.message(ALICE_JID, words)
    assert next_of(pool, "MESSAGE").body.decode() == words
    long = "x" * 60000
    assert inside.ask(message(ALICE, JULIET_URI, body=long), timeout=40).status == 200
    juliet.wait_message(long)
    juliet.message(ALICE_JID, long)
    assert next_of(pool, "MESSAGE").body.decode() == long
    assert inside.ask(message(ALICE, JULIET_URI, body="x" * 65537), timeout=40).status in (413, 513)


def test_what_is_too_long_comes_back(edge, juliet):
    pool = edge.serve_pool()
    returned = juliet.message(ALICE_JID, "x" * 100000)
    assert "policy-violation" in juliet.wait_error(returned).find(".//{jabber:client}error")[0].tag
    assert pool.has_no_request()


def test_no_attribute_of_a_stanza_adds_a_header(edge, juliet):
    pool = edge.serve_pool()
    evil = "x&#13;&#10;P-Asserted-Identity: &lt;sip:boss@contoso.example&gt;"
    juliet.send(f"<message to='{ALICE_JID}' id='{evil}' xml:lang='{evil}'><subject>{evil}</subject><body>plain</body>"
                f"<thread parent='{evil}'>{evil}</thread><request xmlns='urn:xmpp:receipts'/></message>")
    request = next_of(pool, "MESSAGE")
    assert request.body == b"plain" and request.get("P-Asserted-Identity") is None, request.text()
    assert "P-Asserted-Identity" in request.get("Subject"), "it is words of the subject, and nothing else"


def test_what_has_no_counterpart_comes_back_with_its_reason(edge, juliet):
    pool = edge.serve_pool()
    for number, (inside, condition) in enumerate((
            ("<body>I sent you an OMEMO encrypted message</body><encrypted xmlns='eu.siacs.conversations.axolotl'/>", "not-acceptable"),
            ("<propose xmlns='urn:xmpp:jingle-message:0' id='1'/>", "feature-not-implemented"),
            ("<x xmlns='jabber:x:conference' jid='room@conference.northwind.example'/>", "feature-not-implemented"))):
        juliet.send(f"<message to='{ALICE_JID}' type='chat' id='n{number}'>{inside}</message>")
        assert condition in juliet.wait_error(f"n{number}").find(".//{jabber:client}error")[0].tag
    juliet.send(f"<iq to='{ALICE_JID}/x' type='set' id='j1'><jingle xmlns='urn:xmpp:jingle:1' action='session-initiate' sid='1'/></iq>")
    juliet.wait_error("j1")
    juliet.send("<iq to='contoso.example' type='get' id='d1'><query xmlns='http://jabber.org/protocol/disco#info'/></iq>")
    answer = juliet.wait(lambda s: s.get("id") == "d1", what="disco#info")
    assert answer.get("type") == "result" and answer.find(".//{http://jabber.org/protocol/disco#info}identity").get("category") == "gateway"
    assert pool.has_no_request()
