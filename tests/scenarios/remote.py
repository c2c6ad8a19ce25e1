"""Remote users of contoso.example, and a pool that registers them: digest (RFC 7616, MD5), Path (RFC 3327)."""
import hashlib
import re
import threading

from lab import names, sip_peer
from lab.sip_peer import request, response, unique

PASSWORDS = {"alice": "wonderland", "dora": "explorer"}


def address(user):
    return f"sip:{user}@{names.OWN_DOMAIN}"


def _md5(*parts):
    return hashlib.md5(":".join(parts).encode()).hexdigest()


def digest(user, password, nonce, method, uri):
    """An Authorization value (RFC 2617 §3.2.2 without qop, which RFC 7616 still lets be)."""
    proof = _md5(_md5(user, names.OWN_DOMAIN, password), nonce, _md5(method, uri))
    return f'Digest username="{user}", realm="{names.OWN_DOMAIN}", nonce="{nonce}", uri="{uri}", response="{proof}"'


class Registrar:
    """What the pool does with what comes: challenges REGISTER, keeps contact and Path, says 200 to the rest."""

    def __init__(self, expires=300, stale_once=False):
        self.expires, self.bindings, self.seen = expires, {}, []
        self.lock = threading.Lock()
        self.nonce = unique()

    def __call__(self, connection, message):
        if not message.is_request or message.method == "ACK":
            return
        with self.lock:
            self.seen.append(message)
        if message.method == "REGISTER":
            connection.send(self._register(message))
        else:
            connection.send(response(message, 200, headers=[f"Contact: <sip:dora@{names.POOL}:5061;transport=tls>"]))

    def _register(self, message):
        user = re.search(r"sip:([^@>]+)@", message.get("To")).group(1)
        given = message.get("Authorization")
        if given is None:
            return self._challenge(message)
        nonce = re.search(r'nonce="([^"]*)"', given).group(1)
        if nonce != self.nonce:
            return self._challenge(message, ", stale=true")
        wanted = digest(user, PASSWORDS.get(user, unique()), nonce, "REGISTER", re.search(r'uri="([^"]*)"', given).group(1))
        if wanted != given:
            return self._challenge(message)
        contact, expires = message.get("Contact"), message.get("Expires")
        seconds = int(expires) if expires is not None else self.expires
        with self.lock:
            if seconds == 0:
                self.bindings.pop(user, None)
            else:
                self.bindings[user] = (re.search(r"<([^>]*)>", contact).group(1), message.get("Path"))
        headers = [f"Contact: {contact};expires={seconds}", f"Path: {message.get('Path')}"] if seconds else []
        return response(message, 200, headers=headers)

    def _challenge(self, message, more=""):
        return response(message, 401, "Unauthorized",
                        headers=[f'WWW-Authenticate: Digest realm="{names.OWN_DOMAIN}", nonce="{self.nonce}"{more}'])

    def of(self, method):
        with self.lock:
            return [message for message in self.seen if message.method == method]


class User:
    """One program of a remote user, over one connection of its own."""

    def __init__(self, running, user, source="127.0.40.1", **more):
        context = sip_peer.client_context(running.lab.public.certificate)
        self.user, self.address, self.call_id = user, address(user), unique()
        self.connection = running._open(names.EDGE_EXTERNAL, context, names.EDGE_EXTERNAL_NAME, port=names.REMOTE_PORT,
                                        source=source, **more)
        self.cseq = 0

    def register_request(self, headers=(), expires=None, **more):
        self.cseq += 1
        contact = f"<sip:{self.user}@192.168.1.2:4000;transport=tls>;reg-id=1;+sip.instance=\"<urn:uuid:{self.user}>\""
        headers = [*headers, "Supported: path, outbound", "User-Agent: Lab/1"]
        if expires is not None:
            headers.append(f"Expires: {expires}")
        fields = {"from_": self.address, "to": self.address, "contact": contact, **more}
        return request("REGISTER", f"sip:{names.OWN_DOMAIN}", fields.pop("from_"), fields.pop("to"), headers=headers,
                       call_id=self.call_id, cseq=self.cseq, via_host="192.168.1.2", **fields)

    def attempt(self, password=None, nonce=None, **more):
        """One REGISTER, with the challenge's answer when a password is given; the final response."""
        headers = []
        if password is not None:
            headers = ["Authorization: " + digest(self.user, password, nonce, "REGISTER", f"sip:{names.OWN_DOMAIN}")]
        return self.connection.ask(self.register_request(headers, **more))

    def sign_in(self, password=None, **more):
        """Challenge, answer; the last response."""
        first = self.attempt(**more)
        if first.status != 401:
            return first
        nonce = re.search(r'nonce="([^"]*)"', first.get("WWW-Authenticate")).group(1)
        return self.attempt(password or PASSWORDS[self.user], nonce, **more)

    def message(self, to, **more):
        more.setdefault("body", "hello from outside")
        from_ = more.pop("from_", self.address)
        return request("MESSAGE", to, from_, to, via_host="192.168.1.2", **more)


def to_user(path, contact, method="MESSAGE", from_="sip:dora@contoso.example", to="sip:alice@contoso.example", **more):
    """What the pool sends to a registered contact: by its Path."""
    more.setdefault("body", "hello inside" if method == "MESSAGE" else b"")
    return request(method, contact, from_, to, routes=[path], via_host=names.POOL_NAME, **more)
