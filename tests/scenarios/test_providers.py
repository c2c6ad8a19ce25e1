"""SIP federated providers: a Kamailio with one name and three domains, at every level, on and off, and under load."""
import asyncio
import json
import os
import socket

import pytest

from lab import kamailio, names, sip_peer
from lab.dns import host_record
from lab.edge import document, _object
from lab.laboratory import BOTH
from lab.load import Account, Answerer, Sender
from lab.process import wait_until
from sip import ALICE, AUDIO_SDP, BOB, invite, message
from test_load import until

EDGE, ADDRESS, USERS = "sip.provider.example", "127.0.40.1", "127.0.40.10"
HEAVY_EDGE, HEAVY_ADDRESS = "sip.heavy.example", "127.0.40.2"
ONE, TWO, THREE = "one.example", "two.example", "three.example"
TOGGLES = 50 if os.environ.get("PARLEY_LONG") else 4
RATE = 300  # messages a second, each of three senders


def providers(**fields):
    """The documents of an edge with this provider, and with public access for its users."""
    entry = {"proxy_fqdn": EDGE, "enabled": "true", **fields}
    return {"conf.d/sip-providers.xml": document("sip-providers", _object("sip-provider", ("identity", "Cloud"), **entry)),
            "conf.d/access-policies.xml": document("access-policies", _object("access-policy", ("identity", "Global"),
                                                                              enable_public_cloud_access="true",
                                                                              enable_public_cloud_audio_video_access="true"))}


class User:
    """A user of the provider's: a UDP socket beside its server."""

    def __init__(self):
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.socket.bind((USERS, 0))
        self.socket.settimeout(10)

    def ask(self, data):
        data = data.replace(b"SIP/2.0/TLS ", f"SIP/2.0/UDP {USERS}:{self.socket.getsockname()[1]};rport;x=".encode(), 1)
        self.socket.sendto(data, (ADDRESS, 5060))
        while True:
            head, _, body = self.socket.recv(65536).partition(b"\r\n\r\n")
            answer = sip_peer.Message(head, body)
            # One that was waited for no longer may still come.
            if answer.status >= 200 and f"Call-ID: {answer.get('Call-ID')}".encode() in data:
                return answer

    def says(self, user, said=None, to=ALICE):
        return self.ask(message(f"sip:{user}", to, headers=[f"X-Said: {said}"] if said else ()))


@pytest.fixture(scope="module")
def cloud(lab):
    certificate = lab.public.issue("provider", EDGE, usages=BOTH)
    lab.dns.add(host_record(EDGE, ADDRESS))
    process = kamailio.start(lab.ledger, lab.folder, "provider", EDGE, ADDRESS, names.EDGE_EXTERNAL_NAME, certificate,
                             lab.public.certificate)
    user = User()
    user.certificate = certificate
    yield user
    user.socket.close()
    process.stop()


def set_(edge, *fields):
    answer = edge.parley("--yes", "provider", "set", "Cloud", *fields)
    assert answer.returncode == 0, answer.stdout + answer.stderr


class Pool:
    """Our own pool: what it was sent last."""

    def __init__(self, edge):
        self.seen = []
        self.server = edge.serve_pool(handler=self.take)
        self.inside = edge.inside()

    def take(self, connection, request):
        self.seen.append(request)
        return sip_peer.answer_ok(connection, request)

    def says(self, to, from_=ALICE):
        return self.inside.ask(message(from_, f"sip:{to}"))


