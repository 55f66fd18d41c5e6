"""Numbers and lists of everything, asked for again and again."""

from .client import line
from .stage import attack

QUEUES = 5_000


def prepare(stage):
    """Many queues, with a job each."""
    stage.enqueue_into([f"q{number}" for number in range(QUEUES)])


def asked(stage, op, connections):
    """Keeps 256 requests in flight on so many connections."""
    def work(client, is_over):
        client.send(b"".join(line(op, id=k) for k in range(256)))
        while not is_over():
            client.line()
            client.send(line(op, id=1))
        client.close()

    stage.keep_up(connections, work)
    return f"{connections} connections with 256 {op} in flight, {QUEUES} queues"


@attack
def queues(stage):
    return asked(stage, "queues", 2)


@attack
def stats(stage):
    return asked(stage, "stats", 4)


@attack
def replay(stage):
    """Subscribers that replay everything, again and again."""
    def work(client, is_over):
        while not is_over():
            client.send(line("subscribe", since="0", id=1))
            client.line()

    stage.keep_up(10, work)
    return f"10 connections replay {QUEUES} queues"


queues.prepare = stats.prepare = replay.prepare = prepare
