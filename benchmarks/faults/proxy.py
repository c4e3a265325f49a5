"""Stands between the writer and the broker: fails as networks do, and notes what the broker has acknowledged."""

from __future__ import annotations

import contextlib
import re
import socket
import struct
import threading
import time

from edge_caption.mqtt.broker import HOST

PUBLISH, PUBACK = 3, 4

ID = re.compile(rb'"id":"pi:(\d+)"')


class Packets:
    """Cuts a stream of bytes into MQTT packets (MQTT 5, 2.1)."""

    def __init__(self) -> None:
        """Begin at a packet's first byte."""
        self._rest = b""

    def feed(self, data: bytes) -> list[bytes]:
        """Return the packets that are whole now."""
        self._rest += data
        packets = []
        while (size := self._size()) and len(self._rest) >= size:
            packets.append(self._rest[:size])
            self._rest = self._rest[size:]
        return packets

    def _size(self) -> int:
        """Return the next packet's bytes, 0 while its length is not known."""
        length = 0
        for place, byte in enumerate(self._rest[1:5]):
            length |= (byte & 127) << (7 * place)
            if byte < 128:
                return 2 + place + length
        return 0


class Acknowledged:
    """Which sequences the broker has acknowledged, read from the traffic of one connection after the other."""

    def __init__(self) -> None:
        """Begin with none."""
        self.sequences: set[int] = set()
        self.published = 0
        """Captions on their way to the broker, those that came again included."""

    def watch(self) -> Conversation:
        """Return what reads a new connection."""
        return Conversation(self)


class Conversation:
    """One connection: which message number stands for which sequence."""

    def __init__(self, found: Acknowledged) -> None:
        """Take where to note."""
        self._found = found
        self._flying: dict[int, int] = {}
        self._out, self._back = Packets(), Packets()

    def out(self, data: bytes) -> None:
        """Read what goes to the broker."""
        for packet in self._out.feed(data):
            match = ID.search(packet)
            if packet[0] >> 4 == PUBLISH and not packet[0] & 1 and match:
                head = _header(packet)
                (topic,) = struct.unpack_from("!H", packet, head)
                (mid,) = struct.unpack_from("!H", packet, head + 2 + topic)
                self._flying[mid] = int(match[1])
                self._found.published += 1

    def back(self, data: bytes) -> None:
        """Read what comes from the broker."""
        for packet in self._back.feed(data):
            if packet[0] >> 4 == PUBACK:
                (mid,) = struct.unpack_from("!H", packet, 2)
                refused = len(packet) > 4 and packet[4] >= 128
                sequence = self._flying.pop(mid, None)
                if sequence is not None and not refused:
                    self._found.sequences.add(sequence)


def _header(packet: bytes) -> int:
    """Return where the variable header begins."""
    return 1 + next(place for place, byte in enumerate(packet[1:5], 1) if byte < 128)


class Proxy:
    """Passes connections on, until it is told to fail."""

    def __init__(self, target: int) -> None:
        """Listen; connections go to this port."""
        self.acknowledged = Acknowledged()
        self.mute = False
        """Nothing comes back from the broker."""
        self.delay_s = 0.0
        """Before each piece of data."""
        self.cut_after: int | None = None
        """Bytes to the broker, after which every connection is cut."""
        self._target = target
        self._server = socket.create_server((HOST, 0))
        self.port = int(self._server.getsockname()[1])
        self._open: list[socket.socket] = []
        threading.Thread(target=self._accept, daemon=True).start()

    def cut(self) -> None:
        """Reset all connections."""
        for each in self._open:
            with contextlib.suppress(OSError):
                # Without lingering: a reset, as when a router forgets a connection.
                each.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                each.shutdown(socket.SHUT_RDWR)
            each.close()
        self._open.clear()

    def close(self) -> None:
        """End."""
        with contextlib.suppress(OSError):
            self._server.shutdown(socket.SHUT_RDWR)
        self._server.close()
        self.cut()

    def _accept(self) -> None:
        while True:
            try:
                near, _ = self._server.accept()
            except OSError:
                return
            try:
                far = socket.create_connection((HOST, self._target))
            except OSError:
                near.close()
                continue
            self._open += [near, far]
            said = self.acknowledged.watch()
            threading.Thread(target=self._pass_out, args=(near, far, said), daemon=True).start()
            threading.Thread(target=self._pass_back, args=(far, near, said), daemon=True).start()

    def _pass_out(self, near: socket.socket, far: socket.socket, said: Conversation) -> None:
        with contextlib.suppress(OSError):
            while data := near.recv(4096):
                time.sleep(self.delay_s)
                cut = self.cut_after is not None and len(data) > self.cut_after
                if cut:
                    data, self.cut_after = data[: self.cut_after], None
                # The part may hold whole packets, which the broker acknowledges before the cut.
                said.out(data)
                far.sendall(data)
                if cut:
                    self.cut()
                    return
        self._end(near, far)

    def _pass_back(self, far: socket.socket, near: socket.socket, said: Conversation) -> None:
        with contextlib.suppress(OSError):
            while data := far.recv(4096):
                time.sleep(self.delay_s)
                # What the broker has said counts, whether it arrives or not.
                said.back(data)
                if not self.mute:
                    near.sendall(data)
        self._end(near, far)

    def _end(self, *ends: socket.socket) -> None:
        for each in ends:
            with contextlib.suppress(OSError):
                each.shutdown(socket.SHUT_RDWR)
