"""A line client of jobqd, for attackers and for the well-behaved one beside them."""

import json
import socket


def line(op, **members):
    """A request as it goes over the wire."""
    return json.dumps({"op": op, **members}).encode() + b"\n"


class Refused(Exception):
    """The daemon said no."""


class Client:
    """One connection."""

    def __init__(self, path, timeout=60):
        self.socket = socket.socket(socket.AF_UNIX)
        self.socket.settimeout(timeout)
        self.socket.connect(path)
        self.rest = b""
        self.next_id = 0

    def send(self, data):
        self.socket.sendall(data)

    def line(self):
        while b"\n" not in self.rest:
            data = self.socket.recv(1 << 18)
            if not data:
                raise EOFError("the daemon has closed")
            self.rest += data
        head, self.rest = self.rest.split(b"\n", 1)
        return head

    def call(self, op, **members):
        self.next_id += 1
        self.send(line(op, id=self.next_id, **members))
        while True:
            reply = json.loads(self.line())
            if reply.get("id") == self.next_id:
                if not reply["ok"]:
                    raise Refused(reply["error"])
                return reply

    def pipeline(self, requests, in_flight=250):
        """Sends all of an iterable of lines, at most so many unanswered; returns how many were refused."""
        requests = iter(requests)
        waiting = refused = 0
        is_over = False
        while waiting or not is_over:
            batch = []
            while not is_over and waiting + len(batch) < in_flight:
                request = next(requests, None)
                if request is None:
                    is_over = True
                else:
                    batch.append(request)
            if batch:
                self.send(b"".join(batch))
                waiting += len(batch)
            if waiting:
                refused += b'"ok":false' in self.line()[:60]
                waiting -= 1
        return refused

    def close(self):
        self.socket.close()
