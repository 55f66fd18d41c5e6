#!/usr/bin/env python3
"""What jobqd does, in half a minute: jobs of several kinds, workers in three languages, one of them killed at work, jobs
that fail until they are dead letters and are replayed. `make demo` builds what it needs and runs it.

Exit status: 0; 1 when the numbers at the end do not add up or something broke; 130 after Ctrl-C. Everything happens in a
temporary folder that is removed at the end.
"""
import signal
import sys
import time

from stage import Connection, Failure, Stage
from view import View

LONGEST = 55  # seconds; it takes about fifteen


class Demo:
    def __init__(self, stage, view):
        self.stage, self.view = stage, view
        self.printer = str(stage.folder / "printer-is-on")  # what the invoices need
        self.jobs = {"email": [], "thumbnails": [], "reports": [], "invoices": []}
        stage.start_daemon()
        self.jobqd = Connection(stage.socket)

    def run(self):
        self.view.say(f"jobqd serves on {self.stage.socket}, with a redis-server of its own")
        self.enqueue()
        self.view.say(f"{sum(map(len, self.jobs.values()))} jobs enqueued in {len(self.jobs)} queues")
        for language, queue in [("bash", "email"), ("bash", "email"), ("bash", "invoices"), ("python", "email"),
                                ("python", "thumbnails"), ("python", "reports"), ("swift", "thumbnails"),
                                ("swift", "reports"), ("swift", "invoices")]:
            self.stage.start_worker(language, queue)
        self.view.say(f"{len(self.stage.workers)} workers started in bash, Python and Swift: "
                      + ", ".join(self.stage.workers))
        victims_job = self.kill_at_work("reports", "python")
        self.until("the invoices are dead letters", lambda q: q["invoices"]["depth"]["dead"] == len(self.jobs["invoices"]))
        reason = self.jobqd.ask("get", job=self.jobs["invoices"][0])["job"]["error"]
        self.view.say(f"all invoices failed three times and are dead letters: \"{reason}\"")
        open(self.printer, "w").close()
        count = self.jobqd.ask("requeue", queue="invoices", state="dead")["requeued"]
        self.view.say(f"the printer is on now; {count} dead letters replayed")
        self.until("every job is done", lambda q: all(s["totals"]["completed"] == len(self.jobs[n]) for n, s in q.items()))
        return self.summary(victims_job)

    def enqueue(self):
        kinds = {
            "email": [{"type": "welcome", "priority": 5 if i % 10 == 0 else 0, "payload": {"to": i, "ms": 10}}
                      for i in range(180)],
            "thumbnails": [{"type": "resize", "delay_ms": 40 * i, "payload": {"image": i, "ms": 30}} for i in range(140)],
            "reports": [{"type": "monthly", "payload": {"month": i, "ms": 1500}} for i in range(8)],
            "invoices": [{"type": "print", "max_attempts": 3, "payload": {"number": i, "ms": 5, "needs": self.printer},
                          "backoff": {"kind": "exponential", "base_ms": 1000, "max_ms": 5000, "jitter": 0.5}}
                         for i in range(20)],
        }
        for queue, jobs in kinds.items():
            reply = self.jobqd.ask("enqueue", jobs=[{"queue": queue, **job} for job in jobs])
            self.jobs[queue] = [job["job"] for job in reply["jobs"]]

    def kill_at_work(self, queue, language):
        """SIGKILLs a worker of that language in the middle of a job; the job's name."""
        def held(_=None):
            jobs = self.jobqd.ask("list", queue=queue, state="processing")["jobs"]
            return next((job for job in jobs if job["worker"].startswith(language)), None)

        while True:
            self.until(f"a worker in {language} is at work", held)
            self.pause(0.5)
            if not (job := held()):
                continue
            name = job["worker"]
            self.stage.signal(name, signal.SIGSTOP)  # so that it cannot finish while we look what it works on
            self.pause(0.1)
            if (job := held()) and job["worker"] == name:
                break
            self.stage.signal(name, signal.SIGCONT)
        self.stage.kill(name)
        self.view.say(f"{name} got SIGKILL while it worked on {job['job']}")
        return job["job"]

    def until(self, what, condition):
        """Shows the queues until the condition holds for their `stats`."""
        while not condition(queues := self.look()):
            if self.view.elapsed > LONGEST:
                raise Failure(f"after {LONGEST} s still waiting until {what}: {queues}")
            time.sleep(0.15)

    def pause(self, seconds):
        end = time.monotonic() + seconds
        self.until("", lambda _: time.monotonic() >= end)

    def look(self):
        self.stage.check()
        queues = {queue: self.jobqd.ask("stats", queue=queue) for queue in self.jobs}
        self.view.show(queues)
        return queues

    def summary(self, victims_job):
        """Prints all counts as `stats` has them, and what they must be; false when they are not."""
        queues = self.look()
        names = ["enqueued", "claimed", "completed", "failed", "retried", "reclaimed", "dead", "requeued"]
        total = {name: sum(q["totals"][name] for q in queues.values()) for name in queues["email"]["totals"]}
        print("\n  " + f"{'':12}" + "".join(f"{name:>11}" for name in names))
        for queue, stats in [*queues.items(), ("all", {"totals": total})]:
            print(f"  {queue:12}" + "".join(f"{stats['totals'][name]:>11}" for name in names))
        print()

        record = self.jobqd.ask("get", job=victims_job)["job"]
        outcomes = [attempt["outcome"] for attempt in record["history"]]
        jobs, invoices = sum(map(len, self.jobs.values())), len(self.jobs["invoices"])
        everything = self.jobqd.ask("stats")
        checks = {
            "every job that was acknowledged is counted, and completed once":
                total["enqueued"] == total["completed"] == jobs,
            "nothing is left in any queue":
                not any(everything["depth"][s] for s in ("queued", "scheduled", "retrying", "processing", "dead")),
            f"the killed worker's job was done by another ({record.get('worker')}) in attempt {record['attempts']}":
                outcomes == ["worker_gone", "completed"] and total["reclaimed"] == 1,
            "every invoice failed three times, died, was replayed and printed":
                total["dead"] == total["requeued"] == invoices and total["failed"] == 3 * invoices,
            "every claim ended: completed, failed or its worker died":
                total["claimed"] == total["completed"] + total["failed"] + total["reclaimed"] + total["released"],
            "what came in equals what went out, in every queue": all(map(self.is_conserved, queues.values())),
            "the sums are those of the daemon": everything["totals"] == total,
        }
        for text, holds in checks.items():
            print(f"  {'yes' if holds else 'NO '}  {text}")
        print(f"\n{self.view.elapsed:.0f} seconds. {'It adds up.' if all(checks.values()) else 'IT DOES NOT ADD UP.'}")
        return all(checks.values())

    @staticmethod
    def is_conserved(stats):
        depth, totals = stats["depth"], stats["totals"]
        waiting = sum(depth[state] for state in ("queued", "scheduled", "retrying", "processing"))
        ended = sum(totals[end] for end in ("completed", "dead", "cancelled", "expired", "deleted"))
        return totals["enqueued"] + totals["requeued"] == waiting + ended


def interrupted(*_):
    raise KeyboardInterrupt


if __name__ == "__main__":
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, interrupted)
    try:
        with Stage() as stage, View() as view:
            sys.exit(0 if Demo(stage, view).run() else 1)
    except Failure as failure:
        sys.exit(f"the demo broke: {failure}")
    except KeyboardInterrupt:
        print("\nstopped; everything is cleaned up")
        sys.exit(130)
