"""
A real XMPP server: ejabberd with the configuration that Debian ships, untouched but for its host, its certificate, its authorities and
its addresses.

It runs as one Erlang node without a name: no epmd is started, nothing listens but what the configuration says, and one process id ends it all.
"""
import itertools
from pathlib import Path

from lab.process import wait_until, tail, LabError

SHIPPED = Path("/etc/ejabberd/ejabberd.yml")
LIBRARIES = "/usr/lib/x86_64-linux-gnu"

# text of the shipped configuration -> what stands in its place.
PLACE = (
    ("hosts:\n  - localhost\n", 'hosts:\n  - "{domain}"\n\nca_file: "{trust}"\n'),
    ('certfiles:\n  - "/etc/ejabberd/ejabberd.pem"\n', 'certfiles:\n  - "{folder}/server.pem"\n'),
    ('ip: "::"', 'ip: "{address}"'),
)
ADD_USER = 'ok = ejabberd_auth:try_register(<<"{name}">>, <<"{domain}">>, <<"{password}">>)'

NUMBERS = itertools.count(1)


class Ejabberd:
    """`changes`: text that takes the place of other text of the shipped configuration, for scenarios that need it."""

    def __init__(self, ledger, folder, domain, address, certificate, trust, users=("juliet",), password="secret", changes=()):
        self.ledger, self.domain, self.address = ledger, domain, address
        self.folder = Path(folder) / f"ejabberd-{domain}-{next(NUMBERS)}"
        self.configuration, self.log = self.folder / "ejabberd.yml", self.folder / "ejabberd.log"
        self.users, self.password = users, password
        self.process = None
        (self.folder / "database").mkdir(parents=True)
        server = self.folder / "server.pem"
        server.touch(mode=0o600)
        server.write_text(Path(certificate.key).read_text() + Path(certificate.chain).read_text())
        text = SHIPPED.read_text()
        for old, new in PLACE + tuple(changes):
            if old not in text:
                raise LabError(f"the shipped configuration of ejabberd has no {old!r}")
            text = text.replace(old, new.replace("{domain}", domain).replace("{address}", address)
                                .replace("{trust}", str(trust)).replace("{folder}", str(self.folder)))
        self.configuration.write_text(text)

    def start(self):
        environment = {"EJABBERD_CONFIG_PATH": self.configuration, "EJABBERD_LOG_PATH": self.log, "ERL_LIBS": LIBRARIES,
                       "ERL_INETRC": "/etc/ejabberd/inetrc", "ERL_CRASH_DUMP_BYTES": "0", "HOME": self.folder,
                       "EJABBERD_PID_PATH": self.folder / "ejabberd.pid"}
        users = ", ".join(ADD_USER.format(name=name, domain=self.domain, password=self.password) for name in self.users)
        first = not (self.folder / "database/schema.DAT").exists()
        self.process = self.ledger.start(
            f"ejabberd-{self.domain}",
            ["erl", "-noinput", "-mnesia", "dir", f'"{self.folder}/database"', "-s", "ejabberd", *(["-eval", users + "."] if first and users else [])],
            env={name: str(value) for name, value in environment.items()}, cwd=self.folder)
        try:
            wait_until(self._listens, 40, f"ejabberd for {self.domain} listens", self.process.is_running)
        except LabError as error:
            raise LabError(f"{error}\n{tail(self.process.log)}\n{tail(self.log)}") from None
        return self

    def stop(self):
        if self.process:
            self.process.stop(20)

    def _listens(self):
        found = self.ledger.run(["ss", "-Hltn", "src", self.address]).stdout
        return all(f"{self.address}:{port}" in found for port in (5222, 5269))
