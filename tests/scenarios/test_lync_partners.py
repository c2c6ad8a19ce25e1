"""Lync partners by their certificates: what public authorities issue today, and one edge for many domains."""
import ssl

import pytest

from lab import names, sip_peer
from lab.dns import host_record
from lab.sip_peer import PeerClosed
from lync import Dialog, Endpoint, Lync, assert_crossed
from sip import ALICE, BOB

HOST_NAME, HOST = "sip.hosting.example", names.PARTNER_2
TENANTS, STRANGER = ["north.example", "south.example"], "west.example"


def bob(domain=names.PARTNER_DOMAIN, server=names.PARTNER_NAME):
    return Endpoint(f"sip:bob@{domain}", "Bob", server)


def talk(caller, called):
    """A session from INVITE to BYE in which both speak."""
    sent, answer = caller.ask(caller.endpoint.invite(called.endpoint.uri))
    assert answer.status == 200, answer.text()
    invite = called.next_request()
    assert_crossed(sent, invite)
    there, back = Dialog.of_caller(caller.endpoint, answer), Dialog.of_called(called.endpoint, invite)
    caller.send(there.request("ACK"))
    assert called.next_request().method == "ACK"
    for from_, to, dialog, method, body in ((caller, called, there, "MESSAGE", "hello"), (called, caller, back, "MESSAGE", "you too"),
                                            (caller, called, there, "BYE", "")):
        sent, answer = from_.ask(dialog.request(method, body=body))
        assert answer.status == 200, answer.text()
        assert_crossed(sent, to.next_request())


@pytest.mark.parametrize("name", ["server-only", "both-usages"])
def test_a_certificate_for_servers_will_do_at_both_ends_of_a_session(start_edge, zoo, name):
    edge = start_edge()
    theirs = Lync(bob(), edge.partner(zoo[name]), lambda **more: edge.serve_partner(certificate=zoo[name], require=False, **more))
    ours = Lync(Endpoint(ALICE, "Alice", names.POOL_NAME), edge.inside(), edge.serve_pool)
    talk(theirs, ours)
    talk(ours, theirs)


def test_a_certificate_for_clients_only_is_refused_at_both_ends(start_edge, zoo):
    edge = start_edge()
    pool = edge.serve_pool()
    assert_cut_off(lambda: edge.partner(zoo["client-only"]))
    assert pool.has_no_request()
    edge.wait_event("connection-refused")
    partner = edge.serve_partner(certificate=zoo["client-only"], require=False)
    answer = edge.inside().ask(Endpoint(ALICE, "Alice", names.POOL_NAME).request("MESSAGE", BOB, body="x"))
    assert answer.status == 504 and partner.has_no_request()
    assert answer.get("ms-diagnostics").startswith(("1010;", "1047;"))


def test_a_partner_without_a_certificate_is_refused(start_edge):
    edge = start_edge()
    pool = edge.serve_pool()
    context = sip_peer.client_context(edge.lab.public.certificate)
    assert_cut_off(lambda: edge._open(names.EDGE_EXTERNAL, context, names.EDGE_EXTERNAL_NAME))
    assert pool.has_no_request()
    edge.wait_event("connection-refused")


def assert_cut_off(connect):
    """In TLS 1.3 a client hears only after its handshake that its certificate was refused."""
    with pytest.raises((PeerClosed, ssl.SSLError, OSError)):
        connection = connect()
        connection.send(bob().request("MESSAGE", ALICE, body="x"))
        connection.final()


# ---- hosting: one edge, many domains ----

@pytest.fixture(scope="module")
def hoster(lab):
    lab.dns.add(host_record(HOST_NAME, HOST))
    return lab.public.issue("hoster", HOST_NAME)


@pytest.fixture
def hosted(start_edge, hoster):
    """(edge, our Lync, a Lync of each tenant on the one connection from the hoster's edge, that edge's server)."""
    edge = start_edge(allowed=[(domain, {"proxy_fqdn": HOST_NAME}) for domain in TENANTS])
    ours = Lync(Endpoint(ALICE, "Alice", names.POOL_NAME), edge.inside(), edge.serve_pool)
    connection = edge.partner(hoster, source=HOST)
    host = Lync(bob(TENANTS[0], HOST_NAME), connection,
                lambda **more: edge.serve_partner(HOST, certificate=hoster, require=False, **more))
    return edge, ours, host


def tenant(host, domain):
    """The hoster's Lync as it speaks for another of its domains."""
    host.endpoint = bob(domain, HOST_NAME)
    return host


def test_one_connection_carries_several_domains_and_each_is_judged_by_itself(hosted):
    edge, ours, host = hosted
    for domain in [*TENANTS, STRANGER, *TENANTS]:
        _, answer = tenant(host, domain).ask(host.endpoint.request("MESSAGE", ALICE, body=domain))
        assert answer.status == (403 if domain == STRANGER else 200), answer.text()
        if domain != STRANGER:
            assert ours.next_request().body == domain.encode()
    assert ours.server.has_no_request()
    edge.wait_event(STRANGER, "known-domain")
    assert host.server.accepted == 0


def test_sessions_with_two_tenants_use_one_connection_each_way(hosted):
    edge, ours, host = hosted
    for domain in TENANTS:
        talk(tenant(host, domain), ours)
        talk(ours, tenant(host, domain))
    assert host.server.accepted == 1
    _, answer = ours.ask(ours.endpoint.request("MESSAGE", f"sip:bob@{STRANGER}", body="x"))
    assert answer.status == 403 and host.server.has_no_request()


def test_a_tenant_may_not_speak_in_the_name_of_a_domain_that_has_an_edge_of_its_own(start_edge, hoster):
    edge = start_edge(allowed=[(TENANTS[0], {"proxy_fqdn": HOST_NAME}), names.PARTNER_DOMAIN])
    pool = edge.serve_pool()
    connection = edge.partner(hoster, source=HOST)
    assert connection.ask(bob(names.PARTNER_DOMAIN, HOST_NAME).request("MESSAGE", ALICE, body="x")).status == 403
    assert connection.ask(bob(TENANTS[0], HOST_NAME).request("MESSAGE", ALICE, body="y")).status == 200
    assert pool.next_request().body == b"y"


def test_blocking_one_tenant_leaves_the_other_its_connection(hosted):
    edge, ours, host = hosted
    for domain in TENANTS:
        assert tenant(host, domain).ask(host.endpoint.request("MESSAGE", ALICE, body="x"))[1].status == 200
    assert edge.parley("domain", "block", TENANTS[1]).returncode == 0
    for domain in reversed(TENANTS):
        _, answer = tenant(host, domain).ask(host.endpoint.request("MESSAGE", ALICE, body="y"))
        assert answer.status == (200 if domain == TENANTS[0] else 403), answer.text()
