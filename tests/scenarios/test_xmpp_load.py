"""Streams of messages through the gateway while partners are switched, and while it is killed: nothing is lost in silence."""
import asyncio
import os
import signal
import time
from collections import Counter

import pytest

from lab import names, sip_peer, xmpp_load
from lab.dns import host_record, xmpp
from lab.edge import programs
from lab.load import Account, Answerer, Sender, read_message
from lab.process import wait_until
from lab.prosody import Prosody
from lab.xmpp_user import XmppUser
from sip import ALICE, message
from test_xmpp_presence import CONTACT, FEDERATED, JULIET_URI, Pool, pidf, service

RATE = 200  # messages a second
IS_LONG, IS_SANITIZED = bool(os.environ.get("PARLEY_LONG")), programs()[0].parent.name == "asan"
TOGGLES = 50 if IS_LONG else 3 if IS_SANITIZED else 10
UPDATES = 10000 if IS_LONG else 200 if IS_SANITIZED else 1000
BURST = 50
SWITCHED, STEADY = "switched.example", "steady.example"
ALICE_JID, OTHER_JID = "alice@contoso.example", "carol@tailspin.example"
PARTNERS = {SWITCHED: {"partner_type": "federated"}, STEADY: {"partner_type": "federated"}}


async def until(condition, seconds, edge):
    deadline = asyncio.get_running_loop().time() + seconds
    while not condition():
        if asyncio.get_running_loop().time() > deadline:
            raise AssertionError("waited in vain\n" + "\n".join(edge.events()[-15:]) + str(edge.ask("connection", "list")["rows"]))
        await asyncio.sleep(0.01)


class Partners:
    """Two partners in one program, at one address: what came for each message, by the Call-ID in its text."""

    def __init__(self, lab):
        certificate = lab.public.issue("load-partners", SWITCHED, dns=[SWITCHED, STEADY])
        trust = lab.public.certificate
        self.server_tls = xmpp_load.context(certificate, trust, True)
        self.client_tls = xmpp_load.context(certificate, trust, False)
        self.accounts, self.streams, self.errors = {}, [], Counter()
        records = [host_record("xmpp.load.example", names.XMPP_SERVER_2)]
        lab.dns.add(*records, *[xmpp(domain, "xmpp.load.example") for domain in (SWITCHED, STEADY)])

    async def start(self):
        self.server = await xmpp_load.serve(names.XMPP_SERVER_2, self.server_tls, self.heard, self.streams)

    def heard(self, stream, stanza):
        found = xmpp_load.attributes_of(stanza)
        if found.get("type") == "error":
            self.errors[found.get("id")] += 1
            return
        body = xmpp_load.body_of(stanza)
        if body and body.startswith("load "):
            self.accounts[stream.domain].delivered[body[5:]] += 1

    def of(self, domain):
        return [stream for stream in self.streams if stream.domain == domain and stream.step == "proved"]

    async def stop(self):
        self.server.close()
        await self.server.wait_closed()
        for stream in self.streams:
            stream.transport.close()


def sender(lab, account, from_, to, name):
    return Sender(account, names.EDGE_INTERNAL, sip_peer.client_context(lab.internal.certificate, lab.pool), names.EDGE_NAME, from_, to, name)


def start(start_edge, partners, **more):
    edge = start_edge(xmpp=partners, **more)
    wait_until(lambda: service(edge)["state"] == "running", 30, "the gateway runs")
    return edge


def untold(account):
    """Those whose story is not one final answer; 200 and not there once; refused and there."""
    wrong = []
    for call in account.sent:
        finals, delivered = account.finals.get(call, []), account.delivered[call]
        if len(finals) != 1 or delivered > 1 or (finals == [200] and delivered != 1) or (finals[0] == 403 and delivered):
            wrong.append((call, finals, delivered))
    return wrong


@pytest.mark.short
def test_a_partner_switched_off_and_on_under_load(lab, start_edge):
    edge = start(start_edge, PARTNERS)
    asyncio.run(switch_under_load(lab, edge))


