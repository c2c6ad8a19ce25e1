"""A real XMPP server: Prosody with the configuration that Debian ships, untouched but for its host, its authorities and its place."""
import itertools
import re
from pathlib import Path

from lab.process import wait_until, tail, LabError

SHIPPED = Path("/etc/prosody/prosody.cfg.lua")

# What no server can do without here: folders and addresses of its own.  The rest is the shipped file.
PLACE = """\
data_path = "{folder}/data"
interfaces = {{ "{address}" }}
local_interfaces = {{ "{address}" }}
admin_socket = "{folder}/prosody.sock"
run_as_root = true
unbound = {{ resolvconf = "/etc/resolv.conf", hoststxt = false, options = {{ ["module-config:"] = "iterator" }} }}
ssl = {{ cafile = "{trust}", capath = false }}
certificates = "{folder}/certs"
"""


NUMBERS = itertools.count(1)


class Prosody:
    """`changes`: text that takes the place of other text of the shipped configuration, for scenarios that need it."""

    def __init__(self, ledger, folder, domain, address, certificate, trust, changes=(), more=""):
        self.ledger, self.domain, self.address = ledger, domain, address
        self.folder = Path(folder) / f"prosody-{domain}-{next(NUMBERS)}"
        self.configuration = self.folder / "prosody.cfg.lua"
        self.log = self.folder / "prosody.log"
        self.process = None
        certs = self.folder / "certs"
        certs.mkdir(parents=True)
        (self.folder / "data").mkdir()
        (certs / f"{domain}.crt").write_text(Path(certificate.chain).read_text())
        (certs / f"{domain}.key").write_text(Path(certificate.key).read_text())
        text = SHIPPED.read_text()
        text = re.sub(r'^(pidfile|certificates) = .*$', "", text, flags=re.M)
        text = re.sub(r'^log = \{.*?^\}', f'log = {{ debug = "{self.log}" }}', text, flags=re.M | re.S)
        text = text.replace('VirtualHost "localhost"', f'VirtualHost "{domain}"')
        text = re.sub(r'^Include .*$', "", text, flags=re.M)
        for old, new in changes:
            if old not in text:
                raise LabError(f"the shipped configuration of Prosody has no {old!r}")
            text = text.replace(old, new)
        place = PLACE.format(folder=self.folder, address=address, trust=trust)
        self.configuration.write_text(f'pidfile = "{self.folder}/prosody.pid"\n{place}{more}\n{text}')

    def start(self):
        self.process = self.ledger.start(f"prosody-{self.domain}", ["prosody", "-F", "--config", self.configuration])
        try:
            wait_until(self._listens, 30, f"Prosody for {self.domain} listens", self.process.is_running)
        except LabError as error:
            raise LabError(f"{error}\n{tail(self.process.log)}\n{tail(self.log)}") from None
        return self

    def stop(self):
        if self.process:
            self.process.stop()

    def _listens(self):
        found = self.ledger.run(["ss", "-Hltn", "src", self.address]).stdout
        return all(f"{self.address}:{port}" in found for port in (5222, 5269))

    def add_user(self, name, password="secret"):
        answer = self.ledger.run(["prosodyctl", "--root", "--config", self.configuration, "register", name, self.domain, password])
        if answer.returncode != 0:
            raise LabError(f"prosodyctl register {name}: {answer.stdout}{answer.stderr}")
        return password
