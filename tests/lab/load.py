"""
A steady load of SIP messages through an edge, and the account of each one: how
often it was delivered, how many final answers its sender got.  asyncio, TLS.
"""
import asyncio
import re
from collections import Counter

from lab.sip_peer import Message, request, response

CALL_ID = re.compile(rb"^Call-ID: *(\S+)", re.M | re.I)
LENGTH = re.compile(rb"^(?:Content-Length|l) *: *(\d+)", re.M | re.I)


async def read_message(reader):
    """(head, body) of the next message; keep-alives are passed over.  None at the end of the stream."""
    try:
        while True:
            head = await reader.readuntil(b"\r\n\r\n")
            head = head.lstrip(b"\r\n")
            if head:
                break
        found = LENGTH.search(head)
        body = await reader.readexactly(int(found.group(1))) if found else b""
        return head[:-4], body
    except (asyncio.IncompleteReadError, ConnectionError, OSError):
        return None


class Account:
    """What became of each request, by Call-ID."""

    def __init__(self):
        self.sent, self.delivered, self.finals = {}, Counter(), {}

    def final(self, call, status):
        self.finals.setdefault(call, []).append(status)

    def statuses(self):
        return Counter(status for finals in self.finals.values() for status in finals)

    def wrong(self):
        """Requests whose story is not one final answer, and a delivery if and only if that is 200."""
        found = []
        for call in self.sent:
            finals = self.finals.get(call, [])
            if len(finals) != 1 or self.delivered[call] != (1 if finals == [200] else 0):
                found.append((call, finals, self.delivered[call]))
        return found


class Answerer:
    """Says 200 to every request and counts it as delivered."""

    def __init__(self, account):
        self.account = account

    async def start(self, address, context, port=5061):
        self.server = await asyncio.start_server(self._serve, address, port, ssl=context)

    async def _serve(self, reader, writer):
        while (message := await read_message(reader)) is not None:
            head, body = message
            if head.startswith(b"SIP/2.0"):
                continue
            parsed = Message(head, body)
            self.account.delivered[parsed.get("Call-ID")] += 1
            writer.write(response(parsed, 200))
        writer.close()

    async def stop(self):
        self.server.close()


class Sender:
    """Sends `rate` messages a second over one connection; opens another when the edge closes it."""

    def __init__(self, account, address, context, server_name, from_, to, name):
        self.account, self.address, self.context, self.server_name = account, address, context, server_name
        self.from_, self.to, self.name = from_, to, name
        self.writer = None
        self.pending = {}  # Call-ID -> bytes, on the present connection
        self.again = []    # sent into a connection that was closed before the edge read them
        self.connects = self.resent = 0
        self.lost = []     # delivered, and the connection ended without the answer
        self.readers = []

    async def _open(self):
        reader, self.writer = await asyncio.open_connection(self.address, 5061, ssl=self.context,
                                                            server_hostname=self.server_name)
        self.connects += 1
        self.readers.append(asyncio.create_task(self._read(reader, self.writer)))

    async def _read(self, reader, writer):
        while (message := await read_message(reader)) is not None:
            head, _ = message
            status = int(head[8:11])
            if status < 200:
                continue
            call = CALL_ID.search(head).group(1).decode()
            self.account.final(call, status)
            self.pending.pop(call, None)
        if writer is self.writer:
            self.writer = None
            writer.close()
            for call, data in self.pending.items():
                (self.lost if self.account.delivered[call] else self.again).append((call, data))
            self.pending = {}

    async def _send(self, call, data):
        while self.writer is None:
            try:
                await self._open()
            except (ConnectionError, OSError):
                await asyncio.sleep(0.05)
        self.pending[call] = data
        self.writer.write(data)

    async def run(self, rate, stop):
        clock = asyncio.get_running_loop()
        begin, count = clock.time(), 0
        while not stop.is_set():
            due = int((clock.time() - begin) * rate)
            while count < due:
                count += 1
                call = f"{self.name}-{count}"
                data = request("MESSAGE", self.to, self.from_, self.to, body=f"load {call}", call_id=call)
                self.account.sent[call] = True
                await self._send(call, data)
            await self._send_again()
            await asyncio.sleep(0.004)

    async def _send_again(self):
        waiting, self.again = self.again, []
        for call, data in waiting:
            self.resent += 1
            await self._send(call, data)

    async def settle(self, seconds):
        """Waits until nothing is pending; False when something still is."""
        deadline = asyncio.get_running_loop().time() + seconds
        while self.pending or self.again:
            if asyncio.get_running_loop().time() > deadline:
                return False
            await self._send_again()
            await asyncio.sleep(0.02)
        return True

    def close(self):
        if self.writer is not None:
            self.writer.close()
            self.writer = None
        for reader in self.readers:
            reader.cancel()
