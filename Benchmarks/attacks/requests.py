"""Requests without end, many connections, deep and long lines."""

import time

from .client import line
from .stage import attack


def flood(stage, request, connections, text):
    """Keeps each connection full of one request."""
    block = request * max(1, 60_000 // len(request))
    count = block.count(b"\n")

    def work(client, is_over):
        while not is_over():
            client.send(block)
            for _ in range(count):
                client.line()

    stage.keep_up(connections, work)
    return text


@attack
def pings(stage):
    return flood(stage, line("ping", id=1), 8, "8 connections full of pings")


@attack
def gets(stage):
    stage.client().call("enqueue", queue="g", job_id="x", delay_ms=10_000_000)
    return flood(stage, line("get", id=1, job="g/x"), 8, "8 connections full of gets")


@attack
def empty_claims(stage):
    request = line("claim", id=1, queues=[f"c{number}" for number in range(64)])
    return flood(stage, request, 4, "4 connections full of claims of 64 empty queues")


@attack
def deep_payloads(stage):
    payload = b"[" * 100 + b"]" * 100
    request = b'{"op":"enqueue","id":1,"queue":"deep","keep_ms":0,"payload":[' + b",".join([payload] * 200) + b"]}\n"
    return flood(stage, request, 4, "4 connections full of deep payloads")


@attack
def escapes(stage):
    request = b'{"op":"enqueue","id":1,"queue":"esc","keep_ms":0,"payload":"' + b"\\u001b" * 9_000 + b'"}\n'
    return flood(stage, request, 4, "4 connections full of escapes")


@attack
def batches(stage):
    jobs = [{"queue": f"b{number % 50}", "payload": number, "keep_ms": 0} for number in range(1000)]
    return flood(stage, line("enqueue", id=1, jobs=jobs), 4, "4 connections full of batches of 1,000 jobs")


@attack
def crowd(stage):
    """Thousands of connections that wait, get jobs at once, and close at once."""
    clients = []
    for _ in range(4_000):
        client = stage.client()
        client.send(line("claim", id=1, queue="many", wait_ms=600_000))
        clients.append(client)
    producer = stage.client()
    while producer.call("info")["waiting_claims"] < len(clients):
        time.sleep(0.05)
    for _ in range(2):
        producer.call("enqueue", jobs=[{"queue": "many", "payload": 1} for _ in range(1000)])
    time.sleep(1)
    for client in clients:
        client.close()
    time.sleep(1)
    return "4,000 connections wait; 2,000 get a job; all close at once"
