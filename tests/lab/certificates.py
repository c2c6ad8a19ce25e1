"""Authorities and certificates of a lab, made when it starts and thrown away with it.

By default what public authorities issue today: ECDSA P-256, names as DNS
subjectAltNames, usage server authentication only.  The CN is there because
scripts of other servers compare it; Parley never does.
"""
import subprocess
from pathlib import Path

SERVER = "tls_www_server"
CLIENT = "tls_www_client"


def _certtool(*words):
    answer = subprocess.run(["certtool", *map(str, words)], capture_output=True, text=True)
    if answer.returncode != 0:
        raise RuntimeError(f"certtool {words[0]}: {answer.stderr.strip()}")


def _key(path):
    _certtool("--generate-privkey", "--key-type", "ecdsa", "--curve", "secp256r1", "--no-text", "--outfile", path)
    path.chmod(0o600)


class Certificate:
    def __init__(self, folder, name):
        self.chain, self.key = folder / f"{name}.pem", folder / f"{name}.key"


class Authority:
    def __init__(self, folder, name):
        self.folder = Path(folder)
        self.folder.mkdir(parents=True, exist_ok=True)
        file_name = name.lower().replace(" ", "-")
        self.certificate = self.folder / f"{file_name}.pem"
        self._own_key = self.folder / f"{file_name}.key"
        _key(self._own_key)
        template = self._template(file_name, [f'cn = "{name}"', "ca", "cert_signing_key", "crl_signing_key", "expiration_days = 30"])
        _certtool("--generate-self-signed", "--load-privkey", self._own_key, "--template", template,
                  "--no-text", "--outfile", self.certificate)

    def _template(self, name, lines):
        path = self.folder / f"{name}.template"
        path.write_text("\n".join(lines) + "\n")
        return path

    def issue(self, file_name, cn, dns=None, usages=(SERVER,), expired=False, uris=()):
        """A key and a certificate for the DNS names `dns` (default: the CN)."""
        certificate = Certificate(self.folder, file_name)
        _key(certificate.key)
        lines = [f'cn = "{cn}"', "signing_key"]
        lines += [f'dns_name = "{name}"' for name in ([cn] if dns is None else dns)]
        lines += [f'uri = "{uri}"' for uri in uris]
        lines += list(usages)
        if expired:
            lines += ['activation_date = "2020-01-01 00:00:00"', 'expiration_date = "2021-01-01 00:00:00"']
        else:
            lines += ["expiration_days = 30"]
        _certtool("--generate-certificate", "--load-privkey", certificate.key,
                  "--load-ca-certificate", self.certificate, "--load-ca-privkey", self._own_key,
                  "--template", self._template(file_name, lines), "--no-text", "--outfile", certificate.chain)
        return certificate

    def revoke(self, *certificates):
        """A list of revoked certificates of this authority, PEM; without any it revokes nobody."""
        revoked = self.folder / "revoked.pem"
        revoked.write_text("".join(c.chain.read_text() for c in certificates))
        words = ["--load-certificate", revoked] if certificates else []
        out = self.folder / "crl.pem"
        template = self._template("crl", ["crl_next_update = 30"])
        _certtool("--generate-crl", "--load-ca-certificate", self.certificate, "--load-ca-privkey", self._own_key,
                  "--template", template, *words, "--outfile", out)
        return out.read_text()
