"""
Somebody's home: a network namespace with a private address, behind another that translates addresses (NAT).

    home 192.168.77.2 -- 192.168.77.1 nat 198.51.100.2 -- 198.51.100.1 lab, with the edge at 203.0.113.1

Namespaces without names, held open by a process each, so that nothing stays behind when they end.
"""
import shutil
import subprocess

from lab import names
from lab.process import LabError, wait_until


class Home:
    """A place for a remote user's program; `run` starts it there."""

    def __init__(self, ledger):
        self.ledger = ledger
        self.nat = self._namespace("nat")
        self.home = self._namespace("home")
        for address in (names.REMOTE_EDGE, names.REMOTE_DNS):
            self._ip("address", "add", f"{address}/32", "dev", "lo")
        self._link("lab0", names.NAT_LAB, None, "wan0", names.NAT_OUTSIDE, self.nat)
        self._link("lan0", names.NAT_INSIDE, self.nat, "eth0", names.HOME, self.home)
        self._in(self.home, "ip", "route", "add", "default", "via", names.NAT_INSIDE)
        self._in(self.nat, "ip", "route", "add", "default", "via", names.NAT_LAB)
        self._in(self.nat, "sh", "-c", "echo 1 > /proc/sys/net/ipv4/ip_forward")
        self._masquerade()

    def _namespace(self, name):
        process = self.ledger.start(f"namespace-{name}", ["unshare", "--net", "sleep", "infinity"])
        own = subprocess.run(["readlink", "/proc/self/ns/net"], capture_output=True, text=True).stdout
        wait_until(lambda: subprocess.run(["readlink", f"/proc/{process.pid}/ns/net"], capture_output=True, text=True).stdout not in ("", own),
                   5, f"the namespace {name}", process.is_running)
        self._in(process, "ip", "link", "set", "lo", "up")
        return process

    def _ip(self, *words):
        answer = subprocess.run(["ip", *words], capture_output=True, text=True)
        if answer.returncode != 0 and "File exists" not in answer.stderr:
            raise LabError(f"ip {' '.join(words)}: {answer.stderr}")

    def _in(self, process, *words):
        answer = subprocess.run(["nsenter", "-t", str(process.pid), "-n", *words], capture_output=True, text=True)
        if answer.returncode != 0:
            raise LabError(f"{' '.join(words)}: {answer.stderr}")

    def _link(self, here, here_address, here_in, there, there_address, there_in):
        self._ip("link", "add", here, "type", "veth", "peer", "name", there)
        for device, address, place in ((here, here_address, here_in), (there, there_address, there_in)):
            if place:
                self._ip("link", "set", device, "netns", str(place.pid))
            run = (lambda *w, place=place: self._in(place, "ip", *w)) if place else self._ip
            run("address", "add", f"{address}/24", "dev", device)
            run("link", "set", device, "up")

    def _masquerade(self):
        """By nftables, or by what iptables the kernel has."""
        ways = [["nft", "add table ip nat; add chain ip nat post { type nat hook postrouting priority 100 ; }; "
                        "add rule ip nat post oifname wan0 masquerade"],
                *[[name, "-t", "nat", "-A", "POSTROUTING", "-o", "wan0", "-j", "MASQUERADE"] for name in ("iptables", "iptables-legacy")]]
        errors = []
        for way in ways:
            if shutil.which(way[0]):
                try:
                    self._in(self.nat, *way)
                    return
                except LabError as error:
                    errors.append(str(error))
        raise LabError(f"no NAT in this kernel: {errors}")

    def run(self, name, argv, **more):
        return self.ledger.start(name, ["nsenter", "-t", str(self.home.pid), "-n", *argv], **more)

    def close(self):
        for process in (self.home, self.nat):
            process.stop()
