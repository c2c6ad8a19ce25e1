"""A dialog is its parties': nobody speaks as, or reaches, somebody else in it, and policy is asked again for every request."""
import copy

import pytest

from lab import names
from lab.process import wait_until
from lab.sip_peer import response
from sip import ALICE, BOB, Dialog, invite, unique

pytestmark = pytest.mark.short

DORA = f"sip:dora@{names.OWN_DOMAIN}"  # whom policy lets nobody outside talk with
EVE = f"sip:eve@{names.PARTNER_DOMAIN}"
PHONE = "sip:alice-7@192.0.2.77:5061;transport=tls"


def answer_as(contact):
    def handler(connection, message):
        if message.is_request and message.method != "ACK":
            connection.send(response(message, 200, headers=[f"Contact: <{contact}>"]))
    return handler


class Call:
    """From bob outside to alice, as both ends see it."""

    def __init__(self, edge, to=ALICE, target=ALICE):
        self.pool, self.partner, self.inside = edge.pool, edge.partner(), edge.inside()
        self.forget()
        call, tag = unique("call"), unique("tag")
        first = invite(to=to, call_id=call, from_tag=tag).replace(f"INVITE {to} ".encode(), f"INVITE {target} ".encode(), 1)
        answer = self.partner.ask(first)
        assert answer.status == 200, answer.text()
        self.bob = Dialog.of_caller(call, BOB, tag, answer, to)
        self.alice = Dialog.of_called(self.pool.next_request(), to, "answerer", BOB)

    def forget(self):
        """What the pool has had so far."""
        while not self.pool.has_no_request():
            self.pool.next_request()

    def ask(self, side, method="INFO", **changed):
        """One more request of that party, with something in it that the dialog does not have."""
        dialog = copy.copy(getattr(self, side))
        for name, value in changed.items():
            setattr(dialog, name, value)
        getattr(self, side).cseq += 1
        connection = self.partner if side == "bob" else self.inside
        return connection.ask(dialog.request(method))


def test_a_dialog_is_its_parties(start_edge):
    edge = start_edge()
    assert edge.parley("--yes", "domain", "block", "blocked.example").returncode == 0
    edge.ask("policy", "new", "Inside", "--yes")
    edge.ask("policy", "set", "Inside", "enable-federation-access=false", "--yes")
    edge.ask("user", "add", "dora@contoso.example", "policy=Inside", "--yes")
    edge.pool = edge.serve_pool(handler=answer_as(PHONE))
    edge.serve_partner()
    nobody_comes_between(edge)
    a_call_that_was_led_on_stays_with_whom_policy_was_asked_about(edge)
    what_policy_withdraws_ends_in_the_dialog(edge)


def nobody_comes_between(served):
    call = Call(served)
    # What real programs do: another contact, a fork, a display name is not there, a machine's address.
    for words in ({}, {"target": "sip:alice@192.0.2.9:5070"}, {"remote_tag": "fork2"}, {"target": f"{ALICE};opaque=user:epid:x;gruu"},
                  {"remote": "sip:Alice@Contoso.Example"}, {"local": "sip:b%6fb@fabrikam.example"}):
        assert call.ask("bob", **words).status == 200, words
    assert call.ask("alice").status == 200 and call.ask("alice", target="sip:bob@203.0.113.5:5061").status == 200
    call.forget()
    refused = [("bob", {"remote": DORA}, "dialog-parties", 30062), ("bob", {"local": EVE}, "dialog-parties", 30062),
               ("bob", {"remote": DORA, "target": DORA}, "dialog-parties", 30062),
               ("bob", {"target": DORA}, "user-policy", 1002), ("bob", {"target": f"{DORA};opaque=user:epid:x;gruu"}, "user-policy", 1002),
               ("alice", {"local": DORA}, "dialog-parties", 30062), ("alice", {"remote": EVE}, "dialog-parties", 30062),
               ("alice", {"target": "sip:x@blocked.example"}, "blocked-domain", 30001)]
    for side, words, step, number in refused:
        answer = call.ask(side, "MESSAGE", **words)
        assert answer.status == 403, f"{words}: {answer.text()}"
        assert f"{number};reason=" in (answer.get("ms-diagnostics-public") or answer.get("ms-diagnostics")), words
        served.wait_event("request-refused", f'"{step}"')
    wait_until(lambda: served.ask("status")["steps"].get("dialog-parties") == 5, 10, "each is counted")
    assert call.pool.has_no_request()
    # Nobody's call has suffered.
    assert call.ask("bob", "BYE").status == 200


def what_policy_withdraws_ends_in_the_dialog(served):
    call = Call(served)
    assert call.ask("bob").status == 200 and call.ask("alice").status == 200
    served.ask("user", "add", "alice@contoso.example", "policy=Inside", "--yes")
    for side in ("bob", "alice"):
        answer = call.ask(side)
        assert answer.status == 403 and "1002;" in (answer.get("ms-diagnostics-public") or answer.get("ms-diagnostics"))
    served.ask("user", "remove", "alice@contoso.example", "--yes")
    assert call.ask("bob").status == 200
    assert served.parley("--yes", "domain", "block", names.PARTNER_DOMAIN).returncode == 0
    assert call.ask("alice").status == 403


def a_call_that_was_led_on_stays_with_whom_policy_was_asked_about(served):
    """To says whom bob had called; the Request-URI, whom the call was led to: he is decided on, in the dialog as well."""
    call = Call(served, to="sip:hotline@elsewhere.example")
    assert call.ask("bob").status == 200 and call.ask("alice").status == 200
    served.ask("user", "add", "alice@contoso.example", "policy=Inside", "--yes")
    assert call.ask("bob").status == 403 and call.ask("alice").status == 403
    served.ask("user", "remove", "alice@contoso.example", "--yes")