async def switch_under_load(lab, edge):
    partners = Partners(lab)
    await partners.start()
    switched, steady = partners.accounts.setdefault(SWITCHED, Account()), partners.accounts.setdefault(STEADY, Account())
    senders = [sender(lab, switched, ALICE, f"sip:juliet@{SWITCHED}", "switched"), sender(lab, steady, ALICE, f"sip:romeo@{STEADY}", "steady")]
    stop = asyncio.Event()
    running = [asyncio.create_task(each.run(RATE / 2, stop)) for each in senders]
    try:
        await until(lambda: switched.statuses()[200] > 50 and steady.statuses()[200] > 50, 60, edge)
        untouched = partners.of(STEADY)
        for _ in range(TOGGLES):
            for verb, expected in (("disable", 403), ("enable", 200)):
                before = switched.statuses()[expected]
                answer = await asyncio.to_thread(edge.parley, "--yes", "xmpp", verb, SWITCHED)
                assert answer.returncode == 0, answer.stdout + answer.stderr
                await until(lambda: switched.statuses()[expected] > before, 60, edge)
    finally:
        stop.set()
        await asyncio.gather(*running)
    settled = await senders[0].settle(60) and await senders[1].settle(60)
    await asyncio.sleep(0.5)  # what was written while a stream closed may still be read
    counts = f"switched {dict(switched.statuses())}, steady {dict(steady.statuses())}, {len(partners.of(SWITCHED))} streams"
    print(counts)
    for each in senders:
        each.close()
    same = partners.of(STEADY) == untouched and not any(stream.over.is_set() for stream in untouched)
    await partners.stop()
    assert settled, counts
    assert untold(switched) == [], counts
    assert set(switched.statuses()) <= {200, 403, 480, 504}, counts
    assert untold(steady) == [] and set(steady.statuses()) == {200}, counts
    assert same and len(untouched) == 1, "the other partner's stream was touched"


@pytest.mark.restarts
def test_a_gateway_killed_under_load(lab, start_edge):
    edge = start(start_edge, PARTNERS)
    asyncio.run(kill_under_load(lab, edge))


class Watched(Answerer):
    """A pool that counts what comes by its text, and takes subscriptions."""

    def __init__(self, account):
        super().__init__(account)
        self.subscriptions = Counter()

    async def _serve(self, reader, writer):
        while (message := await read_message(reader)) is not None:
            head, body = message
            if head.startswith(b"SIP/2.0"):
                continue
            parsed = sip_peer.Message(head, body)
            if parsed.method == "SUBSCRIBE":
                self.subscriptions[parsed.get("Call-ID")] += 1
                writer.write(sip_peer.response(parsed, 200, headers=["Contact: <sip:alice@pool1.contoso.example>", f"Expires: {parsed.get('Expires', '3600')}"], tag="pool"))
                continue
            if parsed.method == "MESSAGE" and body.startswith(b"load "):
                self.account.delivered[body[5:].decode()] += 1
            if parsed.method != "ACK":
                writer.write(sip_peer.response(parsed, 200))
        writer.close()


