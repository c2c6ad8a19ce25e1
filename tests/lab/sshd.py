"""A real sshd on the loopback of the lab, with keys of its own, and an ssh that knows nothing but them."""
import os
import subprocess
from pathlib import Path

from lab.process import wait_until

ADDRESS, FROM = "127.0.60.1", "127.0.60.9"
PRIVILEGE_FOLDER = Path("/run/sshd")  # compiled into Debian's sshd


def _key(path):
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", path.name, "-f", path], check=True)
    return path


class Sshd:
    """
    `ports`: {port: the folder that a session on it finds programs in, before the system's}.  Whoever holds `key` is let in as
    root; `host` is the name of a host in the client's configuration, `program` an ssh that reads no other.
    """

    def __init__(self, ledger, folder, ports):
        self.folder, self.ports = Path(folder), ports
        self.folder.mkdir(mode=0o700)
        host_key, self.key = _key(self.folder / "host"), _key(self.folder / "user")
        (self.folder / "authorized").write_text(Path(f"{self.key}.pub").read_text())
        lines = [f"HostKey {host_key}", f"AuthorizedKeysFile {self.folder}/authorized", "StrictModes no", "UsePAM no", "PasswordAuthentication no",
                 "KbdInteractiveAuthentication no", "PermitRootLogin prohibit-password", "PrintMotd no", f"PidFile {self.folder}/pid",
                 *[f"ListenAddress {ADDRESS}:{port}" for port in ports]]
        for port, programs in ports.items():
            lines += [f"Match LocalPort {port}", f"  SetEnv PATH={programs}:/usr/bin:/bin"]
        (self.folder / "sshd_config").write_text("\n".join(lines) + "\n")
        public = Path(f"{host_key}.pub").read_text().split()
        (self.folder / "known").write_text("".join(f"[{ADDRESS}]:{port} {public[0]} {public[1]}\n" for port in ports))
        self.made_folder = not PRIVILEGE_FOLDER.exists()
        PRIVILEGE_FOLDER.mkdir(mode=0o755, exist_ok=True)
        self.process = ledger.start("sshd", ["/usr/sbin/sshd", "-D", "-e", "-f", self.folder / "sshd_config"])
        wait_until(lambda: "Server listening" in self.process.log.read_text(errors="replace"), 10, "sshd listens", self.process.is_running)
        self.program = self.folder / "ssh"
        self.program.write_text(f'#!/bin/sh\nexec /usr/bin/ssh -F {self.folder}/config "$@"\n')
        self.program.chmod(0o755)
        self.write_client_configuration({})

    def write_client_configuration(self, hosts):
        """`hosts`: {name: {keyword: value}}."""
        text = "".join(f"Host {name}\n" + "".join(f"  {word} {value}\n" for word, value in more.items()) for name, more in hosts.items())
        (self.folder / "config").write_text(
            f"{text}Host *\n  HostName {ADDRESS}\n  User root\n  IdentityFile {self.key}\n  IdentitiesOnly yes\n  BindAddress {FROM}\n  UserKnownHostsFile {self.folder}/known\n"
            "  GlobalKnownHostsFile /dev/null\n  StrictHostKeyChecking yes\n")

    def stop(self):
        self.process.stop()
        if self.made_folder:
            try:
                PRIVILEGE_FOLDER.rmdir()
            except OSError:
                pass


def wrapper(folder, text):
    """A folder with a `parley` that is this shell script."""
    folder.mkdir(parents=True)
    path = folder / "parley"
    path.write_text(f"#!/bin/sh\n{text}\n")
    path.chmod(0o755)
    for part in (folder, *folder.parents):
        if part == Path("/run"):
            break
        os.chmod(part, 0o755)
    return folder
