"""One Parley edge below a folder of its own: documents, certificates, the daemon, the command line."""
import json
import os
import pwd
import shutil
from pathlib import Path
from xml.sax.saxutils import escape, quoteattr

from lab import names
from lab.process import wait_until, tail, LabError

TOP = Path(__file__).resolve().parents[2]
KEEPER_USER, ACCESS_USER, GATEWAY_USER = "daemon", "nobody", "games"  # users every Debian has; a package makes its own


def programs():
    """(parleyd, parley): those of PARLEYD and PARLEY, else the release build."""
    return (Path(os.environ.get("PARLEYD") or TOP / "build/release/parleyd").resolve(),
            Path(os.environ.get("PARLEY") or TOP / "build/release/parley").resolve())


def _fields(fields):
    return "".join(f"\n    <{name.replace('_', '-')}>{escape(str(value))}</{name.replace('_', '-')}>"
                   for name, value in fields.items())


def _object(kind, key=None, /, **fields):
    """One object as the configuration documents write it: the key is an attribute, fields are elements."""
    attribute = f" {key[0]}={quoteattr(key[1])}" if key else ""
    return f"  <{kind}{attribute}>{_fields(fields)}\n  </{kind}>\n"


def document(name, *objects):
    return f'<?xml version="1.0" encoding="UTF-8"?>\n<parley document="{name}" schema="1">\n{"".join(objects)}</parley>\n'