@pytest.mark.restarts
def test_one_edge_serves_three_domains_and_strangers_wait_to_be_spoken_to(start_edge, cloud):
    edge = start_edge(files=providers(domains=f"{ONE} {TWO} {THREE}", name_decoration_routing_domain=ONE,
                                      name_decoration_excluded_domain_list=TWO))
    pool = Pool(edge)

    # Contacts only: nobody begins but us.
    assert cloud.says(f"bob@{ONE}").status == 403
    edge.wait_event("request-refused", "may-start", ONE)
    assert pool.says(f"bob@{ONE}").get("X-Target") == f"sip:bob@{ONE}"
    assert cloud.says(f"Bob@{ONE}").status == 200
    assert cloud.says(f"bob@{TWO}").status == 403 and cloud.says(f"eve@{ONE}").status == 403
    assert "unverified" in pool.seen[-1].get("ms-edge-proxy-message-trust")
    assert "publiccloud" in pool.seen[-1].get("ms-edge-proxy-message-trust")
    assert "AuthorizedServer" in pool.seen[-1].get("ms-edge-proxy-message-trust")
    why = json.loads(edge.parley("--json", "why", f"eve@{ONE}", "alice@contoso.example").stdout)
    assert (why["answer"], why["name"]) == ("refuse", "may-start")
    assert why["change"] == "provider set Cloud verification-level=always-verifiable"
    assert edge.ask("why", f"bob@{ONE}", "alice@contoso.example")["answer"] == "pass"

    # One name, three domains: each by its own address or the provider's.
    assert pool.says(f"ann@{THREE}").get("X-Target") == f"sip:ann({THREE})@{ONE}"
    assert pool.says(f"tom@{TWO}").get("X-Target") == f"sip:tom@{TWO}"
    assert cloud.says(f"ann({THREE})@{ONE}").status == 200 and cloud.says(f"ann@{THREE}").status == 200
    assert cloud.says(f"mallory@{names.PARTNER_DOMAIN}").status == 403

    # What is known outlives the process.
    before = edge.ask("service", "show", "access")["pid"]
    os.kill(before, 9)
    wait_until(lambda: edge.ask("service", "show", "access").get("pid") not in (before, 0, None), 20, "access runs again")
    wait_until(lambda: cloud.says(f"bob@{ONE}").status == 200, 20, "bob is let in again")
    assert cloud.says(f"eve@{ONE}").status == 403

    # As each message says of its sender; one that says nothing is refused, whoever sent it.
    pool.inside = edge.inside()
    set_(edge, "verification-level=use-source-verification")
    assert cloud.says(f"bob@{ONE}").status == 403
    edge.wait_event("request-refused", "source-verification")
    assert cloud.says(f"eve@{ONE}", "unverified").status == 403
    assert cloud.says(f"eve@{ONE}", "verified").status == 200
    seen = pool.seen[-1]
    assert "ms-source-verified-user=verified" in seen.get("ms-edge-proxy-message-trust")
    assert seen.get("ms-asserted-verification-level") is None
    assert cloud.says(f"bob@{ONE}", "unverified").status == 200
    assert "ms-source-verified-user=unverified" in pool.seen[-1].get("ms-edge-proxy-message-trust")

    # Everybody.
    set_(edge, "verification-level=always-verifiable")
    assert cloud.says(f"stranger@{TWO}").status == 200
    assert "ms-source-verified-user=verified" in pool.seen[-1].get("ms-edge-proxy-message-trust")

    # What the kind carries: no calls, and the refusal names kind and service.
    assert cloud.ask(invite(f"sip:bob@{ONE}", sdp=AUDIO_SDP)).status == 488
    refused = pool.inside.ask(invite(ALICE, f"sip:bob@{ONE}", sdp=AUDIO_SDP))
    assert refused.status == 488
    assert "public provider federation carries no audio and video" in refused.get("ms-diagnostics")

    # Off: nothing crosses and no connection stays; on again, at once.
    row = edge.ask("provider", "list")["rows"][0]
    assert row["state"] == "up" and row["connections"] >= 1
    assert edge.parley("--yes", "provider", "disable", "Cloud").returncode == 0
    wait_until(lambda: edge.ask("provider", "list")["rows"][0]["connections"] == 0, 10, "its connections are closed")
    # It may connect as any stranger may, and is told why nothing crosses.
    assert cloud.says(f"bob@{ONE}").status == 403 and pool.says(f"bob@{ONE}").status == 403
    edge.wait_event("request-refused", "partner-enabled", ONE)
    assert edge.ask("provider", "list")["rows"][0]["state"] == "off"
    assert edge.parley("--yes", "provider", "enable", "Cloud").returncode == 0
    assert pool.says(f"bob@{ONE}").status == 200


def test_users_of_our_own_domain_hosted_at_a_provider(start_edge, cloud):
    edge = start_edge(files=providers(type="hosting", enabled_shared_address_space="true", hosts_ocs_users="true"))
    pool = Pool(edge)
    carol = f"carol@{names.OWN_DOMAIN}"

    assert pool.says(carol).get("X-Target") == f"sip:{carol}"
    assert cloud.says(carol).status == 200  # whatever its level: she is one of ours
    # What the provider brought for somebody whom the pool has not is not sent back to it.
    back = pool.seen[-1]
    lines = [f"MESSAGE sip:dave@{names.OWN_DOMAIN} SIP/2.0",
             f"Via: SIP/2.0/TLS {names.POOL_NAME}:5061;branch={sip_peer.unique('z9hG4bK')}"]
    lines += [f"{name}: {value}" for name, value in back.headers
              if name.lower() in ("via", "from", "to", "call-id", "cseq", "max-forwards")] + ["Content-Length: 0", "", ""]
    assert pool.inside.ask("\r\n".join(lines).encode()).status == 482
    # Nobody else speaks for our domain.
    assert edge.partner().ask(message(f"sip:{carol}", ALICE)).status == 403


