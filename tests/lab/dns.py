"""The lab's DNS: unbound with nothing but the zones given here."""
from pathlib import Path

from lab import namespace
from lab.process import wait_until, tail, LabError

CONFIGURATION = """\
server:
  interface: {address}
  access-control: 0.0.0.0/0 allow
  do-daemonize: no
  username: ""
  chroot: ""
  directory: "{folder}"
  pidfile: "{folder}/unbound.pid"
  use-syslog: no
  logfile: ""
  module-config: "iterator"
  minimal-responses: yes
  local-zone: "." static
  do-not-query-localhost: no
{records}
{forwards}
remote-control:
  control-enable: yes
  control-interface: "{folder}/unbound.socket"
"""


FORWARD = """\
  local-zone: "{zone}" transparent
forward-zone:
  name: "{zone}"
  forward-addr: {address}
"""


class Dns:
    """Static answers; everything else is NXDOMAIN, nothing ever leaves the lab."""

    def __init__(self, ledger, folder, address=namespace.DNS_ADDRESS):
        self.ledger, self.folder, self.address = ledger, Path(folder), address
        self.conf = self.folder / "unbound.conf"

    def start(self, records, forwards=()):
        """`forwards`: zones that another server at an address of the lab is asked about, (zone, address)."""
        lines = "\n".join(f"  local-data: '{record}'" for record in records)
        self.conf.write_text(CONFIGURATION.format(address=self.address, folder=self.folder, records=lines,
                                                   forwards="\n".join(FORWARD.format(zone=zone, address=address)
                                                                      for zone, address in forwards)))
        process = self.ledger.start("unbound", ["unbound", "-d", "-p", "-c", self.conf])
        try:
            wait_until(lambda: self._control("status").returncode == 0, 10, "unbound answers", process.is_running)
        except LabError as error:
            raise LabError(f"{error}\n{tail(process.log)}") from None

    def _control(self, *words):
        return self.ledger.run(["unbound-control", "-c", self.conf, *words])

    def add(self, *records):
        for record in records:
            answer = self._control("local_data", record)
            if answer.returncode != 0:
                raise LabError(f"DNS record {record!r}: {answer.stdout}{answer.stderr}")

    def remove(self, name):
        self._control("local_data_remove", name)


def federation(domain, host, *addresses, port=5061, priority=0, weight=0):
    """The records by which partners find the edge of `domain`."""
    return [srv(domain, host, port, priority, weight)] + [host_record(host, address) for address in addresses]


def srv(domain, host, port=5061, priority=0, weight=0, service="_sipfederationtls._tcp"):
    return f"{service}.{domain}. 5 IN SRV {priority} {weight} {port} {host.rstrip(chr(46))}."


def xmpp(domain, host, port=5269, priority=0, weight=0):
    """The record by which XMPP servers find that of `domain`."""
    return srv(domain, host, port, priority, weight, "_xmpp-server._tcp")


def host_record(host, address):
    return f"{host}. 5 IN {'AAAA' if ':' in address else 'A'} {address}"
