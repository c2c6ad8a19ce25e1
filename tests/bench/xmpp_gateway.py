#!/usr/bin/python3
"""
The XMPP gateway's figures: CPU of access and gateway for a message each way with 400 in flight, against what two stock
Prosodys spend to send and to receive one, by turns; what an idle stream and a presence subscription take of memory.

Runs in a network namespace of its own (tests/lab/inside.py).  ROUNDS, SECONDS, STREAMS and SUBSCRIPTIONS from the
environment.  Prints one figure a line as JSON, in the shape of build/bench.json without the command.
"""
import asyncio
import json
import os
import statistics
import sys
import time
from pathlib import Path

HERE = Path(__file__).resolve().parent
TOP = HERE.parents[1]
sys.path.insert(0, str(TOP / "tests"))
sys.dont_write_bytecode = True

from lab import names, sip_peer, xmpp_load  # noqa: E402
from lab.dns import host_record, xmpp  # noqa: E402
from lab.laboratory import Lab  # noqa: E402
from lab.load import read_message  # noqa: E402
from lab.process import wait_until  # noqa: E402
from lab.prosody import Prosody  # noqa: E402
from lab.xmpp_user import XmppUser  # noqa: E402

ROUNDS, SECONDS = int(os.environ.get("ROUNDS", 5)), int(os.environ.get("SECONDS", 4))
STREAMS, SUBSCRIPTIONS = int(os.environ.get("STREAMS", 1000)), int(os.environ.get("SUBSCRIPTIONS", 100000))
IN_FLIGHT, RATIO_MAX = 400, 0.25
FOLDER = Path("/run/parley-bench-xmpp")
LOAD = TOP / "build/release/tests/bench/sip_load"
SOUTH, SOUTH_ADDRESS = "southwind.example", "127.0.30.3"
ALICE, BODY = f"alice@{names.OWN_DOMAIN}", "x" * 200
# Prosody's shipped rate limits would be all that is measured, and its debugging log costs more than its messages.
PROSODY = [('"limits";', '--"limits";'), ("log = { debug", "log = { warn")]


def domain_of(n):
    return f"p{n}.load.example"


def cpu_seconds(pids):
    ticks = 0
    for pid in pids:
        fields = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
        ticks += int(fields[11]) + int(fields[12])
    return ticks / os.sysconf("SC_CLK_TCK")


def memory_bytes(pid):
    """Proportional set size, once it no longer grows."""
    def now():
        return next(int(line.split()[1]) * 1024 for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines() if line.startswith("Pss:"))
    seen = now()
    while True:
        time.sleep(2)
        last, seen = seen, now()
        if seen <= last * 1.001:
            return seen


class Pool:
    """Our pool: 200 to everything; counts messages and subscriptions."""

    def __init__(self):
        self.messages = self.subscriptions = 0

    async def serve(self, reader, writer):
        while (read := await read_message(reader)) is not None:
            head, body = read
            if head.startswith(b"SIP/2.0"):
                continue
            parsed = sip_peer.Message(head, body)
            more = []
            if parsed.method == "MESSAGE":
                self.messages += 1
            elif parsed.method == "SUBSCRIBE":
                self.subscriptions += 1
                more = ["Contact: <sip:alice@pool1.contoso.example>", "Expires: " + parsed.get("Expires", "3600")]
            if parsed.method != "ACK":
                writer.write(sip_peer.response(parsed, 200, headers=more, tag="pool"))
        writer.close()


