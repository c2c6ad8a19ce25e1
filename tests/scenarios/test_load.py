"""Every request gets exactly one final answer, whatever an administrator does meanwhile."""
import asyncio

from lab import names, sip_peer
from lab.load import Account, Answerer, Sender
from sip import ALICE, BOB

RATE = 500    # messages a second, each way
TOGGLES = 100


def test_a_domain_blocked_and_allowed_100_times_under_500_messages_a_second(start_edge):
    edge = start_edge()
    asyncio.run(toggle_under_load(edge))


async def toggle_under_load(edge):
    lab = edge.lab
    inward, outward = Account(), Account()
    pool, partner = Answerer(inward), Answerer(outward)
    await pool.start(names.POOL, sip_peer.server_context(lab.pool, lab.internal.certificate))
    await partner.start(names.PARTNER, sip_peer.server_context(lab.partner, lab.public.certificate))
    bob = Sender(inward, names.EDGE_EXTERNAL, sip_peer.client_context(lab.public.certificate, lab.partner),
                 names.EDGE_EXTERNAL_NAME, BOB, ALICE, "in")
    alice = Sender(outward, names.EDGE_INTERNAL, sip_peer.client_context(lab.internal.certificate, lab.pool),
                   names.EDGE_NAME, ALICE, BOB, "out")
    stop = asyncio.Event()
    running = [asyncio.create_task(sender.run(RATE, stop)) for sender in (bob, alice)]
    try:
        await until(lambda: inward.statuses()[200] > 100 and outward.statuses()[200] > 100)
        for _ in range(TOGGLES):
            for verb, expected in (("block", 403), ("allow", 200)):
                before = inward.statuses()[expected], outward.statuses()[expected]
                answer = await asyncio.to_thread(edge.parley, "--yes", "domain", verb, names.PARTNER_DOMAIN)
                assert answer.returncode == 0, answer.stdout + answer.stderr
                # The switch has acted, both ways, before the next one comes.
                await until(lambda: inward.statuses()[expected] > before[0] and outward.statuses()[expected] > before[1])
    finally:
        stop.set()
        await asyncio.gather(*running)
    settled = await bob.settle(60) and await alice.settle(60)
    counts = (f"inward {dict(inward.statuses())}, outward {dict(outward.statuses())}, "
              f"{bob.connects} connections from the partner, {bob.resent} sent again on a new one")
    print(counts)
    for sender in (bob, alice):
        sender.close()
    await pool.stop()
    await partner.stop()
    assert settled, counts
    assert not bob.lost and not alice.lost, counts
    assert alice.connects == 1 and alice.resent == 0, counts
    assert inward.wrong() == [], counts
    assert outward.wrong() == [], counts
    assert set(inward.statuses()) == {200, 403}, counts
    assert set(outward.statuses()) == {200, 403}, counts
    # The edge's own books balance with ours to the unit: nothing was read and forgotten.
    expected = {"in": inward.statuses()[200], "out": outward.statuses()[200],
                "refused": inward.statuses()[403] + outward.statuses()[403]}
    await until(lambda: edge.ask("domain", "show", names.PARTNER_DOMAIN)["counts"] == expected)


async def until(condition, seconds=30):
    deadline = asyncio.get_running_loop().time() + seconds
    while not condition():
        assert asyncio.get_running_loop().time() < deadline, "waited in vain"
        await asyncio.sleep(0.01)
