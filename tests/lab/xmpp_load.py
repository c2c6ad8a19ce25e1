"""
XMPP servers under load, many domains in one program: streams by STARTTLS and SASL EXTERNAL
(RFC 6120), acknowledged (XEP-0198), and what crosses them counted.  asyncio; reads by pattern, since what is
measured must not wait for it.
"""
import asyncio
import re
import ssl

STREAMS, TLS, SASL, ACKS = ("http://etherx.jabber.org/streams", "urn:ietf:params:xml:ns:xmpp-tls",
                            "urn:ietf:params:xml:ns:xmpp-sasl", "urn:xmpp:sm:3")
TAG = re.compile(rb"<(/?)([a-z:]+)([^>]*)>")
ATTRIBUTE = re.compile(rb"\b(from|to|h|type|id)=['\"]([^'\"]*)['\"]")
BODY = re.compile(rb"<body>([^<]*)</body>")
STANZAS = (b"message", b"presence", b"iq")


def context(certificate, trust, is_server):
    made = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER if is_server else ssl.PROTOCOL_TLS_CLIENT)
    made.load_cert_chain(certificate.chain, certificate.key)
    made.load_verify_locations(trust)
    # OpenSSL's servers refuse the server-only certificates that public authorities issue: here who calls is not asked.
    made.check_hostname, made.verify_mode = False, ssl.CERT_NONE if is_server else ssl.CERT_REQUIRED
    return made


class Stream(asyncio.Protocol):
    """One stream, from either end.  `heard(stream, stanza)` gets each stanza's bytes, where it is given."""

    def __init__(self, tls, domain="", remote="", heard=None, owner=None):
        self.tls, self.domain, self.remote, self.heard, self.owner = tls, domain, remote, heard, owner
        self.is_client, self.step, self.rest, self.end = bool(domain), "open", b"", None
        self.is_securing = False
        self.up, self.over = asyncio.Event(), asyncio.Event()
        self.handled = self.acknowledged = self.sent = 0
        self.begin = None  # of the stanza that is not whole yet

    def connection_made(self, transport):
        self.transport = transport
        if self.owner is not None and self not in self.owner:
            self.owner.append(self)
        if self.is_client and self.step == "open":
            self.head()

    def connection_lost(self, error):
        self.over.set()

    def say(self, text):
        self.transport.write(text if isinstance(text, bytes) else text.encode())

    def head(self):
        self.say(f"<?xml version='1.0'?><stream:stream xmlns='jabber:server' xmlns:stream='{STREAMS}' from='{self.domain}' "
                 f"to='{self.remote}' version='1.0'" + ("" if self.is_client else " id='lab'") + ">")

    def send(self, stanza):
        self.sent += 1
        self.say(stanza)

    def ask(self):
        """How many of those sent have been taken: `acknowledged` says it when the answer has come."""
        self.say(f"<r xmlns='{ACKS}'/>")

    def data_received(self, data):
        data = self.rest + data
        if self.is_securing:  # it may come before start_tls has returned, and the answer needs its transport
            self.rest = data
            return
        at = 0
        for match in TAG.finditer(data, 0):
            closing, name, inside = match.groups()
            if self.end is None:
                if name in STANZAS and not closing:
                    self.end, self.begin = name, match.start()
                    if not inside.endswith(b"/"):
                        continue
                else:
                    at = match.end()
                    self.tag(name, closing, inside)
                    continue
            if name == self.end and (closing or inside.endswith(b"/")):
                at, self.end = match.end(), None
                self.handled += 1
                if self.heard:
                    self.heard(self, data[self.begin:at])
        self.rest, self.end = data[at:], None

    def tag(self, name, closing, inside):
        if name == b"stream:stream":
            if closing:
                self.transport.close()
            elif not self.is_client:
                found = dict(ATTRIBUTE.findall(inside))
                self.domain, self.remote = found.get(b"to", b"").decode(), found.get(b"from", b"").decode()
                self.head()
                self.say("<stream:features>" + {
                    "open": f"<starttls xmlns='{TLS}'><required/></starttls>",
                    "tls": f"<mechanisms xmlns='{SASL}'><mechanism>EXTERNAL</mechanism></mechanisms>",
                    "proved": f"<sm xmlns='{ACKS}'/>"}[self.step] + "</stream:features>")
                if self.step == "proved":
                    self.up.set()
        elif name == b"stream:features" and closing and self.is_client:
            if self.step == "open":
                self.say(f"<starttls xmlns='{TLS}'/>")
            elif self.step == "tls":
                self.say(f"<auth xmlns='{SASL}' mechanism='EXTERNAL'>=</auth>")
            else:
                self.say(f"<enable xmlns='{ACKS}'/>")
        elif name == b"proceed" or name == b"starttls" and not closing and not self.is_client:
            if not self.is_client:
                self.say(f"<proceed xmlns='{TLS}'/>")
            self.step, self.is_securing = "tls", True
            self.transport.pause_reading()  # the handshake's first bytes are not ours to read
            asyncio.ensure_future(self.secure())
        elif name == b"auth" and not closing:
            self.step = "proved"
            self.say(f"<success xmlns='{SASL}'/>")
        elif name == b"success":
            self.step = "proved"
            self.head()
        elif name in (b"enabled", b"failed"):
            self.up.set()
        elif name == b"enable" and not self.is_client:
            self.handled = 0
            self.say(f"<enabled xmlns='{ACKS}'/>")
        elif name == b"r":
            self.say(f"<a xmlns='{ACKS}' h='{self.handled}'/>")
        elif name == b"a":
            self.acknowledged = int(dict(ATTRIBUTE.findall(inside)).get(b"h", b"0"))

    async def secure(self):
        try:
            self.transport = await asyncio.get_running_loop().start_tls(
                self.transport, self, self.tls, server_side=not self.is_client,
                server_hostname=self.remote if self.is_client else None)
        except (OSError, ssl.SSLError):
            self.over.set()
            return
        self.is_securing = False
        if self.is_client:
            self.head()
        self.data_received(b"")


async def serve(address, tls, heard, owner, port=5269):
    """Takes streams to whatever domain the certificate proves."""
    return await asyncio.get_running_loop().create_server(lambda: Stream(tls, heard=heard, owner=owner), address, port, backlog=1024)


async def connect(address, tls, domain, remote, heard=None, port=5269, seconds=60):
    """A stream that is up."""
    _, stream = await asyncio.get_running_loop().create_connection(lambda: Stream(tls, domain, remote, heard), address, port)
    gone = asyncio.ensure_future(stream.over.wait())
    up = asyncio.ensure_future(stream.up.wait())
    await asyncio.wait((gone, up), timeout=seconds, return_when=asyncio.FIRST_COMPLETED)
    gone.cancel()
    up.cancel()
    if not stream.up.is_set():
        raise ConnectionError(f"{domain}: no stream to {remote}; it said {stream.rest[-300:]!r}, step {stream.step}")
    return stream


def message(from_, to, id_, body):
    return f"<message from='{from_}' to='{to}' type='chat' id='{id_}'><body>{body}</body></message>"


def body_of(stanza):
    found = BODY.search(stanza)
    return found.group(1).decode() if found else None


def attributes_of(stanza):
    return {name.decode(): value.decode() for name, value in ATTRIBUTE.findall(TAG.match(stanza).group(3))}
