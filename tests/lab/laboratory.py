"""A laboratory: namespace, authorities, DNS, and a ledger of what was started in it."""
import shutil
from pathlib import Path

from lab import namespace, names
from lab.certificates import Authority, SERVER, CLIENT
from lab.dns import Dns, federation, host_record, xmpp
from lab.edge import Edge
from lab.process import Ledger

BOTH = (SERVER, CLIENT)


class Lab:
    """`name`: the namespace to make, or None when we are already inside one."""

    def __init__(self, folder, name=None):
        self.folder, self.name = Path(folder), name
        self.ledger = Ledger(folder, name)

    def open(self):
        self.folder.mkdir(parents=True)
        self.folder.chmod(0o755)
        if self.name:
            namespace.make(self.name)
        certificates = self.folder / "certificates"
        self.public = Authority(certificates / "public", "Lab Public CA")
        self.internal = Authority(certificates / "internal", "Contoso Internal CA")
        self.rogue = Authority(certificates / "rogue", "Rogue CA")
        # OpenSSL's servers refuse a client that shows a server-only certificate, so an edge whose partners
        # run on OpenSSL (Kamailio is one) needs both usages.  All others are what public authorities issue.
        self.edge_external = self.public.issue("edge-external", names.EDGE_EXTERNAL_NAME, usages=BOTH)
        self.edge_internal = self.internal.issue("edge-internal", names.EDGE_NAME, usages=BOTH)
        # XMPP asks for the domains themselves; server authentication only, as public authorities issue them.
        self.edge_xmpp = self.public.issue("edge-xmpp", names.EDGE_EXTERNAL_NAME,
                                           dns=[names.OWN_DOMAIN, names.OWN_XMPP_NAME, names.EDGE_EXTERNAL_NAME])
        self.xmpp_server = self.public.issue("xmpp-server", names.XMPP_DOMAIN, dns=[names.XMPP_DOMAIN, names.XMPP_NAME])
        self.pool = self.internal.issue("pool", names.POOL_NAME, usages=BOTH)
        self.partner = self.public.issue("partner", names.PARTNER_NAME, usages=BOTH)
        self.dns = Dns(self.ledger, self.folder)
        self.dns.start(federation(names.OWN_DOMAIN, names.EDGE_EXTERNAL_NAME, names.EDGE_EXTERNAL)
                       + [host_record(names.EDGE_NAME, names.EDGE_INTERNAL), host_record(names.POOL_NAME, names.POOL)]
                       + federation(names.PARTNER_DOMAIN, names.PARTNER_NAME, names.PARTNER)
                       + [xmpp(domain, names.EDGE_EXTERNAL_NAME) for domain in (names.OWN_DOMAIN, names.OWN_XMPP_NAME)]
                       + [xmpp(names.XMPP_DOMAIN, names.XMPP_NAME), host_record(names.XMPP_NAME, names.XMPP_SERVER)],
                       [(names.SLOW_DOMAIN, names.SLOW_DNS)])
        return self

    def edge(self, folder="edge", external=None, remote_certificate=None, **documents):
        """An edge with the lab's certificates; not started yet."""
        edge = Edge(self.ledger, self.folder / folder, folder)
        edge.write_certificates(external or self.edge_external, self.edge_internal,
                                [self.public.certificate], [self.internal.certificate],
                                self.edge_xmpp if documents.get("xmpp") is not None else None, remote_certificate)
        edge.write_documents(**documents)
        return edge

    def close(self):
        """Stops what this lab (or the one whose ledger lies in its folder) started.  Names of what ran still."""
        stopped = (self.ledger if self.ledger.processes else self.ledger.load()).stop_all()
        if self.name and namespace.exists(self.name):
            namespace.kill_all(self.name)
            namespace.remove(self.name)
            stopped.append(f"namespace {self.name}")
        shutil.rmtree(self.folder, ignore_errors=True)
        return stopped
