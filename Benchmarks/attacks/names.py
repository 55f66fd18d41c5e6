"""Names that nobody has: queues that are claimed from, patterns that are subscribed to, jobs that are waited for."""

import itertools
import time

from .client import Refused, line
from .stage import attack


def made_up(count):
    """Claims on 64 names each that nobody has named before."""
    for number in range(count):
        yield line("claim", id=number, wait_ms=1, queues=[f"x{number}.{k}" for k in range(64)])


@attack
def names(stage):
    """Claims on ever new names."""
    count = 250 * stage.seconds
    refused = stage.client().pipeline(made_up(count))
    return f"{count} claims on 64 new names each, {refused} refused"


@attack
def names_with_events(stage):
    """The same as a worker that asks for events."""
    client = stage.client()
    client.call("hello", worker="w", push=True)
    count = 150 * stage.seconds
    refused = client.pipeline(made_up(count))
    return f"{count} claims of a worker with events, {refused} refused"


@attack
def tidy(stage):
    """Many waiting claims on many names, then names nobody has, and both are forgotten."""
    waiting = [stage.client() for _ in range(10)]
    for client in waiting:
        client.send(b"".join(
            line("claim", id=k, wait_ms=600_000, queues=[f"idle{x}" for x in range(64)]) for k in range(256)))
    stage.client().pipeline(made_up(100 * stage.seconds))
    # Until the last unused names are forgotten.
    time.sleep(35 if stage.seconds > 5 else 3)
    for client in waiting:
        client.close()
    time.sleep(1)
    return "2,560 claims wait on 64 names each; others on new ones; then all end at once"


@attack
def globs(stage):
    """Subscriptions to ever new patterns."""
    client = stage.client()
    end = time.monotonic() + stage.seconds
    done = refused = 0
    while time.monotonic() < end:
        try:
            client.call("subscribe", queues=[f"*{done}.{k}" for k in range(64)])
        except Refused:
            refused += 1
        done += 1
    return f"{done} subscriptions to 64 new patterns each, {refused} refused"


@attack
def stars(stage):
    """Patterns that are hard to hold against names, and names that are hard for them."""
    clients = [stage.client() for _ in range(100)]
    refused = 0
    for number, client in enumerate(clients):
        try:
            client.call("subscribe", queues=["*a*a*a*a*a*a*a*a*a*a*b%d" % (number * 64 + k) for k in range(64)])
        except Refused:
            refused += 1
    producer = stage.client()
    end = time.monotonic() + stage.seconds
    numbers = itertools.count()
    made = 0
    while time.monotonic() < end:
        jobs = [{"queue": "a" * 55 + str(next(numbers)), "keep_ms": 0} for _ in range(200)]
        made += len(producer.call("enqueue", jobs=jobs)["jobs"])
    return f"6,400 patterns of stars, {refused} of 100 subscriptions refused; {made} new queues"


@attack
def claim_patterns(stage):
    """Claims by patterns that match thousands of queues, beside claims by ever new patterns."""
    stage.enqueue_into([f"tenant.{number}" for number in range(3000)])

    def work(client, is_over):
        number = 0
        while not is_over():
            client.pipeline(line("claim", id=k, wait_ms=1, max=1, queues=["tenant.*", f"t*{number + k}"])
                            for k in range(100))
            number += 100

    stage.keep_up(2, work)
    return "claims on a pattern of 3,000 queues and on new ones"


@attack
def waits(stage):
    """Thousands wait for one job."""
    producer = stage.client()
    producer.call("enqueue", queue="w", job_id="x", delay_ms=10_000_000)
    clients = [stage.client() for _ in range(40)]
    for client in clients:
        client.send(b"".join(line("wait", id=k, job="w/x", wait_ms=600_000) for k in range(256)))
    while producer.call("info")["waits"] < 40 * 256:
        time.sleep(0.05)
    producer.call("cancel", job="w/x")
    for client in clients:
        for _ in range(256):
            client.line()
    return "10,240 waits on one job that ends"
