"""
A SIP peer over TLS that can also behave badly: raw bytes, halves of messages,
silence, odd certificates.  Blocking sockets with deadlines; servers run in threads.

Files that use it: tests/scenarios (partners and pool members of the edge under test).
"""
import itertools
import os
import queue
import select
import socket
import ssl
import threading
import time

_counter = itertools.count(1)


def unique(prefix=""):
    return f"{prefix}{os.getpid():x}{next(_counter):x}{os.urandom(3).hex()}"


class PeerClosed(Exception):
    """The other side ended the connection; `how` is end of stream, reset or a TLS alert."""

    def __init__(self, how):
        super().__init__(how)
        self.how = how


class Timeout(Exception):
    pass


# ---- messages ----

class Message:
    """A SIP message as received: start line, headers in order, body."""

    def __init__(self, head, body):
        lines = head.decode("utf-8", "replace").split("\r\n")
        self.start, self.body = lines[0], body
        self.headers = []
        for line in lines[1:]:
            if line[:1] in (" ", "\t") and self.headers:
                name, value = self.headers[-1]
                self.headers[-1] = (name, value + " " + line.strip())
            elif line:
                name, _, value = line.partition(":")
                self.headers.append((name.strip(), value.strip()))

    @property
    def is_request(self):
        return not self.start.startswith("SIP/2.0 ")

    @property
    def method(self):
        return self.start.split(" ", 1)[0] if self.is_request else self.get("CSeq").split()[-1]

    @property
    def uri(self):
        return self.start.split(" ")[1]

    @property
    def status(self):
        return None if self.is_request else int(self.start.split(" ")[1])

    def all(self, name):
        return [value for key, value in self.headers if key.lower() == name.lower()]

    def get(self, name, default=None):
        values = self.all(name)
        return values[0] if values else default

    def text(self):
        return "\r\n".join([self.start] + [f"{k}: {v}" for k, v in self.headers]) + "\r\n\r\n" + self.body.decode(errors="replace")

    def __repr__(self):
        return f"<{self.start}>"


def request(method, uri, from_, to, *, headers=(), body=b"", content_type="text/plain;charset=UTF-8", call_id=None, cseq=1,
            from_tag=None, to_tag=None, via_host="client.invalid", branch=None, max_forwards=70, contact=None,
            routes=(), content_length=None):
    """A request as bytes.  What a test wants odd, it gives."""
    if isinstance(body, str):
        body = body.encode()
    lines = [f"{method} {uri} SIP/2.0",
             f"Via: SIP/2.0/TLS {via_host}:5061;branch={branch or unique('z9hG4bK')}"]
    if max_forwards is not None:
        lines.append(f"Max-Forwards: {max_forwards}")
    lines += [f"Route: {route}" for route in routes]
    lines += [f"From: <{from_}>;tag={from_tag or unique()}",
              f"To: <{to}>" + (f";tag={to_tag}" if to_tag else ""),
              f"Call-ID: {call_id or unique()}", f"CSeq: {cseq} {method}"]
    if contact:
        lines.append(f"Contact: {contact}")
    lines += list(headers)
    if body and content_type:
        lines.append(f"Content-Type: {content_type}")
    lines.append(f"Content-Length: {len(body) if content_length is None else content_length}")
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + body


def response(to, status, reason="OK", headers=(), body=b"", content_type="application/sdp", tag=None):
    """The answer to a request (a Message) as bytes: Via, From, To, Call-ID, CSeq and Record-Route copied."""
    if isinstance(body, str):
        body = body.encode()
    lines = [f"SIP/2.0 {status} {reason}"]
    for name, value in to.headers:
        if name.lower() in ("via", "v", "from", "f", "call-id", "i", "cseq", "record-route"):
            lines.append(f"{name}: {value}")
        elif name.lower() in ("to", "t"):
            lines.append(f"{name}: {value}" + ("" if ";tag=" in value or status == 100 else f";tag={tag or 'answerer'}"))
    lines += list(headers)
    if body:
        lines.append(f"Content-Type: {content_type}")
    lines.append(f"Content-Length: {len(body)}")
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + body


def split_vias(message):
    """All Via values in order, whether listed or in headers of their own."""
    return [part.strip() for value in message.all("Via") for part in value.split(",")]


# ---- TLS ----

def client_context(trust, certificate=None, verify=True):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = verify
    context.verify_mode = ssl.CERT_REQUIRED if verify else ssl.CERT_NONE
    context.load_verify_locations(trust)
    if certificate is not None:
        context.load_cert_chain(certificate.chain, certificate.key)
    return context


def server_context(certificate, trust, require=True):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate.chain, certificate.key)
    context.load_verify_locations(trust)
    context.verify_mode = ssl.CERT_REQUIRED if require else ssl.CERT_NONE
    context.num_tickets = 0
    return context