class Bench:
    def __init__(self, lab):
        self.lab, self.pool, self.streams, self.errors = lab, Pool(), [], 0

    def prepare(self):
        lab = self.lab
        lab.dns.add(host_record("xmpp.load.example", names.XMPP_SERVER_2), xmpp(SOUTH, "xmpp.southwind.example"),
                    host_record("xmpp.southwind.example", SOUTH_ADDRESS))
        north = Prosody(lab.ledger, FOLDER, names.XMPP_DOMAIN, names.XMPP_SERVER, lab.xmpp_server, lab.public.certificate, PROSODY)
        certificate = lab.public.issue("southwind", SOUTH)
        south = Prosody(lab.ledger, FOLDER, SOUTH, SOUTH_ADDRESS, certificate, lab.public.certificate, PROSODY)
        self.north, self.south = north.start(), south.start()
        north.add_user("romeo")
        south.add_user("juliet")
        row = {"partner_type": "federated", "proxy_fqdn": "xmpp.load.example"}
        self.edge = lab.edge(xmpp={domain_of(n): row for n in range(STREAMS)},
                             xmpp_gateway={"connection_limit": STREAMS * 2 + 100, "stream_inactivity_timeout": 86400,
                                           "max_subscriptions": SUBSCRIPTIONS + 1000})
        self.edge.start()
        wait_until(lambda: self.service("gateway")["state"] == "running", 60, "the gateway runs")
        wildcard = lab.public.issue("load", "load.example", dns=["*.load.example"])
        self.pool_pair = lab.pool
        self.server_tls = xmpp_load.context(wildcard, lab.public.certificate, True)
        self.client_tls = xmpp_load.context(wildcard, lab.public.certificate, False)
        self.ours = [self.service(name)["pid"] for name in ("access", "gateway")]
        self.theirs = [self.north.process.pid, self.south.process.pid]
        if (os.cpu_count() or 1) > 1:  # those under test have one core, what loads them another
            for pid in self.ours + self.theirs:
                os.sched_setaffinity(pid, {0})
            os.sched_setaffinity(0, {1})

    def service(self, name):
        return next(s for s in self.edge.ask("status")["services"] if s["name"] == name)

    def heard(self, stream, stanza):
        self.errors += b"type='error'" in stanza

    async def until(self, condition, seconds, what):
        end = time.monotonic() + seconds
        while not condition():
            if time.monotonic() > end:
                raise SystemExit(f"{what}: not within {seconds} s")
            await asyncio.sleep(0.001)

    async def sip_to_xmpp(self):
        argv = [LOAD, "--cert", self.pool_pair.chain, "--key", self.pool_pair.key, "--trust", self.lab.internal.certificate,
                "--connect", f"{names.EDGE_INTERNAL}:5061", "--from", ALICE, "--to", f"romeo@{domain_of(0)}",
                "--connections", "8", "--in-flight", str(IN_FLIGHT // 8), "--seconds", str(SECONDS)]
        for pid in self.ours:
            argv += ["--pid", str(pid)]
        answer = await asyncio.to_thread(self.lab.ledger.run, argv, SECONDS + 180)
        if answer.returncode != 0:
            raise SystemExit(f"sip_load: {answer.stdout}{answer.stderr}")
        result = json.loads(answer.stdout)
        if result["answered"] != result["sent"] or result["not_200"]:
            raise SystemExit(f"not every message was answered 200: {answer.stdout}")
        return result["cpu_us"]

    async def xmpp_to_sip(self):
        stanza = xmpp_load.message(f"romeo@{domain_of(1)}", ALICE, "b", BODY).encode()
        before, cpu, end = self.pool.messages, cpu_seconds(self.ours), time.monotonic() + SECONDS
        sent = 0
        while time.monotonic() < end:
            free = IN_FLIGHT - (sent - (self.pool.messages - before))
            if free:
                self.inward.send(stanza * free)
                sent += free
            await asyncio.sleep(0)
        await self.until(lambda: self.pool.messages - before >= sent, 30, "the pool has every message")
        await asyncio.sleep(0.3)
        if self.errors or self.pool.messages - before != sent:
            raise SystemExit(f"of {sent} messages {self.pool.messages - before} came, {self.errors} went back")
        return (cpu_seconds(self.ours) - cpu) * 1e6 / sent

    def prosodys(self, user, number=[0]):
        """An error to one who has asked nothing is dropped where it is received: only the crossing is paid for."""
        text = f"<message to='romeo@{names.XMPP_DOMAIN}' type='error'><body>{BODY}</body></message>" * IN_FLIGHT
        cpu, end, sent = cpu_seconds(self.theirs), time.monotonic() + SECONDS, 0
        while time.monotonic() < end:
            number[0] += 1
            mark = f"ping{number[0]}"
            user.send(text + f"<iq type='get' id='{mark}' to='{names.XMPP_DOMAIN}'><ping xmlns='urn:xmpp:ping'/></iq>")
            user.wait(lambda stanza: stanza.get("id") == mark, 60)
            user.forget()
            sent += IN_FLIGHT
        return (cpu_seconds(self.theirs) - cpu) * 1e6 / sent

    async def idle(self, where, remote, pid, first):
        before, held = memory_bytes(pid), []
        for n in range(first, STREAMS):
            held.append(await xmpp_load.connect(where, self.client_tls, domain_of(n), remote))
        each = (await asyncio.to_thread(memory_bytes, pid) - before) / len(held)
        if any(stream.over.is_set() for stream in held):
            raise SystemExit(f"{where}: not every stream was held")
        return round(each), held

    async def run(self):
        sip_tls = sip_peer.server_context(self.pool_pair, self.lab.internal.certificate)
        await asyncio.start_server(self.pool.serve, names.POOL, 5061, ssl=sip_tls)
        await xmpp_load.serve(names.XMPP_SERVER_2, self.server_tls, self.heard, self.streams)
        gateway = self.ours[1]
        # First: memory that a load has touched hides what a stream takes.
        ours, held = await self.idle(names.EDGE_EXTERNAL, names.OWN_DOMAIN, gateway, 0)
        peer, theirs_held = await self.idle(names.XMPP_SERVER, names.XMPP_DOMAIN, self.north.process.pid, 0)
        show("xmpp.stream.idle_bytes", ours, peer, None, f"bytes a stream, {STREAMS} partners' streams held")
        for stream in theirs_held:
            stream.transport.close()
        self.inward = held[1]
        user = await asyncio.to_thread(XmppUser, SOUTH_ADDRESS, f"juliet@{SOUTH}", "secret", self.lab.public.certificate)
        out, back, theirs = [], [], []
        await asyncio.to_thread(self.prosodys, user)  # the first round makes connections
        await self.sip_to_xmpp()
        await self.xmpp_to_sip()
        for _ in range(ROUNDS):
            out.append(await self.sip_to_xmpp())
            back.append(await self.xmpp_to_sip())
            theirs.append(await asyncio.to_thread(self.prosodys, user))
        for name, rows in (("sip_to_xmpp", out), ("xmpp_to_sip", back)):
            show(f"xmpp.{name}.cpu_us", statistics.median(rows), statistics.median(theirs), RATIO_MAX,
                 f"us CPU of access and gateway a message, {IN_FLIGHT} in flight, {STREAMS} streams held; limit: of the ratio",
                 [round(x, 1) for x in (min(rows), max(rows), min(theirs), max(theirs))])
        before = memory_bytes(gateway)
        for n in range(SUBSCRIPTIONS):
            self.inward.send(f"<presence from='watcher{n}@{domain_of(1)}' to='{ALICE}' type='subscribe' id='s{n}'/>")
            if n % 50 == 0:
                await self.until(lambda: n - self.pool.subscriptions < IN_FLIGHT, 30, f"subscription {n} of {SUBSCRIPTIONS} is made")
        await self.until(lambda: self.pool.subscriptions >= SUBSCRIPTIONS, 60, "every subscription is made")
        after = await asyncio.to_thread(memory_bytes, gateway)
        show("xmpp.subscription.bytes", round((after - before) / SUBSCRIPTIONS), None, None, f"bytes each, {SUBSCRIPTIONS} held")
        show("xmpp.gateway.resident_kb", after // 1024, None, None, f"kB, {STREAMS} streams and {SUBSCRIPTIONS} subscriptions held")


def show(name, ours, peer, limit, unit, spread=None):
    row = {"name": name, "ours": round(ours, 1), "peer": peer and round(peer, 1), "peer_name": "Prosody 0.12" if peer else None,
           "limit": limit, "unit": unit, "ratio": round(ours / peer, 3) if peer else None}
    print(json.dumps({**row, **({"spread": spread} if spread else {})}), flush=True)


def main():
    lab = Lab(FOLDER)
    lab.close()
    bench = Bench(lab.open())
    try:
        bench.prepare()
        asyncio.run(bench.run())
    finally:
        lab.close()


if __name__ == "__main__":
    main()
