"""hostile - a proxy between a WebSocket client and its server that puts frames of its own between the server's."""
import socket
import struct
import threading


def frame(payload, opcode=1):
    n = len(payload)
    head = struct.pack(">B", 0x80 | opcode)
    head += struct.pack(">B", n) if n < 126 else struct.pack(">BH", 126, n) if n < 65536 else struct.pack(">BQ", 127, n)
    return head + payload


class Proxy:
    """One connection after another; inject() puts a frame in at the next boundary."""

    def __init__(self, upstream_port):
        self.upstream_port, self.queue, self.lock = upstream_port, [], threading.Lock()
        self.server = socket.socket()
        self.server.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self.server.bind(("127.0.0.1", 0))
        self.server.listen(8)
        self.port = self.server.getsockname()[1]
        self.connections = 0
        threading.Thread(target=self.accept, daemon=True).start()

    def inject(self, raw):
        with self.lock:
            self.queue.append(raw)

    def pending(self):
        with self.lock:
            return len(self.queue)

    def accept(self):
        while True:
            try:
                client, _ = self.server.accept()
            except OSError:
                return
            server = socket.create_connection(("127.0.0.1", self.upstream_port))
            self.connections += 1
            threading.Thread(target=self.up, args=(client, server), daemon=True).start()
            threading.Thread(target=self.down, args=(client, server), daemon=True).start()

    @staticmethod
    def up(client, server):
        try:
            while True:
                data = client.recv(65536)
                if not data:
                    break
                server.sendall(data)
        except OSError:
            pass
        for s in (client, server):
            s.close()

    def down(self, client, server):
        try:
            data = server.makefile("rb")
            while True:  # the handshake's reply
                line = data.readline()
                client.sendall(line)
                if line in (b"\r\n", b""):
                    break
            while True:
                head = data.read(2)
                if len(head) < 2:
                    break
                n = head[1] & 0x7F
                more = data.read(2 if n == 126 else 8 if n == 127 else 0)
                n = int.from_bytes(more, "big") if more else n
                out = head + more + data.read(n)
                with self.lock:
                    out = b"".join(self.queue) + out
                    self.queue.clear()
                client.sendall(out)
        except OSError:
            pass
        for s in (client, server):
            s.close()

    def close(self):
        self.server.close()
