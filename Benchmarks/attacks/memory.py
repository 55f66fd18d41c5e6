"""What a client can make the daemon hold: half lines, requests that wait for Redis, replies nobody reads, workers that left."""

import signal
import time

from .client import line
from .stage import attack


def fill(stage, connections, data):
    """Gives each of so many connections what it takes of the data, by turns, until the attack's time is over."""
    clients = [stage.client() for _ in range(connections)]
    for client in clients:
        client.socket.setblocking(False)
    sent = [0] * connections
    end = time.monotonic() + stage.seconds
    while time.monotonic() < end:
        for number, client in enumerate(clients):
            try:
                sent[number] += client.socket.send(data[sent[number]:sent[number] + (1 << 16)])
            except BlockingIOError:
                pass
            except OSError:
                sent[number] = len(data)
    for client in clients:
        client.close()


@attack
def half_lines(stage):
    """Lines of nearly 1 MiB that never end."""
    fill(stage, 1000, b'{"op":"ping","x":"' + b"a" * ((1 << 20) - 64))
    return "1,000 connections with half a line each"


@attack
def stalled_store(stage):
    """Large requests while Redis does not answer. Others wait for Redis, too, so there is no cycle to measure."""
    stage.redis.process.send_signal(signal.SIGSTOP)
    request = line("enqueue", id=1, queue="s", payload="x" * 900_000)
    try:
        fill(stage, 8, request * 100)
    finally:
        stage.redis.process.send_signal(signal.SIGCONT)
    return "8 connections with 100 requests of 900 KB each; Redis is stopped"


stalled_store.stops_store = True


@attack
def unread(stage):
    """Large replies that nobody reads."""
    stage.client().call("enqueue", queue="u", job_id="x", delay_ms=10_000_000, payload="x" * 900_000)
    fill(stage, 200, line("get", id=1, job="u/x") * 100)
    return "200 connections ask for 100 replies of 900 KB each and read none"


@attack
def short_connections(stage):
    """Connections that send a request and go."""
    def work(client, is_over):
        client.send(line("enqueue", queue="s", keep_ms=0, payload="x" * 10_000))
        client.close()

    stage.keep_up(2, work)
    return "connections that send 10 KB and go"


@attack
def graves(stage):
    """Workers that leave with a long grace, with and without a job."""
    stage.enqueue_into(["graves"] * 1000)

    def work(client, is_over):
        client.call("hello", worker="left", grace_ms=600_000)
        client.call("claim", queue="graves")
        client.close()

    stage.keep_up(2, work)
    return "workers that leave with a grace of ten minutes"
