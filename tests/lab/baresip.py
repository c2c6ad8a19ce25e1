"""baresip, as Debian ships it, in somebody's home: signs in through the edge, writes, takes calls."""
import json
import socket
import re
import subprocess

from lab import names
from lab.process import tail, wait_until, LabError

MODULES = "/usr/lib/baresip/modules"

CONFIGURATION = """\
poll_method epoll
sip_listen 0.0.0.0:0
sip_cafile {trust}
call_local_timeout 60
call_max_calls 4
audio_player aubridge,pseudo1
audio_source aubridge,pseudo3
audio_alert aubridge,pseudo2
ausrc_srate 8000
auplay_srate 8000
module_path {modules}
module stdio.so
module g711.so
module aubridge.so
module uuid.so
module_tmp account.so
module_app menu.so
module_app contact.so
module_app ctrl_tcp.so
ctrl_tcp_listen 0.0.0.0:4444
dns_server {dns}:53
"""

ACCOUNT = ("<sip:{user}@{domain};transport=tls>;auth_user={user};auth_pass={password};answermode=auto;regint={regint};"
           'outbound="sip:{edge}:443;transport=tls";sipnat=outbound;audio_codecs=pcmu/8000/1\n')


class Baresip:
    def __init__(self, lab, home, user, password, contacts=(), regint=600):
        self.lab, self.home, self.user = lab, home, user
        self.folder = lab.folder / f"baresip-{user}"
        self.folder.mkdir(exist_ok=True)
        (self.folder / "config").write_text(CONFIGURATION.format(trust=lab.public.certificate, modules=MODULES, dns=names.REMOTE_DNS))
        (self.folder / "accounts").write_text(ACCOUNT.format(user=user, domain=names.OWN_DOMAIN, password=password,
                                                             edge=names.REMOTE_NAME, regint=regint))
        (self.folder / "contacts").write_text("".join(f'"{name}" <sip:{name}@{domain}>\n' for name, domain in contacts))
        self.process = home.run(f"baresip-{user}", ["baresip", "-4", "-v", "-s", "-f", self.folder], env={"HOME": str(self.folder)})

    def said(self):
        return re.sub(r"\x1b\[[0-9;]*m", "", self.process.log.read_text(errors="replace"))

    def wait_said(self, pattern, seconds=15):
        try:
            return wait_until(lambda: re.search(pattern, self.said()), seconds, f"baresip says {pattern}", self.process.is_running)
        except LabError as error:
            raise LabError(f"{error}\n{tail(self.process.log, 60)}") from None

    def command(self, command, params=""):
        """By its control socket, asked from within its home: netstrings of JSON."""
        text = json.dumps({"command": command, "params": params, "token": "lab"})
        script = ("import socket,sys; s=socket.create_connection(('127.0.0.1',4444),5); t=sys.argv[1].encode(); "
                  "s.sendall(str(len(t)).encode()+b':'+t+b','); s.settimeout(5); print(s.recv(65536).decode('utf-8','replace'))")
        answer = subprocess.run(["nsenter", "-t", str(self.home.home.pid), "-n", "/usr/bin/python3", "-c", script, text],
                                capture_output=True, text=True, timeout=15)
        if answer.returncode != 0:
            raise LabError(f"baresip {command} {params}: {answer.stderr}")
        return answer.stdout

    def write_to(self, uri, text):
        """baresip writes to the contact that is the current one: stepped to until it is `uri`."""
        for step in ["contact_prev"] * 2 + ["contact_next"] * 2:
            if uri in self.command(step):
                return self.command("message", text)
        raise LabError(f"baresip has no contact {uri}")

    def stop(self):
        self.process.stop()
