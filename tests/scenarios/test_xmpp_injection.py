"""What one protocol takes for the end of a line or of an element, said in the other: it is words there, or refused; never a header, never a stanza."""
import re
import xml.etree.ElementTree as Tree
from xml.sax.saxutils import escape

import pytest

from lab import names
from lab.process import wait_until
from lab.prosody import Prosody
from lab.xmpp_user import XmppUser
from sip import ALICE, message, request
from test_xmpp_streams import Peer

JULIET, JULIET_URI, ALICE_JID = "juliet@northwind.example", "sip:juliet@northwind.example", ALICE.removeprefix("sip:")
CLIENT = "{jabber:client}"
BREAKS = {"crlf": "\r\n", "lf": "\n", "cr": "\r", "folded": "\r\n ", "twice": "\r\n\r\n", "nel": "\u0085", "ls": "\u2028", "ps": "\u2029"}
KNOWN = re.compile(r"^(Via|Max-Forwards|Record-Route|Route|From|To|Call-ID|CSeq|Contact|Content-Type|Content-Length|Content-Language|Subject|Date|"
                   r"Event|Subscription-State|Expires|Accept|Allow|Supported|imdn\.Message-ID|Require|MIME-Version|ms-[a-z-]+): ?.*$", re.I)


@pytest.fixture(scope="module")
def world(lab):
    from conftest import _start, _stop
    folder = lab.folder / "injection"
    folder.mkdir()
    server = Prosody(lab.ledger, folder, names.XMPP_DOMAIN, names.XMPP_SERVER, lab.xmpp_server, lab.public.certificate).start()
    server.add_user("juliet")
    edge = _start(lab, xmpp={names.XMPP_DOMAIN: {"partner_type": "federated", "im_mode": "page"}})
    wait_until(lambda: next(s for s in edge.ask("status")["services"] if s["name"] == "gateway")["state"] == "running", 30, "the gateway runs")
    edge.pool, edge.within = edge.serve_pool(), edge.inside()
    yield edge
    _stop(edge)
    server.stop()


def referenced(text):
    """With every odd character as a reference, so that no parser on the way makes a line end of it (XML 1.0 §2.11)."""
    return "".join(c if c in "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-: " else f"&#{ord(c)};" for c in text)


def check_lines(came):
    """Its head is lines that we know, each of them one header; what the stranger wrote is in none of their names."""
    head = came.text().split("\r\n\r\n")[0] if "\r\n\r\n" in came.text() else came.text()
    names_ = [name.lower() for name, _ in came.headers]
    assert "x-evil" not in names_ and "p-asserted-identity" not in names_, came.text()
    for name, value in came.headers:
        assert KNOWN.match(f"{name}: {value}"), (name, value)
        assert not re.search(r"[\r\n\x00-\x08\x0b-\x1f\x7f]", value), (name, value)
    assert "\r\nx-evil" not in head.lower().replace("\n", "\r\n")


@pytest.mark.short
def test_no_line_break_of_a_stanza_begins_a_header(lab, world):
    peer = Peer().prove(lab.xmpp_server)
    for ends in BREAKS.values():
        evil = referenced(f"a{ends}X-Evil: 1{ends}P-Asserted-Identity: sip:boss@contoso.example")
        peer.say(f"<message from='{JULIET}/lab' to='{ALICE_JID}' type='chat' id='{evil}' xml:lang='{evil}'>"
                 f"<subject xml:lang='{evil}'>{evil}</subject><body>plain {evil}</body><thread parent='{evil}'>{evil}</thread>"
                 f"<nick xmlns='http://jabber.org/protocol/nick'>{evil}</nick>"
                 f"<html xmlns='http://jabber.org/protocol/xhtml-im'><body xmlns='http://www.w3.org/1999/xhtml' xml:lang='{evil}'><p title='{evil}'>{evil}</p></body></html>"
                 f"<delay xmlns='urn:xmpp:delay' stamp='{evil}' from='{evil}'>{evil}</delay><request xmlns='urn:xmpp:receipts' x='{evil}'/>"
                 f"<active xmlns='http://jabber.org/protocol/chatstates' x='{evil}'/><x xmlns='jabber:x:oob'><url>{evil}</url></x></message>", "")
        came = world.pool.next_request(timeout=20)
        assert came.method == "MESSAGE" and came.body.startswith(b"plain a"), (ends, came.text())
        check_lines(came)


