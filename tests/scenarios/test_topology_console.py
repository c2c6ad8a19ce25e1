"""The first edge and the pool made in the console's topology screen, from the configuration as shipped; then a message crosses by it."""
import re
import shutil

import pytest

from conftest import Running
from lab import names
from lab.edge import TOP
from lab.process import wait_until
from sip import ALICE, BOB, message
from test_real_console import Screen

EDGES, OTHERS = "edges.contoso.example", "others.contoso.example"


@pytest.fixture
def machine(lab):
    """What `make install` leaves, and certificates: no edge, no pool, no domain of ours."""
    edge = lab.edge(f"first-{len(list(lab.folder.glob('first-*')))}")
    shutil.rmtree(edge.etc / "conf.d")
    shutil.copytree(TOP / "conf.d", edge.etc / "conf.d", ignore=shutil.ignore_patterns("systemd", "host.xml"))
    edge._give_to_keeper()
    edge.start(ready=False)
    running = Running(lab, edge)
    yield running
    running.disconnect()
    running.assert_healthy()
    assert edge.stop()


@pytest.fixture
def screen(machine, tmp_path):
    opened = Screen(machine.edge, tmp_path)
    opened.wait("NEEDS ATTENTION|Overview")
    yield opened
    opened.close()


def fill(screen, title, **fields):
    """The form's fields in its order, then what it publishes."""
    screen.wait(title)
    for label, value in fields.items():
        label = label.replace("_", " ")
        screen.go_to_field(label)
        screen.keys("C-u")
        screen.type(value)
    screen.keys("Enter")
    asked = screen.wait("Dry run: ", r"y/N|Type \d+, the number of connections")
    number = re.search(r"Type (\d+), ", asked)  # what closes connections is confirmed by their number
    screen.keys(*((number[1], "Enter") if number else ("y",)))
    screen.wait(r"v\d+ published: ")


def test_from_nothing_to_a_message_that_crosses(machine, screen):
    screen.keys("g", "T")
    screen.wait(r">.* topology ", r"1 of 1")
    screen.keys("Enter")
    fill(screen, "Topology", SIP_domains=names.OWN_DOMAIN, Permitted_targets="127.0.0.0/8 ::1/128 fd00::/8")
    screen.wait(r">.* topology ")
    screen.keys("n")
    fill(screen, "New: Edge", FQDN=names.EDGE_NAME, External_listen=names.EDGE_EXTERNAL, External_FQDN=names.EDGE_EXTERNAL_NAME,
         Internal_listen=names.EDGE_INTERNAL, External_certificate="certs/external.pem", External_trust="certs/external-trust.pem",
         Internal_certificate="certs/internal.pem", Internal_trust="certs/internal-trust.pem")
    screen.wait(rf"{names.EDGE_NAME} +edge")
    screen.keys("Home", "n")
    fill(screen, "New: Pool member", FQDN=names.POOL_NAME, Address=names.POOL)
    screen.wait(rf"{names.POOL_NAME} +pool-member")
    wait_until(machine.edge.is_ready, 20, "access runs")

    pool, partner = machine.serve_pool(), machine.serve_partner()
    machine.ask("access-edge", "set", "allow-federated-users=true")
    machine.ask("policy", "set", "Global", "enable-federation-access=true")
    machine.ask("domain", "allow", names.PARTNER_DOMAIN)
    inside = machine.inside()

    def crosses(server, connection, from_, to):
        assert connection.ask(message(from_, to)).status == 200
        return wait_until(lambda: server.next_request().method == "MESSAGE", 10, "the message arrives")
    assert crosses(partner, inside, ALICE, BOB) and crosses(pool, machine.partner(), BOB, ALICE)

    # The way out is moved, and back, by the same screen: the next request takes it.
    for pool_name in (EDGES, OTHERS):
        machine.ask("edge-pool", "new", pool_name)
    machine.ask("edge", "set", names.EDGE_NAME, f"edge-pool={EDGES}")
    machine.edge.write_file("host.xml", (machine.edge.etc / "host.xml").read_text().replace("<external-key>", f"<node>{names.EDGE_NAME}</node><external-key>"))
    machine.edge.process.child.send_signal(1)
    wait_until(lambda: machine.ask("status")["node"] == names.EDGE_NAME, 10, "host.xml is read")
    machine.ask("edge", "new", "edge2.contoso.example", f"edge-pool={OTHERS}", "external-listen=192.0.2.9", "external-fqdn=sip2.contoso.example",
                "internal-listen=10.0.0.9")
    for route, status in ((OTHERS, 403), (EDGES, 200)):
        screen.keys("g", "T", "Home")
        screen.wait(r">.* topology ")
        screen.keys("Enter")
        screen.wait(rf"SIP domains +{names.OWN_DOMAIN}")  # as it is now, not as it would be by default
        fill(screen, "Topology", SIP_federation_route=route)
        screen.wait("SIP federation route")
        answer = inside.ask(message(ALICE, BOB))
        assert answer.status == status, answer
        assert status == 200 or OTHERS in machine.wait_event("request-refused", "federation-route")
