"""
Scenarios: a real edge on a loopback of its own, with peers that behave as the
test says (tests/lab/sip_peer.py) or with real servers (test_kamailio.py).

Run by tests/lab/run-scenarios, which makes the network namespace.
"""
import json
import os
import re
import shutil
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from bare import NUMBERS, Bare  # noqa: E402
from lab import names, namespace, sip_peer  # noqa: E402
from lab.certificates import CLIENT, SERVER  # noqa: E402
from lab.edge import programs  # noqa: E402
from lab.laboratory import BOTH, Lab  # noqa: E402
from lab.process import tail, wait_until, LabError  # noqa: E402


def pytest_configure(config):
    config.addinivalue_line("markers", "short: also run against the build with sanitizers")
    config.addinivalue_line("markers", "restarts: the test ends a process of the edge on purpose")


def pytest_sessionstart(session):
    if namespace.DNS_ADDRESS not in Path("/etc/resolv.conf").read_text():
        pytest.exit("run these by tests/lab/run-scenarios: they need a network namespace of their own", 3)
    for program in programs():
        if not program.exists():
            pytest.exit(f"{program} is not built", 3)


@pytest.fixture(scope="session")
def lab():
    folder = Path(f"/run/parley-scenarios-{os.getpid()}")
    lab = Lab(folder).open()
    # Where every user may run them: the tree may lie in a home that others cannot enter.
    programs_folder = folder / programs()[0].parent.name
    programs_folder.mkdir()
    shutil.copytree(programs()[1].parents[1] / "share", folder / "share")  # translations lie beside the programs' folder
    for variable, program in zip(("PARLEYD", "PARLEY"), programs()):
        os.environ[variable] = str(shutil.copy(program, programs_folder))
    yield lab
    lab.close()


class Running:
    """An edge under test, and how to meet it."""

    def __init__(self, lab, edge):
        self.lab, self.edge = lab, edge
        self.opened = []

    # ---- the command line ----
    def parley(self, *words, **more):
        return self.edge.parley(*words, **more)

    def ask(self, *words):
        return self.edge.ask(*words)

    def events(self):
        """Newest last, each as one line of JSON: names and fields to look for."""
        return [json.dumps(event) for event in self.ask("event", "tail", "500")["events"]]

    def wait_event(self, *words, seconds=10):
        """Waits for an event that has all the words; returns it."""
        def find():
            return next((line for line in self.events() if all(word in line for word in words)), None)
        try:
            return wait_until(find, seconds, f"an event with {words}")
        except LabError as error:
            raise AssertionError(f"{error}\n" + "\n".join(self.events()[-20:])) from None

    # ---- connections to it ----
    def partner(self, certificate=None, address=names.EDGE_EXTERNAL, source=names.PARTNER, **more):
        """A connection from a partner's edge; by default fabrikam.example's."""
        context = sip_peer.client_context(self.lab.public.certificate, certificate or self.lab.partner)
        return self._open(address, context, names.EDGE_EXTERNAL_NAME, source=source, **more)

    def inside(self, certificate=None, **more):
        """A connection from our own pool."""
        context = sip_peer.client_context(self.lab.internal.certificate, certificate or self.lab.pool)
        return self._open(names.EDGE_INTERNAL, context, names.EDGE_NAME, source=names.POOL, **more)

    def _open(self, address, context, name, **more):
        connection = sip_peer.Connection.open(address, context, name, **more)
        self.opened.append(connection)
        return connection

    def serve_partner(self, address=names.PARTNER, handler=sip_peer.answer_ok, certificate=None, require=True):
        context = sip_peer.server_context(certificate or self.lab.partner, self.lab.public.certificate, require)
        server = sip_peer.Server(address, context, handler)
        self.opened.append(server)
        return server

    def serve_pool(self, address=names.POOL, handler=sip_peer.answer_ok, certificate=None):
        context = sip_peer.server_context(certificate or self.lab.pool, self.lab.internal.certificate)
        server = sip_peer.Server(address, context, handler)
        self.opened.append(server)
        return server

    def disconnect(self):
        for opened in reversed(self.opened):
            opened.close()
        self.opened.clear()

    # ---- what must hold at the end of every test ----
    def assert_healthy(self, may_restart=False):
        log = self.edge.log()
        assert not re.search(r"AddressSanitizer|LeakSanitizer|runtime error:", log), tail(self.edge.process.log, 400)
        assert self.edge.process.is_running(), "parleyd has ended\n" + tail(self.edge.process.log, 60)
        if not may_restart:
            exits = [line for line in self.events() if "service-exited" in line]
            assert not exits, f"{exits}\n" + tail(self.edge.process.log, 60)