class Edge:
    def __init__(self, ledger, root, name="parleyd"):
        self.ledger, self.root, self.name = ledger, Path(root), name
        self.etc = self.root / "etc/parley"
        self.parleyd, self.parley_program = programs()
        self.process = None

    # ---- configuration ----
    def write_certificates(self, external, internal, external_trust, internal_trust, xmpp=None, remote=None):
        """Copies the certificates (struct of lab.certificates) to where the documents name them."""
        folder = self.etc / "certs"
        folder.mkdir(parents=True, exist_ok=True)
        for name, certificate in (("external", external), ("internal", internal), ("xmpp", xmpp), ("remote", remote)):
            if certificate is not None:
                shutil.copy(certificate.chain, folder / f"{name}.pem")
                shutil.copy(certificate.key, folder / f"{name}.key")
        (folder / "external-trust.pem").write_text("".join(Path(p).read_text() for p in external_trust))
        (folder / "internal-trust.pem").write_text("".join(Path(p).read_text() for p in internal_trust))

    def write_documents(self, allowed=(), access_edge=None, edge=None, pool=None, topology=None, certificates=None, files=None,
                        xmpp=None, xmpp_gateway=None, xmpp_names=None, remote=False, conferences=None):
        """
        The lab's documents; dictionaries change single fields.  `allowed`: domain names or
        (domain, {field: value}); `pool`: {fqdn: {field: value}}; `certificates`: {name: (certificate, server names)};
        `files`: {name below etc/parley: text}.  `xmpp`: XMPP partners, {domain: {field: value}}; None: the edge has no XMPP address;
        `xmpp_names`: {SIP domain of ours: its name in XMPP}.  `remote`: the edge serves remote users, and everybody may be one;
        `conferences`: meetings for anonymous users, {address: {field: value}}.
        """
        conf = self.etc / "conf.d"
        conf.mkdir(parents=True, exist_ok=True)
        edge_fields = {"external_listen": f"{names.EDGE_EXTERNAL}:5061", "external_fqdn": names.EDGE_EXTERNAL_NAME,
                       "internal_listen": f"{names.EDGE_INTERNAL}:5061",
                       "external_certificate": "certs/external.pem", "external_trust": "certs/external-trust.pem",
                       "internal_certificate": "certs/internal.pem", "internal_trust": "certs/internal-trust.pem",
                       **({} if xmpp is None else {"xmpp_listen": f"{names.EDGE_EXTERNAL}:{names.XMPP_PORT}",
                                                   "xmpp_certificate": "certs/xmpp.pem"}),
                       **({"remote_listen": f"{names.EDGE_EXTERNAL}:{names.REMOTE_PORT}"} if remote else {}),
                       **(edge or {})}
        members = pool or {names.POOL_NAME: {"address": f"{names.POOL}:5061"}}
        (conf / "topology.xml").write_text(document(
            "topology",
            _object("topology",
                    # Tests that count what reaches the pool are not asked for OPTIONS beside it.
                    **{"sip_domains": names.OWN_DOMAIN, "permitted_targets": "127.0.0.0/8 ::1/128 fd00::/8", "pool_ping_interval": 0, **(topology or {})}),
            _object("edge", ("fqdn", names.EDGE_NAME), **edge_fields),
            *[_object("xmpp-name", ("sip-domain", ours), xmpp_domain=theirs) for ours, theirs in (xmpp_names or {}).items()],
            *[_object("pool-member", ("fqdn", fqdn), **fields) for fqdn, fields in members.items()]))
        (conf / "xmpp-partners.xml").write_text(document(
            "xmpp-partners", _object("xmpp-gateway", **(xmpp_gateway or {})),
            *[_object("xmpp-partner", ("domain", domain), **fields) for domain, fields in (xmpp or {}).items()]))
        (conf / "access-edge.xml").write_text(document(
            "access-edge", _object("access-edge", **{"allow_federated_users": "true", **(access_edge or {})}),
            *[_object("conference", ("sip-address", address), **fields) for address, fields in (conferences or {}).items()]))
        rows = [row if isinstance(row, tuple) else (row, {}) for row in allowed]
        (conf / "sip-domains.xml").write_text(document(
            "sip-domains", *[_object("allowed-domain", ("domain", domain), **fields) for domain, fields in rows]))
        (conf / "access-policies.xml").write_text(document(
            "access-policies", _object("access-policy", ("identity", "Global"), enable_federation_access="true",
                                       enable_outside_access=str(remote).lower())))
        for name, text in (files or {}).items():
            self.write_file(name, text)
        further = []
        for name, (certificate, server_names) in (certificates or {}).items():
            shutil.copy(certificate.chain, self.etc / f"certs/{name}.pem")
            shutil.copy(certificate.key, self.etc / f"certs/{name}.key")
            further.append(_object("certificate", ("name", name), chain=f"certs/{name}.pem", key=f"certs/{name}.key",
                                   server_names=" ".join(server_names)))
        (self.etc / "host.xml").write_text(document(
            "host", *further, _object("host", external_key="certs/external.key", internal_key="certs/internal.key",
                            **({} if xmpp is None else {"xmpp_key": "certs/xmpp.key"}),
                            **({"remote_key": "certs/remote.key"} if "remote_certificate" in edge_fields else {}),
                            keeper_user=KEEPER_USER, access_user=ACCESS_USER, gateway_user=GATEWAY_USER,
                            admin_group=KEEPER_USER)))
        self._give_to_keeper()

    def _give_to_keeper(self):
        """What a package's installation would do: the keeper's user owns configuration and state."""
        if os.geteuid() != 0:
            return
        user = pwd.getpwnam(KEEPER_USER)
        for folder in ("etc/parley", "var/lib/parley", "run/parley"):
            (self.root / folder).mkdir(parents=True, exist_ok=True)
        for path in [self.root, *self.root.rglob("*")]:
            os.chown(path, user.pw_uid, user.pw_gid)

    def write_file(self, name, text):
        """One more file below etc/parley, or another text of one that is there, put in its place whole."""
        path, fresh = self.etc / name, self.etc / f"{name}.new"
        fresh.write_text(text)
        if os.geteuid() == 0:
            user = pwd.getpwnam(KEEPER_USER)
            os.chown(fresh, user.pw_uid, user.pw_gid)
        fresh.replace(path)

    # ---- the daemon ----
    def start(self, ready=True, descriptors=None, **environment):
        """Starts parleyd; with `ready` waits until the Access Edge runs.  `descriptors`: each process may open so many."""
        sanitizer = {"ASAN_OPTIONS": "abort_on_error=1:detect_leaks=1:detect_stack_use_after_return=1", "UBSAN_OPTIONS": "print_stacktrace=1"}
        limit = ["prlimit", f"--nofile={descriptors}"] if descriptors else []
        self.process = self.ledger.start(self.name, [*limit, self.parleyd, "--root", self.root], env={**sanitizer, **environment})
        try:
            wait_until(self.is_ready if ready else self.answers, 30,
                       "the edge " + ("runs" if ready else "answers"), self.process.is_running)
        except LabError as error:
            raise LabError(f"{error}\n{self.status_text()}\n{tail(self.process.log, 40)}") from None
        return self

    def answers(self):
        return self.parley("--json", "status").returncode == 0

    def is_ready(self):
        answer = self.parley("--json", "status")
        if answer.returncode != 0:
            return False
        return access_state(json.loads(answer.stdout)) == "running"

    def status_text(self):
        answer = self.parley("status")
        return answer.stdout + answer.stderr

    def stop(self, seconds=40):
        return self.process.stop(seconds) if self.process else True

    def log(self):
        return self.process.log.read_text(errors="replace") if self.process else ""

    # ---- the command line ----
    def parley(self, *words, timeout=30):
        return self.ledger.run([self.parley_program, "--root", self.root, *words], timeout=timeout)

    def ask(self, *words):
        """A verb's result as JSON; a failure is an error with what it said."""
        answer = self.parley("--json", *words)
        if answer.returncode != 0:
            raise LabError(f"parley {' '.join(words)}: exit {answer.returncode}: {answer.stdout}{answer.stderr}")
        return json.loads(answer.stdout)


def access_state(status):
    """The state of the Access Edge in a status."""
    for service in status.get("services", []):
        if service.get("name") == "access" or service.get("service") == "access":
            return service.get("state")
    return None
