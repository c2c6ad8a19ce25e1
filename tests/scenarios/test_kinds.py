"""What each kind of federation carries, on the wire and both ways: every service to and from a partner, a public and a hosting provider, XMPP."""
import pytest

from lab import names
from lab.dns import host_record
from lab.edge import document, _object
from lab.laboratory import BOTH
from sip import ALICE, AUDIO_SDP, BOB, SESSION_SDP, message, request

pytestmark = pytest.mark.short

PUBLIC, PUBLIC_EDGE, PUBLIC_ADDRESS = "people.example", "sip.people.example", "127.0.41.1"
HOSTED, HOSTING_EDGE, HOSTING_ADDRESS = "hosted.example", "sip.hosting.example", "127.0.41.2"
FOCUS = ";gruu;opaque=app:conf:focus:id:AB12"
FILE_SDP = AUDIO_SDP.replace("m=audio 40000 RTP/AVP 0", "m=data 6901 RTP/AVP 127")
SHARED_SDP = AUDIO_SDP + "m=applicationsharing 40002 TCP/RTP/AVP 127\r\n"
CONTACT = "<{from_};opaque=user:epid:abc;gruu>"


def invite(from_, to, sdp, **more):
    return request("INVITE", to, from_, to.partition(";")[0], body=sdp, content_type=more.pop("content_type", "application/sdp"),
                   contact=more.pop("contact", CONTACT).format(from_=from_), via_host="a.example", **more)


def subscribe(from_, to, event):
    return request("SUBSCRIBE", to, from_, to, headers=[f"Event: {event}", "Expires: 600"], contact=CONTACT.format(from_=from_),
                   via_host="a.example")


# Each way a service is asked for.
ASKED = {
    "im": [message, lambda f, t: invite(f, t, SESSION_SDP.format(uri=f))],
    "presence": [lambda f, t: subscribe(f, t, "presence")],
    "calls": [lambda f, t: invite(f, t, AUDIO_SDP), lambda f, t: invite(f, t, AUDIO_SDP.replace("audio", "video"))],
    "conferences": [lambda f, t: invite(f, t + FOCUS, SESSION_SDP.format(uri=f)),
                    lambda f, t: invite(f, t, SESSION_SDP.format(uri=f), contact="<{from_};gruu>;isfocus"),
                    lambda f, t: invite(f, t, "<Conferencing/>", content_type="application/ms-conf-invite+xml"),
                    lambda f, t: subscribe(f, t, "conference")],
    "files": [lambda f, t: invite(f, t, FILE_SDP), lambda f, t: invite(f, t, SHARED_SDP),
              lambda f, t: request("MESSAGE", t, f, t, body="Application-Name: File Transfer\r\n", via_host="a.example",
                                   content_type="text/x-msmsgsinvite; charset=UTF-8")],
}
WORDS = {"calls": "audio and video", "conferences": "conferences", "files": "files or shared applications"}


def check(kind, from_, to, connection, there, services, carried):
    for service in services:
        for ask in ASKED[service]:
            data = ask(from_, to)
            answer, head = connection.ask(data), data.partition(b"\r\n\r\n")[0].decode()
            if service in carried:
                assert answer.status == 200, f"{kind} carries {service}: {answer}\n{head}"
                assert there.next_request().get("Call-ID") in head
            else:
                assert answer.status == 488, f"{kind} carries no {service}: {answer}\n{head}"
                said = answer.get("ms-diagnostics") or ""  # our own users are told why; others are not
                assert from_ != ALICE or "30021" in said and f"{kind} federation carries no {WORDS[service]}" in said, said
    assert there.has_no_request()


def test_each_service_by_each_kind(start_edge, lab):
    def provider(name, **fields):
        return _object("sip-provider", ("identity", name), enabled="true", verification_level="always-verifiable", **fields)
    certificates = {}
    for edge_name, address in ((PUBLIC_EDGE, PUBLIC_ADDRESS), (HOSTING_EDGE, HOSTING_ADDRESS)):
        certificates[address] = lab.public.issue(f"kinds-{edge_name}", edge_name, usages=BOTH)
        lab.dns.add(host_record(edge_name, address))
    edge = start_edge(
        topology={"media": "direct"}, xmpp={names.XMPP_DOMAIN: {"partner_type": "federated"}},
        files={"conf.d/sip-providers.xml": document(
            "sip-providers", provider("People", type="public", proxy_fqdn=PUBLIC_EDGE, domains=PUBLIC),
            provider("Host", type="hosting", proxy_fqdn=HOSTING_EDGE, domains=HOSTED)),
            "conf.d/access-policies.xml": document("access-policies", _object(
                "access-policy", ("identity", "Global"), enable_federation_access="true", enable_xmpp_access="true",
                enable_public_cloud_access="true", enable_public_cloud_audio_video_access="true"))})
    inside, pool = edge.inside(), edge.serve_pool()

    everything, people = tuple(ASKED), ("im", "presence")
    for kind, them, address, carried in (("SIP", BOB, names.PARTNER, everything),
                                         ("public provider", f"sip:pat@{PUBLIC}", PUBLIC_ADDRESS, people),
                                         ("hosting provider", f"sip:hal@{HOSTED}", HOSTING_ADDRESS, everything)):
        there = edge.serve_partner(address, certificate=certificates.get(address))
        theirs = edge.partner(certificates.get(address), source=address)
        check(kind, them, ALICE, theirs, pool, everything, carried)
        check(kind, ALICE, them, inside, there, everything, carried)
        if kind == "public provider":
            # Calls where its entry says so, and nothing else for it.
            edge.ask("provider", "set", "People", "carry-calls=true")
            check(kind, them, ALICE, theirs, pool, ("calls", "conferences", "files"), ("calls",))
            check(kind, ALICE, them, inside, there, ("calls", "conferences", "files"), ("calls",))
            edge.wait_event("request-refused", "kind-service", PUBLIC)

    # To XMPP nothing of the sort gets as far as the gateway; the same is said beforehand.
    check("XMPP", ALICE, f"sip:juliet@{names.XMPP_DOMAIN}", inside, pool, ("calls", "conferences", "files"), ())
    for them, what, code in ((PUBLIC, "file", 1), (PUBLIC, "conference", 1), (HOSTED, "file", 0), (names.PARTNER_DOMAIN, "file", 0)):
        assert edge.parley("why", "alice@contoso.example", f"x@{them}", what).returncode == code, (them, what)