def test_what_has_ended_is_said_to_whoever_enables_it(start_edge):
    edge = start_edge(files=providers(proxy_fqdn="sip.oscar.aol.com", domains="aol.com", enabled="false"))
    answer = edge.parley("--yes", "provider", "enable", "Cloud")
    assert answer.returncode == 0 and "ended this service on 30 June 2014" in answer.stdout + answer.stderr
    assert edge.ask("provider", "show", "Cloud")["ended"] == "2014-06-30"
    refused = edge.parley("--yes", "provider", "set", "Cloud", "proxy-fqdn=sip.elsewhere.example")
    assert refused.returncode != 0 and "cannot change" in refused.stdout + refused.stderr
    for bad in ("192.0.2.1", "*.provider.example"):
        assert edge.parley("--yes", "provider", "add", "Other", f"proxy-fqdn={bad}").returncode != 0
    assert edge.parley("--yes", "provider", "add", "Other", "proxy-fqdn=sip.oscar.aol.com").returncode != 0


def test_a_provider_off_and_on_under_load(start_edge):
    """Everything gets one final answer, and a partner that has nothing to do with it keeps its connection and its answers."""
    edge = start_edge(allowed=[names.PARTNER_DOMAIN],
                      files=providers(proxy_fqdn=HEAVY_EDGE, domains=ONE, verification_level="always-verifiable"))
    asyncio.run(toggle_under_load(edge))


async def toggle_under_load(edge):
    lab = edge.lab
    certificate = lab.public.issue("heavy", HEAVY_EDGE, usages=BOTH)
    lab.dns.add(host_record(HEAVY_EDGE, HEAVY_ADDRESS))
    inward, outward, steady, both = Account(), Account(), Account(), Account()
    pool, provider = Answerer(both), Answerer(outward)
    inward.delivered = steady.delivered = both.delivered  # the pool takes what comes from either
    await pool.start(names.POOL, sip_peer.server_context(lab.pool, lab.internal.certificate))
    await provider.start(HEAVY_ADDRESS, sip_peer.server_context(certificate, lab.public.certificate))

    def sender(account, name, from_, to, own):
        return Sender(account, names.EDGE_EXTERNAL, sip_peer.client_context(lab.public.certificate, own),
                      names.EDGE_EXTERNAL_NAME, from_, to, name)
    theirs = sender(inward, "in", f"sip:bob@{ONE}", ALICE, certificate)
    partner = sender(steady, "steady", BOB, ALICE, lab.partner)
    ours = Sender(outward, names.EDGE_INTERNAL, sip_peer.client_context(lab.internal.certificate, lab.pool),
                  names.EDGE_NAME, ALICE, f"sip:bob@{ONE}", "out")
    stop = asyncio.Event()
    running = [asyncio.create_task(one.run(RATE, stop)) for one in (theirs, partner, ours)]
    try:
        await until(lambda: min(book.statuses()[200] for book in (inward, outward, steady)) > 100)
        for _ in range(TOGGLES):
            for verb, expected in (("disable", 403), ("enable", 200)):
                before = inward.statuses()[expected], outward.statuses()[expected]
                answer = await asyncio.to_thread(edge.parley, "--yes", "provider", verb, "Cloud")
                assert answer.returncode == 0, answer.stdout + answer.stderr
                await until(lambda: inward.statuses()[expected] > before[0] and outward.statuses()[expected] > before[1])
    finally:
        stop.set()
        await asyncio.gather(*running)
    settled = [await one.settle(60) for one in (theirs, partner, ours)]
    counts = (f"{TOGGLES} times off and on: inward {dict(inward.statuses())}, outward {dict(outward.statuses())}, "
              f"partner {dict(steady.statuses())} over {partner.connects} connection(s); the provider connected "
              f"{theirs.connects} times, {theirs.resent} sent again")
    print(counts)
    for one in (theirs, partner, ours):
        one.close()
    await pool.stop()
    await provider.stop()
    assert all(settled), counts
    assert not theirs.lost and not partner.lost and not ours.lost, counts
    for book in (inward, outward, steady):
        assert book.wrong() == [], counts
    assert set(inward.statuses()) == set(outward.statuses()) == {200, 403}, counts
    assert set(steady.statuses()) == {200} and partner.connects == 1 and partner.resent == 0, counts
    assert ours.connects == 1 and ours.resent == 0, counts