@pytest.mark.short
def test_a_line_break_in_an_address_makes_it_none(lab, world):
    """Of such a stanza nothing comes; its stream may end, and others go on."""
    for ends in ("\r\n", "\u2028"):
        evil = referenced(f"a{ends}X-Evil: 1")
        for from_, to in ((f"{JULIET}/{evil}", ALICE_JID), (f"juliet{evil}@northwind.example", ALICE_JID),
                          (JULIET, f"alice{evil}@contoso.example"), (JULIET, f"{ALICE_JID}/{evil}")):
            Peer().prove(lab.xmpp_server).say(f"<message from='{from_}' to='{to}' type='chat' id='1'><body>unaddressed</body></message>", "")
    other = Peer().prove(lab.xmpp_server)
    other.say(f"<message from='{JULIET}' to='{ALICE_JID}' type='chat' id='2'><body>next</body></message>", "")
    came = world.pool.next_request(timeout=20)
    check_lines(came)
    assert came.body == b"next", came.text()


@pytest.mark.short
def test_no_line_break_of_a_presence_leaves_its_document(lab, world):
    answer = world.within.ask(request("SUBSCRIBE", JULIET_URI, ALICE, JULIET_URI, via_host=names.POOL_NAME,
                                      headers=[f"Contact: <{ALICE};opaque=user:epid:x;gruu>", "Event: presence", "Expires: 3600"]), timeout=20)
    assert answer.status == 200
    peer = Peer().prove(lab.xmpp_server)
    peer.say(f"<presence from='{JULIET}' to='{ALICE_JID}' type='subscribed'/>", "")
    evil = referenced("\r\n\r\nNOTIFY sip:x SIP/2.0\r\nX-Evil: 1 ]]></note></tuple></presence><!-- ")
    peer.say(f"<presence from='{JULIET}/lab' to='{ALICE_JID}' id='{evil}' xml:lang='{evil}'><show>{evil}</show><status>{evil}</status>"
             f"<status xml:lang='{evil}'>{evil}</status><priority>{evil}</priority><delay xmlns='urn:xmpp:delay' stamp='{evil}'/></presence>", "")
    for _ in range(5):
        came = world.pool.next_request(timeout=20)
        check_lines(came)
        if came.method == "NOTIFY" and b"<tuple" in came.body and b"X-Evil" in came.body:
            break
    document = Tree.fromstring(came.body)
    assert document.tag == "{urn:ietf:params:xml:ns:pidf}presence" and len(document.findall("{urn:ietf:params:xml:ns:pidf}tuple")) == 1
    assert "X-Evil: 1" in "".join(document.itertext())


@pytest.mark.short
def test_nothing_of_a_sip_message_becomes_markup(lab, world):
    juliet = XmppUser(names.XMPP_SERVER, JULIET, "secret", lab.public.certificate)
    juliet.presence()
    evil = "</body></message><message from='boss@contoso.example' to='juliet@northwind.example'><body>evil</body></message>"
    amid = f"{evil} & \"' ]]> <!-- \u2028 \u0085 end"
    plain = message(ALICE, JULIET_URI, body=f"1 {amid}", headers=[f"Subject: first\r\n {evil}\r\n\t& \"second'", "Content-Language: x'/><evil",
                                                                  "In-Reply-To: <evil/>", "User-Agent: <evil/>"])
    cpim = (f"From: \"{evil}\" <im:alice@contoso.example>\r\nTo: <im:juliet@northwind.example>\r\nDateTime: '/><evil/>\r\n"
            f"Subject:;lang=x'/><evil/> {evil}\r\nNS: imdn <urn:ietf:params:imdn>\r\nimdn.Message-ID: a'/><evil/>\r\n"
            f"imdn.Disposition-Notification: positive-delivery\r\n\r\nContent-Type: text/plain; charset=utf-8\r\n\r\n2 {amid}")
    assert world.within.ask(plain, timeout=40).status == 200
    world.within.ask(message(ALICE, JULIET_URI, body=cpim, content_type="message/cpim"), timeout=40)
    assert world.within.ask(message(ALICE, JULIET_URI, body="3 the end"), timeout=40).status == 200
    juliet.wait_message("3 the end")
    said = [stanza for stanza in juliet.heard if stanza.tag == f"{CLIENT}message"]
    assert {stanza.get("from").partition("/")[0] for stanza in said} == {ALICE_JID}
    first = next(stanza for stanza in said if stanza.findtext(f"{CLIENT}body").startswith("1 "))
    assert first.findtext(f"{CLIENT}body") == f"1 {amid}"
    assert first.findtext(f"{CLIENT}subject") == f"first {evil} & \"second'", first.findtext(f"{CLIENT}subject")
    for stanza in said:
        assert not [element for element in stanza.iter() if "evil" in element.tag], Tree.tostring(stanza)
        assert stanza.findtext(f"{CLIENT}body")[:2] in ("1 ", "2 ", "3 ")
    # As markup it would have been a stanza of its own; escape() is what a writer makes of it.
    assert "&lt;/body&gt;" in escape(evil)
    juliet.close()
