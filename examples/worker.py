#!/usr/bin/env python3
"""A jobqd worker in Python: worker.py SOCKET QUEUE [NAME]. Standard library only.

A job's payload may say {"ms":50,"needs":"/path"}: the work takes this long, and fails when there is no such file.

It outlives its peers: what is "retryable" is asked again, and a daemon that is away is waited for. Only the answer that the lease
is lost ends the work on a job from outside; every request is safe to repeat with the same token."""
import json, os, random, socket, sys, threading, time

path, queue = sys.argv[1:3]
name = sys.argv[3] if len(sys.argv) > 3 else f"python-{os.getpid()}"
LOST = ("lease_lost", "not_found", "wrong_state")  # too late: somebody else has the job, or it has ended


def pause(ms=0): time.sleep(max(random.uniform(0.1, 0.3), ms / 1000))


class Jobqd:
    def __init__(self, worker=None):
        self.lines, self.worker, self.session = None, worker, {}

    def connect(self):
        self.socket = socket.socket(socket.AF_UNIX)
        self.socket.connect(path)
        self.lines = self.socket.makefile("rb")
        if self.worker:  # with the session of before, the jobs in hand stay in hand
            reply = self.once("hello", protocol=1, worker=self.worker, **self.session)
            if reply["ok"]: self.session = {"session": reply["session"]}

    def once(self, op, **members):
        self.socket.sendall(json.dumps({"op": op, **members}).encode() + b"\n")
        line = self.lines.readline()
        if not line.endswith(b"\n"): raise EOFError("jobqd closed the connection")
        return json.loads(line)

    def ask(self, op, **members):
        """Until there is an answer that will not change by asking again."""
        while True:
            try:
                if not self.lines: self.connect()
                reply = self.once(op, **members)
            except (OSError, EOFError) as problem:
                if self.lines: print(f"{name}: {problem}; waiting for jobqd", file=sys.stderr, flush=True)
                self.lines = None
                pause()
                continue
            if reply["ok"] or reply["error"]["code"] in LOST: return reply
            if not reply["error"]["retryable"]: sys.exit(f"{name}: {op}: {reply['error']['message']}")
            pause(reply["error"].get("retry_after_ms", 0))


def heartbeat(lease, seconds, done):
    jobqd = Jobqd()  # a connection of its own: a lease belongs to its token, not to a connection
    while not done.wait(seconds) and jobqd.ask("extend", **lease)["ok"]: pass


def work(ms=0, needs=None, **_):
    time.sleep(ms / 1000)
    if needs: os.stat(needs)


jobqd, jobs, claim = Jobqd(name), [], {"queue": queue, "wait_ms": 30_000}
while True:
    for job in jobs or jobqd.ask("claim", **claim)["jobs"]:
        lease, done = {"job": job["job"], "token": job["token"]}, threading.Event()
        threading.Thread(target=heartbeat, args=(lease, job["lease_ms"] / 3000, done), daemon=True).start()
        try:
            work(**job["payload"] if isinstance(job["payload"], dict) else {})
            end = {"op": "complete", "result": {"by": name}}
        except Exception as problem: end = {"op": "fail", "error": str(problem)[:4000]}
        done.set()
        jobs = jobqd.ask(**end, **lease, next=claim).get("jobs", [])  # the answer brings the next job