class Connection:
    """One connection, from either end."""

    def __init__(self, sock, timeout=10):
        self.sock, self.timeout = sock, timeout
        sock.settimeout(0)
        self.buffer = b""
        self.pings = 0
        self.lock = threading.Lock()

    @classmethod
    def open(cls, address, context, server_name, port=5061, timeout=10, source=None):
        raw = socket.create_connection((address, port), timeout, (source, 0) if source else None)
        raw.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        try:
            return cls(context.wrap_socket(raw, server_hostname=server_name), timeout)
        except BaseException:
            raw.close()
            raise

    def close(self):
        self.sock.close()

    def half_close(self):
        """Sends FIN and reads on, without close_notify: what a cut TCP connection looks like."""
        socket.socket.shutdown(self.sock, socket.SHUT_WR)

    # An SSL object is not for two threads at once, and a server's thread reads while a test writes:
    # the socket never blocks, each call holds the lock, and nobody holds it while waiting.
    def _call(self, function, deadline):
        while True:
            waits = None
            with self.lock:
                try:
                    return function()
                except (ssl.SSLWantReadError, BlockingIOError):
                    waits = select.POLLIN if function.__name__ == "read" else select.POLLOUT
                except ssl.SSLWantWriteError:
                    waits = select.POLLOUT
                except (ssl.SSLError, OSError) as error:
                    raise PeerClosed(getattr(error, "reason", None) or str(error)) from None
            left = deadline - time.monotonic()
            poll = select.poll()
            poll.register(self.sock, waits)
            if left <= 0 or not poll.poll(left * 1000):
                raise Timeout("nothing came" if waits == select.POLLIN else "nothing is read there")

    def send(self, data, timeout=None):
        deadline = time.monotonic() + (timeout or self.timeout)
        view = memoryview(data)
        while view:
            def write():
                return self.sock.send(view)
            view = view[self._call(write, deadline):]

    def send_slowly(self, data, size=1):
        for at in range(0, len(data), size):
            self.send(data[at:at + size])

    def _read_more(self, deadline):
        def read():
            return self.sock.recv(65536)
        data = self._call(read, deadline)
        if not data:
            raise PeerClosed("end of stream")
        self.buffer += data

    def receive(self, timeout=None):
        """The next message; answers keep-alives (RFC 5626 §4.4.1) on the way."""
        deadline = time.monotonic() + (self.timeout if timeout is None else timeout)
        while True:
            while self.buffer.startswith(b"\r\n"):
                if self.buffer.startswith(b"\r\n\r\n"):
                    self.buffer = self.buffer[4:]
                    self.pings += 1
                    self.send(b"\r\n")
                elif len(self.buffer) == 2 or self.buffer[2:3] != b"\r":
                    self.buffer = self.buffer[2:]  # a pong
                else:
                    break
            head, end, rest = self.buffer.partition(b"\r\n\r\n")
            if end and head:
                length = 0
                for line in head.split(b"\r\n")[1:]:
                    name, _, value = line.partition(b":")
                    if name.strip().lower() in (b"content-length", b"l"):
                        length = int(value)
                if len(rest) >= length:
                    self.buffer = rest[length:]
                    return Message(head, rest[:length])
            self._read_more(deadline)

    def final(self, call_id=None, timeout=None):
        """The next final response (of that call); provisional ones are passed over."""
        while True:
            message = self.receive(timeout)
            if not message.is_request and message.status >= 200 and (call_id is None or message.get("Call-ID") == call_id):
                return message

    def ask(self, data, timeout=None):
        """Sends a request and returns its final response."""
        self.send(data)
        return self.final(timeout=timeout)

    def wait_closed(self, timeout=None):
        """Reads until the other side ends it: (how, messages that still came)."""
        messages = []
        while True:
            try:
                messages.append(self.receive(timeout))
            except PeerClosed as closed:
                return closed.how, messages


# ---- servers ----

def answer_ok(connection, message):
    """The least a well-behaved server does: 200 to every request."""
    if message.is_request and message.method != "ACK":
        connection.send(response(message, 200))


class Server:
    """
    A SIP server at address:5061.  Every request is kept in `requests` and given to
    `handler(connection, message)`; `context` None: no TLS.
    """

    def __init__(self, address, context, handler=answer_ok, port=5061):
        self.handler, self.context = handler, context
        self.requests = queue.Queue()
        self.connections = []
        self.failures = []  # handshakes that did not succeed
        self.accepted = 0
        self.listener = socket.create_server((address, port), family=socket.AF_INET6 if ":" in address else socket.AF_INET,
                                             backlog=128)
        self.listener.settimeout(0.1)
        self.is_open = True
        self.thread = threading.Thread(target=self._accept, daemon=True)
        self.thread.start()

    def _accept(self):
        while self.is_open:
            try:
                raw, _ = self.listener.accept()
            except (socket.timeout, TimeoutError):
                continue
            except OSError:
                return
            self.accepted += 1
            threading.Thread(target=self._serve, args=(raw,), daemon=True).start()

    def _serve(self, raw):
        raw.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        raw.settimeout(10)
        if self.context is not None:
            try:
                raw = self.context.wrap_socket(raw, server_side=True)
            except (ssl.SSLError, OSError) as error:
                self.failures.append(str(error))
                raw.close()
                return
        connection = Connection(raw)
        self.connections.append(connection)
        try:
            while self.is_open:
                try:
                    message = connection.receive(0.2)
                except Timeout:
                    continue
                if message.is_request:
                    self.requests.put(message)
                self.handler(connection, message)
        except PeerClosed:
            pass
        finally:
            if connection in self.connections:
                self.connections.remove(connection)
            connection.close()

    def next_request(self, timeout=10):
        try:
            return self.requests.get(timeout=timeout)
        except queue.Empty:
            raise Timeout("no request arrived") from None

    def has_no_request(self):
        return self.requests.empty()

    def close(self):
        self.is_open = False
        self.listener.close()
        for connection in list(self.connections):
            try:
                connection.sock.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass
        self.thread.join(5)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()