async def kill_under_load(lab, edge):
    partners, inward = Partners(lab), Account()
    await partners.start()
    outward = partners.accounts.setdefault(STEADY, Account())
    pool = Watched(inward)
    await pool.start(names.POOL, sip_peer.server_context(lab.pool, lab.internal.certificate))
    alice = sender(lab, outward, ALICE, f"sip:romeo@{STEADY}", "out")
    romeo = await xmpp_load.connect(names.EDGE_EXTERNAL, partners.client_tls, STEADY, names.OWN_DOMAIN)
    watchers = 50
    for n in range(watchers):
        romeo.send(f"<presence from='w{n}@{STEADY}' to='{ALICE_JID}' type='subscribe' id='s{n}'/>")
    await until(lambda: len(pool.subscriptions) == watchers, 60, edge)
    rows = await asyncio.to_thread(edge.ask, "session", "list")
    stop = asyncio.Event()
    running = asyncio.create_task(alice.run(RATE / 2, stop))
    acknowledged = set()  # of those written inward: the gateway has taken the responsibility for them
    try:
        await until(lambda: outward.statuses()[200] > 50, 60, edge)
        order = []

        async def write(count, name):
            for n in range(count):
                call = f"{name}-{n}"
                order.append(call)
                romeo.send(xmpp_load.message(f"romeo@{STEADY}", ALICE_JID, call, f"load {call}"))
                if n % 5 == 4:
                    romeo.ask()
                await asyncio.sleep(2 / RATE)

        base = romeo.sent
        writing = asyncio.create_task(write(400, "in"))
        await until(lambda: len(inward.delivered) > 100, 30, edge)
        killed = (await asyncio.to_thread(service, edge))["pid"]
        os.kill(killed, signal.SIGKILL)
        at = time.monotonic()
        await asyncio.wait_for(romeo.over.wait(), 20)
        writing.cancel()
        acknowledged = set(order[:max(0, romeo.acknowledged - base)])

        def is_back():
            now = service(edge)
            return now["state"] == "running" and now["pid"] not in (0, killed)
        await asyncio.to_thread(wait_until, is_back, 30, "the gateway is back")
        took = time.monotonic() - at
        before = outward.statuses()[200]
        await until(lambda: outward.statuses()[200] > before + 20, 60, edge)
        await until(lambda: all(count > 1 for count in pool.subscriptions.values()), 90, edge)  # refreshed
    finally:
        stop.set()
        await running
    settled = await alice.settle(60)
    again = await asyncio.to_thread(edge.ask, "session", "list")
    counts = (f"back in {took:.2f} s; out {dict(outward.statuses())} of {len(outward.sent)}; in: {len(order)} written, "
              f"{len(acknowledged)} acknowledged, {len(inward.delivered)} delivered, {sum(partners.errors.values())} reported")
    print(counts)
    alice.close()
    await partners.stop()
    await pool.stop()
    assert settled and untold(outward) == [], counts
    assert sum(outward.statuses().values()) == len(outward.sent), counts
    silent = [call for call in acknowledged if not inward.delivered[call] and not partners.errors[call]]
    assert not silent, f"{counts}; acknowledged and lost: {silent[:5]}"
    assert len(pool.subscriptions) == watchers, "somebody has subscribed anew"

    def watching(answer):
        return {(row["local"], row["remote"]) for row in answer["rows"] if row["remote"].startswith("sip:w")}
    assert watching(rows) == watching(again) and len(watching(again)) == watchers, (rows, again)


@pytest.mark.short
def test_two_of_our_domains_at_once(lab, start_edge, monkeypatch):
    both = lab.public.issue("edge-two", names.OWN_DOMAIN, dns=[names.OWN_DOMAIN, "tailspin.example"])
    monkeypatch.setattr(lab, "edge_xmpp", both)
    edge = start(start_edge, PARTNERS, topology={"sip_domains": f"{names.OWN_DOMAIN} tailspin.example"})
    asyncio.run(two_domains(lab, edge))


async def two_domains(lab, edge):
    partners, inward = Partners(lab), Account()
    await partners.start()
    outward = partners.accounts.setdefault(STEADY, Account())
    pool = Watched(inward)
    await pool.start(names.POOL, sip_peer.server_context(lab.pool, lab.internal.certificate))
    senders = [sender(lab, outward, f"sip:{jid}", f"sip:romeo@{STEADY}", jid.partition("@")[0]) for jid in (ALICE_JID, OTHER_JID)]
    stop = asyncio.Event()
    running = [asyncio.create_task(each.run(RATE / 2, stop)) for each in senders]
    written = []
    try:
        inbound = [await xmpp_load.connect(names.EDGE_EXTERNAL, partners.client_tls, STEADY, jid.partition("@")[2]) for jid in (ALICE_JID, OTHER_JID)]
        for n in range(200):
            for stream, jid in zip(inbound, (ALICE_JID, OTHER_JID)):
                written.append(f"{jid}-{n}")
                stream.send(xmpp_load.message(f"romeo@{STEADY}", jid, written[-1], f"load {written[-1]}"))
            await asyncio.sleep(0.01)
        await until(lambda: outward.statuses()[200] > 400, 60, edge)
        await until(lambda: len(inward.delivered) == len(written), 60, edge)
    finally:
        stop.set()
        await asyncio.gather(*running)
    settled = [await each.settle(60) for each in senders]
    for each in senders:
        each.close()
    froms = {stream.remote for stream in partners.of(STEADY)}
    await partners.stop()
    await pool.stop()
    assert all(settled) and untold(outward) == [] and set(outward.statuses()) == {200}, outward.statuses()
    assert froms & {names.OWN_DOMAIN, "tailspin.example"}, froms
    assert all(count == 1 for count in inward.delivered.values()) and not partners.errors, partners.errors


