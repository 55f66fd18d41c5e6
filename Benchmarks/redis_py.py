#!/usr/bin/env python3
"""The pattern of the Redis documentation, as a yardstick: one blocking client a worker, with redis-py.

Enqueue writes the job's hash and LPUSHes its id; a worker takes an id with BLMOVE into a processing list, writes a fresh
token and reads the job; complete is a Lua script that compares the token, takes the id off the processing list and
keeps a capped history. Producers and workers are threads spread over --processes processes. Prints one JSON object.

It has no leases, retries, priorities or delays, and between BLMOVE and the token a crash leaves an orphan: it does less
than jobqd does. What the documentation has beyond this (a reclaimer) is not on this path and left out.
"""

import argparse
import json
import multiprocessing
import secrets
import threading
import time

import redis

COMPLETE = """
if redis.call('HGET', KEYS[1], 'claim_token') ~= ARGV[2] then return 0 end
redis.call('LREM', KEYS[2], 1, ARGV[1])
redis.call('HSET', KEYS[1], 'status', 'completed', 'completed_at_ms', ARGV[3])
redis.call('HDEL', KEYS[1], 'claim_token')
redis.call('EXPIRE', KEYS[1], 3600)
redis.call('LPUSH', KEYS[3], ARGV[1])
redis.call('LTRIM', KEYS[3], 0, 99)
return 1
"""


class JobQueue:
    """One client's view of the queue: a connection of its own, three operations."""

    def __init__(self, socket, name):
        self.client = redis.Redis(unix_socket_path=socket, single_connection_client=True)
        self.pending, self.processing, self.completed = f"{name}:pending", f"{name}:processing", f"{name}:completed"
        self.prefix = f"{name}:job:"
        self.complete_script = self.client.register_script(COMPLETE)

    def enqueue(self, payload):
        job = secrets.token_hex(8)
        pipe = self.client.pipeline(transaction=False)
        pipe.hset(self.prefix + job, mapping={"payload": payload, "status": "pending", "attempts": 0})
        pipe.lpush(self.pending, job)
        pipe.execute()

    def claim(self, timeout):
        job = self.client.blmove(self.pending, self.processing, timeout, "RIGHT", "LEFT")
        if job is None:
            return None
        job = job.decode()
        token = secrets.token_hex(8)
        pipe = self.client.pipeline(transaction=False)
        claimed = {"claim_token": token, "status": "processing", "claimed_at_ms": int(time.time() * 1000)}
        pipe.hset(self.prefix + job, mapping=claimed)
        pipe.hget(self.prefix + job, "payload")
        return job, token, pipe.execute()[1]

    def complete(self, job, token):
        keys = [self.prefix + job, self.processing, self.completed]
        return self.complete_script(keys=keys, args=[job, token, int(time.time() * 1000)]) == 1


def payload(number):
    """About 100 bytes of JSON with the time it was made, as the other generators send."""
    return (
        f'{{"to":"user-{number % 1000000:06}@example.info","template":"welcome","lang":"en","try":1,'
        f'"sent":"{time.monotonic_ns():016x}"}}'
    )


def produce(queue, window):
    number = 0
    while time.monotonic() < window[1]:
        queue.enqueue(payload(number))
        number += 1


def work(queue, window, delivered, completed):
    """Claims and completes until the window ends; notes each delivery's latency and counts the completions in it."""
    while time.monotonic() < window[1]:
        claimed = queue.claim(1)
        if claimed is None:
            continue
        job, token, body = claimed
        sent = int(body[82:98], 16)
        now = time.monotonic_ns()
        if not queue.complete(job, token):
            raise SystemExit("a token was refused")
        if window[0] <= time.monotonic() < window[1]:
            completed.append(1)
            delivered.append(now - sent)


def run_share(options, producers, workers, window, results):
    """One process's share of the producers and workers, as threads."""
    delivered, completed, threads = [], [], []
    for _ in range(producers):
        threads.append(threading.Thread(target=produce, args=(JobQueue(options.socket, options.queue), window)))
    for _ in range(workers):
        queue = JobQueue(options.socket, options.queue)
        threads.append(threading.Thread(target=work, args=(queue, window, delivered, completed)))
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    results.put((len(completed), delivered))


def shares(total, parts):
    return [total // parts + (1 if i < total % parts else 0) for i in range(parts)]


def cpu_ns(pid):
    """CPU time of another process, all its threads: its clock by clock_getcpuclockid(3)."""
    return time.clock_gettime_ns((~pid << 3) | 2)


def sleep_until(moment):
    time.sleep(max(0, moment - time.monotonic()))


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--socket", required=True, help="of Redis")
    parser.add_argument("--queue", default="bench")
    parser.add_argument("--producers", type=int, default=8)
    parser.add_argument("--workers", type=int, default=50)
    parser.add_argument("--processes", type=int, default=1)
    parser.add_argument("--warmup", type=float, default=0.5)
    parser.add_argument("--seconds", type=float, default=3)
    parser.add_argument("--redis-pid", type=int, required=True)
    options = parser.parse_args()

    processes = min(options.processes, options.producers + options.workers)
    start = time.monotonic() + options.warmup + 0.5 + 0.02 * processes
    window = (start, start + options.seconds)
    results = multiprocessing.Queue()
    children = []
    # Workers are dealt from the other end, so that with a process each nobody gets both.
    for producers, workers in zip(shares(options.producers, processes), reversed(shares(options.workers, processes))):
        arguments = (options, producers, workers, window, results)
        children.append(multiprocessing.Process(target=run_share, args=arguments))
    for child in children:
        child.start()
    sleep_until(window[0])
    pids = [child.pid for child in children]
    before = cpu_ns(options.redis_pid), sum(cpu_ns(pid) for pid in pids)
    sleep_until(window[1])
    after = cpu_ns(options.redis_pid), sum(cpu_ns(pid) for pid in pids)
    found = [results.get() for _ in children]
    for child in children:
        child.join()

    jobs = sum(share[0] for share in found)
    delivered = sorted(ns for share in found for ns in share[1])
    at = {name: delivered[min(len(delivered) - 1, int(len(delivered) * part))] / 1000 if delivered else 0
          for name, part in (("p50", 0.5), ("p99", 0.99), ("p999", 0.999))}
    print(json.dumps({
        "scenario": "redis-py", "processes": processes, "jobs": jobs, "jobs_per_second": jobs / options.seconds,
        "seconds": options.seconds, "delivery_us": at,
        "cpu_us": {"redis": (after[0] - before[0]) / 1000, "clients": (after[1] - before[1]) / 1000},
    }))


if __name__ == "__main__":
    main()