def _start(lab, number=[0], descriptors=None, **documents):
    number[0] += 1
    edge = lab.edge(f"edge-{number[0]}", **{"allowed": [names.PARTNER_DOMAIN], **documents})
    edge.start(descriptors=descriptors)
    return Running(lab, edge)


def _stop(running, may_restart=False):
    running.disconnect()
    try:
        running.assert_healthy(may_restart)
    finally:
        went_by_itself = running.edge.stop()
        status = running.edge.process.child.returncode
    log = running.edge.log()
    assert went_by_itself and status == 0, f"SIGTERM: ended with {status}\n" + tail(running.edge.process.log, 60)
    assert not re.search(r"AddressSanitizer|LeakSanitizer|runtime error:", log), tail(running.edge.process.log, 400)
    shutil.rmtree(running.edge.root, ignore_errors=True)


@pytest.fixture(scope="module")
def module_edge(lab):
    running = _start(lab)
    yield running
    _stop(running)


@pytest.fixture
def edge(module_edge):
    """The module's edge (fabrikam.example allowed); for tests that leave it as they found it."""
    yield module_edge
    module_edge.disconnect()
    module_edge.assert_healthy()


@pytest.fixture
def start_edge(lab, request):
    """start_edge(**documents): an edge of the test's own (Edge.write_documents). Not beside `edge`: same addresses."""
    started = []

    def start(**documents):
        assert "module_edge" not in request.fixturenames, "two edges at the same addresses"
        started.append(_start(lab, **documents))
        return started[-1]

    yield start
    for running in started:
        _stop(running, request.node.get_closest_marker("restarts") is not None)


@pytest.fixture(scope="session")
def zoo(lab):
    """One certificate a case, all for fabrikam.example's edge."""
    issue, name = lab.public.issue, names.PARTNER_NAME
    return {
        "server-only": issue("zoo-server-only", name, usages=(SERVER,)),
        "both-usages": issue("zoo-both", name, usages=BOTH),
        "no-usage": issue("zoo-no-usage", name, usages=()),
        "client-only": issue("zoo-client-only", name, usages=(CLIENT,)),
        "expired": issue("zoo-expired", name, usages=BOTH, expired=True),
        "other-name": issue("zoo-other-name", "sip.evil.example", usages=BOTH),
        "cn-only": issue("zoo-cn-only", name, dns=[], usages=BOTH),
        "wildcard": issue("zoo-wildcard", f"*.{names.PARTNER_DOMAIN}", usages=BOTH),
        "suffix": issue("zoo-suffix", f"x.{name}", usages=BOTH),
        "rogue": lab.rogue.issue("zoo-rogue", name, usages=BOTH),
        "domain": issue("zoo-domain", names.PARTNER_DOMAIN, usages=BOTH),
        "self-made-internal": lab.internal.issue("zoo-internal", name, usages=BOTH),
    }


@pytest.fixture
def pool(edge):
    """contoso.example's pool behind the module's edge: says 200 to everything."""
    return edge.serve_pool()


@pytest.fixture
def bare(lab, request):
    daemon = Bare(lab.folder / f"bare-{next(NUMBERS)}").start()
    yield daemon
    for client in daemon.clients:
        client.close()
    assert "restarts in" not in daemon.log() or "SIGKILL" in request.function.__code__.co_names, tail(daemon.log_path)
    status = daemon.stop()
    assert status == 0, tail(daemon.log_path, 60)
    assert not re.search(r"AddressSanitizer|LeakSanitizer|runtime error:", daemon.log()), tail(daemon.log_path, 80)