@pytest.mark.short
def test_presence_faster_than_prosody_takes_it(lab, start_edge):
    """Prosody's shipped limit is 30 kB a second a stream: what waits is bounded, nothing breaks, and the last word arrives."""
    edge = start(start_edge, FEDERATED)
    northwind = Prosody(lab.ledger, lab.folder / "presence-load", names.XMPP_DOMAIN, names.XMPP_SERVER, lab.xmpp_server, lab.public.certificate).start()
    try:
        northwind.add_user("juliet")
        juliet = XmppUser(names.XMPP_SERVER, "juliet@northwind.example", "secret", lab.public.certificate)
        juliet.presence()
        pool = Pool(edge)
        juliet.presence(ALICE_JID, "subscribe")
        subscribe = pool.subscribes.get(timeout=30)
        assert pool.notify(subscribe, "active;expires=3600", pidf()).status == 200
        juliet.wait_presence(ALICE_JID, "subscribed", seconds=30)
        pid = service(edge)["pid"]
        for first in range(0, UPDATES, BURST):
            for n in range(BURST):
                pool.inside.send(pool.dialog.request("NOTIFY", headers=["Event: presence", "Subscription-State: active;expires=3600", CONTACT],
                                                     body=pidf(show=("away", "dnd")[n % 2]), content_type="application/pidf+xml"))
            answers = [pool.inside.final(timeout=30).status for _ in range(BURST)]
            assert set(answers) == {200}, (first, answers)
        assert pool.notify(subscribe, "active;expires=3600", pidf(show="xa")).status == 200
        behind = UPDATES - len(juliet.heard)
        juliet.wait_presence(ALICE_JID, show="xa", seconds=60 + UPDATES // 20)
        heard = sum(1 for stanza in juliet.heard if stanza.get("from", "").startswith(ALICE_JID))
        print(f"{UPDATES} updates, {heard} reached her, {behind} of them after the last was answered")
        assert service(edge)["pid"] == pid
        assert not [e for e in edge.events() if "connection-closed" in e], "a stream was lost"
        juliet.close()
    finally:
        northwind.stop()


def test_letters_faster_than_prosody_takes_them(lab, start_edge):
    """Nobody counts, and it reads 30 kB a second: so much is written, so much waits and is told late, the rest returns at once."""
    edge = start(start_edge, FEDERATED, xmpp_gateway={"quiet_time": 0, "waiting_timeout": 1})
    northwind = Prosody(lab.ledger, lab.folder / "letters-load", names.XMPP_DOMAIN, names.XMPP_SERVER, lab.xmpp_server, lab.public.certificate,
                        more="smacks_enabled_s2s = false\n").start()
    try:
        northwind.add_user("juliet")
        inside, calls, answers = edge.inside(), [], {}
        inside.ask(message(from_=ALICE, to=JULIET_URI, body="first"), timeout=30)
        for n in range(200):
            calls.append(f"letter-{n}@load")
            inside.send(message(from_=ALICE, to=JULIET_URI, body="x" * 60000, call_id=calls[-1]))
            time.sleep(0.01)  # as fast as the Access Edge hands them on
        while len(answers) < len(calls):
            answer = inside.receive(timeout=30)
            if answer.status >= 200:
                assert answer.get("Call-ID") not in answers, f"answered twice: {answer}"
                answers[answer.get("Call-ID")] = (answer.status, answer.get("ms-diagnostics") or "")
        counts = Counter(answers.values())
        print(counts)
        assert sorted(answers) == sorted(calls)
        assert counts[(200, "")] > 10, counts
        for status, told in ((480, "more slowly than they come"), (504, "did not take it in time")):
            assert any(told in why for given, why in counts if given == status), counts
        assert len([row for row in edge.ask("connection", "list")["rows"] if row["side"] == "xmpp" and row["state"] == "up"]) >= 1
        assert not [e for e in edge.events() if "connection-closed" in e], "a stream was lost"
    finally:
        northwind.stop()
