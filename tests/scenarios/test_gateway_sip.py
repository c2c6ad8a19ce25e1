"""
The gateway's SIP side behind a real Access Edge: a pool's user and an XMPP domain whose server nobody reaches.
What goes on in XMPP is in test_xmpp*.py; here it is dialogs, answers and what a kill leaves of them.
"""
import os
import signal

import pytest

from lab import names
from lab.process import wait_until
from sip import ALICE, Dialog, invite, message, request, tag_of

JULIET = "sip:juliet@northwind.example"
CONTACT = f"Contact: <{ALICE};opaque=user:epid:x;gruu>"


@pytest.fixture
def edge(start_edge):
    running = start_edge(edge={"xmpp_listen": "127.0.10.1:5269"})
    running.ask("xmpp", "add", "northwind.example", "partner-type=federated", f"proxy-fqdn={names.PARTNER_NAME}")
    wait_until(lambda: gateway(running)["state"] == "running", 20, "the gateway runs")
    return running


def gateway(edge):
    return next(s for s in edge.ask("status")["services"] if s["name"] == "gateway")


def subscribe(expires=3600, **more):
    headers = [CONTACT, "Event: presence", "Accept: application/pidf+xml", f"Expires: {expires}", *more.pop("headers", [])]
    return request("SUBSCRIBE", JULIET, ALICE, JULIET, headers=headers, via_host=names.POOL_NAME, **more)


def test_what_nobody_can_deliver_is_answered_once(edge):
    pool = edge.inside()
    answer = pool.ask(message(ALICE, JULIET), timeout=40)
    assert answer.status == 504, answer.text()
    # Whoever reads it learns which partner, and what is wrong with it; so does the log, and so do those who ask why.
    told = answer.get("ms-diagnostics")
    assert told.startswith('1046;reason="northwind.example (XMPP): ') and f'source="{names.EDGE_NAME}"' in told, told
    reason = told.partition('(XMPP): ')[2].partition('"')[0]
    edge.wait_event("request-failed", "northwind.example (XMPP): ")
    row = next(row for row in edge.ask("xmpp", "list")["rows"] if row["domain"] == "northwind.example")
    stream = next(row for row in edge.ask("connection", "list")["rows"] if row["side"] == "xmpp")
    assert row["state"] == stream["state"] and row["state"] in ("back-off", "failed"), (row, stream)
    assert row["last_error"] == stream["last_error"] and stream["last_error_out"]["text"] == row["last_error"]
    assert stream["pairs"] == [{"local": "contoso.example", "remote": "northwind.example"}]
    assert row["last_error"][:60] in reason or reason[:60] in row["last_error"], (row["last_error"], reason)
    why = edge.ask("why", ALICE, JULIET)
    route = next(step for step in why["steps"] if step["name"] == "route")
    assert route["result"] == "assumed" and row["last_error"][:100] in route["words"] and "attempt" in route["words"], route
    assert pool.ask(message(ALICE, JULIET, content_type="application/sdp", body="v=0")).status == 415
    assert pool.ask(request("SUBSCRIBE", JULIET, ALICE, JULIET, headers=[CONTACT, "Event: dialog"], via_host=names.POOL_NAME)).status == 489
    assert pool.ask(subscribe(expires=10)).status == 423
    assert pool.ask(subscribe()).status == 200

    # The block list stops both protocols, and every list says so.
    edge.ask("domain", "block", "northwind.example")
    row = next(row for row in edge.ask("xmpp", "list")["rows"] if row["domain"] == "northwind.example")
    assert (row["state"], row["blocked"]) == ("blocked", "northwind.example"), row
    wait_until(lambda: [row["state"] for row in edge.ask("session", "list")["rows"]] == ["blocked"], 10, "its subscription is stopped, too")
    answer = pool.ask(message(ALICE, JULIET))
    assert answer.status == 403 and "on the block list" in answer.get("ms-diagnostics"), answer.text()
    edge.ask("domain", "remove", "northwind.example")
    wait_until(lambda: [row["state"] for row in edge.ask("session", "list")["rows"]] not in (["blocked"], ["off"]), 10, "and goes on")
    assert pool.ask(request("SUBSCRIBE", JULIET, ALICE, JULIET, headers=[CONTACT, "Event: presence", "Accept: text/xml"],
                            via_host=names.POOL_NAME)).status == 406


@pytest.mark.short
def test_a_session_is_a_dialog_through_the_edge(edge):
    pool = edge.inside()
    answer = pool.ask(invite(ALICE, JULIET))
    assert answer.status == 200 and b"m=message" in answer.body, answer.text()
    dialog = Dialog.of_caller(answer.get("Call-ID"), ALICE, tag_of(answer.get("From")), answer, JULIET)
    pool.send(dialog.request("ACK"))
    assert pool.ask(dialog.request("INFO", body="<KeyboardActivity><status status='type'/></KeyboardActivity>",
                                   content_type="application/xml")).status == 200
    assert pool.ask(dialog.request("MESSAGE", body="hello"), timeout=40).status in (480, 504), "nobody reaches juliet"
    assert pool.ask(dialog.request("BYE")).status == 200
    assert pool.ask(dialog.request("MESSAGE", body="hello")).status == 481


@pytest.mark.restarts
def test_a_subscription_outlives_the_gateway(edge):
    server, pool = edge.serve_pool(), edge.inside()
    answer = pool.ask(subscribe())
    assert answer.status == 200 and answer.get("Expires") == "3600", answer.text()
    dialog = Dialog.of_caller(answer.get("Call-ID"), ALICE, tag_of(answer.get("From")), answer, JULIET)
    assert dialog.routes, "the edge stays in the dialog"
    notify = server.next_request()
    assert notify.method == "NOTIFY" and notify.get("Subscription-State").startswith("pending"), notify.text()
    assert tag_of(notify.get("From")) == dialog.remote_tag and notify.body == b""

    os.kill(gateway(edge)["pid"], signal.SIGKILL)
    wait_until(lambda: gateway(edge)["state"] == "running" and gateway(edge)["restarts"] > 0, 20, "the gateway is back")
    answer = wait_until(lambda: pool.ask(dialog.request("SUBSCRIBE", headers=[CONTACT, "Event: presence", "Expires: 3600"])), 20, "an answer")
    assert answer.status == 200, "its dialog has outlived it\n" + answer.text()
    again = server.next_request()
    assert tag_of(again.get("From")) == dialog.remote_tag and int(again.get("CSeq").split()[0]) > 1000, again.text()

    answer = pool.ask(dialog.request("SUBSCRIBE", headers=[CONTACT, "Event: presence", "Expires: 0"]))
    assert answer.status == 200
    last = server.next_request()
    assert last.get("Subscription-State") == "terminated;reason=timeout", last.text()
