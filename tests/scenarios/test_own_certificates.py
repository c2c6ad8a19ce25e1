"""Lists of revoked certificates, certificates by SNI and for single partners, and what is remembered of partners'."""
import ssl

import pytest

from lab import names, sip_peer
from lab.certificates import CLIENT, SERVER
from lab.dns import host_record
from lab.process import wait_until
from lab.sip_peer import PeerClosed
from sip import ALICE, BOB, message

HOSTED = "sip.hosted.example"


def shown_to(edge, server_name):
    """The certificate that the edge shows to a partner that asks for this name."""
    context = sip_peer.client_context(edge.lab.public.certificate, edge.lab.partner)
    connection = edge._open(names.EDGE_EXTERNAL, context, server_name, source=names.PARTNER)
    return [value for kind, value in connection.sock.getpeercert()["subjectAltName"] if kind == "DNS"], connection


# ---- revoked ----

@pytest.fixture
def start_with_crls(start_edge, lab):
    def start(*revoked, **settings):
        return start_edge(edge={"external_crls": "certs/crls.pem"}, access_edge=settings,
                          files={"certs/crls.pem": lab.public.revoke(*revoked)})
    return start


def refused(edge, certificate):
    try:
        connection = edge.partner(certificate)
        connection.send(message())
        connection.final()
    except (PeerClosed, ssl.SSLError, OSError):
        return True
    return False


def test_a_revoked_certificate_is_refused_and_named(start_with_crls, lab):
    revoked = lab.public.issue("revoked", names.PARTNER_NAME)
    edge = start_with_crls(revoked)
    edge.serve_pool()
    assert refused(edge, revoked)
    edge.wait_event("connection-refused", "revoked")
    assert edge.partner().ask(message()).status == 200


def test_a_new_list_ends_the_living_connection_of_whom_it_names_and_no_other(start_with_crls, lab):
    good, stolen = lab.public.issue("kept", names.PARTNER_NAME), lab.public.issue("stolen", names.PARTNER_NAME)
    edge = start_with_crls()
    edge.serve_pool()
    kept, gone = edge.partner(good), edge.partner(stolen)
    assert kept.ask(message()).status == gone.ask(message()).status == 200
    edge.edge.write_file("certs/crls.pem", lab.public.revoke(stolen))
    gone.wait_closed(20)
    edge.wait_event("connection-closed", "tls-ours", "revoked")
    assert kept.ask(message()).status == 200
    assert refused(edge, stolen)


def test_without_keeping_them_up_to_date_a_new_list_waits_for_a_reload(start_with_crls, lab):
    stolen = lab.public.issue("stolen-later", names.PARTNER_NAME)
    edge = start_with_crls(keep_crls_up_to_date_for_peers="false")
    edge.serve_pool()
    gone = edge.partner(stolen)
    assert gone.ask(message()).status == 200
    edge.edge.write_file("certs/crls.pem", lab.public.revoke(stolen))
    with pytest.raises(sip_peer.Timeout):
        gone.wait_closed(5)
    assert gone.ask(message()).status == 200
    edge.edge.process.child.send_signal(1)
    gone.wait_closed(20)


def test_a_list_that_is_none_is_told_and_the_old_one_stays(start_with_crls, lab):
    revoked = lab.public.issue("revoked-still", names.PARTNER_NAME)
    edge = start_with_crls(revoked)
    edge.serve_pool()
    assert refused(edge, revoked)
    edge.edge.write_file("certs/crls.pem", "no list at all\n")
    edge.wait_event("CRLs", seconds=20)
    assert refused(edge, revoked) and edge.partner().ask(message()).status == 200


# ---- ours ----

def test_hosted_names_get_their_certificate_by_sni(start_edge, lab):
    hosted = lab.public.issue("hosted", HOSTED)
    edge = start_edge(certificates={"hosted": (hosted, [HOSTED])})
    edge.serve_pool()
    for asked, expected in ((HOSTED, HOSTED), (names.EDGE_EXTERNAL_NAME, names.EDGE_EXTERNAL_NAME), (HOSTED, HOSTED)):
        shown, connection = shown_to(edge, asked)
        assert shown == [expected]
        assert connection.ask(message()).status == 200


class Seeing:
    """A partner that notes whose certificate each connection shows."""

    def __init__(self):
        self.names = []

    def __call__(self, connection, request):
        if request.is_request:
            self.names.append([v for k, v in connection.sock.getpeercert()["subjectAltName"] if k == "DNS"])
        sip_peer.answer_ok(connection, request)


def test_one_partner_is_shown_a_certificate_of_its_own(start_edge, lab):
    """As decisions ask for: a partner that wants the client usage, which public authorities no longer give."""
    private = lab.public.issue("for-fabrikam", "client.contoso.example", usages=(SERVER, CLIENT))
    lab.dns.add(host_record("sip.second.example", names.PARTNER_2))
    second = lab.public.issue("second", "sip.second.example")
    edge = start_edge(certificates={"for-fabrikam": (private, [])},
                      allowed=[(names.PARTNER_DOMAIN, {"outbound_certificate": "for-fabrikam"}),
                               ("second.example", {"proxy_fqdn": "sip.second.example"})])
    first, other = Seeing(), Seeing()
    edge.serve_partner(handler=first)
    edge.serve_partner(names.PARTNER_2, handler=other, certificate=second)
    inside = edge.inside()
    assert inside.ask(message(ALICE, BOB)).status == inside.ask(message(ALICE, "sip:carol@second.example")).status == 200
    assert first.names == [["client.contoso.example"]] and other.names == [[names.EDGE_EXTERNAL_NAME]]


def test_a_certificate_that_this_host_has_not_is_an_error_that_names_it(start_edge):
    edge = start_edge(allowed=[(names.PARTNER_DOMAIN, {"outbound_certificate": "nowhere"})])
    partner = edge.serve_partner()
    answer = edge.inside().ask(message(ALICE, BOB))
    assert answer.status == 504 and partner.accepted == 0
    assert "nowhere" in answer.get("ms-diagnostics")
    assert "nowhere" in edge.ask("domain", "show", names.PARTNER_DOMAIN)["last_error_out"]["text"]


# ---- remembered ----

def test_a_certificate_once_refused_is_refused_again_with_the_same_words_and_one_once_taken_is_taken(start_edge, zoo):
    edge = start_edge()
    edge.serve_pool()
    for _ in range(3):
        assert refused(edge, zoo["rogue"])
        assert edge.partner().ask(message()).status == 200
    wait_until(lambda: sum("connection-refused" in line and "not trusted here" in line for line in edge.events()) == 3, 15,
               "each refusal is told, with its reason")
