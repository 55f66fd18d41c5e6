"""The measures: each starts fresh servers, lets the generators run, and returns rows and details.

Whatever is compared runs in turns (A B A B …) in the same place, and medians are compared. A measure that cannot be
taken is reported and does not stop the others.
"""

from . import load
from .servers import redis_flush, redis_info
from .table import Row

MIB = 1024 * 1024
# A run counts as disturbed when others used more than this part of the machine.
CALM = 0.08


class Bench:
    """What all measures share: the tools, how long to run, and what was found."""

    def __init__(self, tools, quick):
        self.tools, self.quick = tools, quick
        self.rounds = 1 if quick else 3
        self.repeats = 0 if quick else 2
        self.window = {"warmup": 0.3, "seconds": 1} if quick else {"warmup": 1, "seconds": 4}
        self.rows, self.runs, self.raw = [], [], {}

    def calmest(self, take):
        """Takes a run, again if others kept the machine busy meanwhile; the least disturbed of them."""
        taken = []
        for attempt in range(self.repeats + 1):
            taken.append(take(attempt))
            if taken[-1]["elsewhere"] <= CALM:
                break
        return min(taken, key=lambda run: run["elsewhere"])

    def in_turns(self, contenders):
        """Runs each contender (label → function of a name) in every round; label → its median run by throughput."""
        taken = {label: [] for label in contenders}
        for number in range(self.rounds):
            for label, contender in contenders.items():
                taken[label].append(self.calmest(lambda attempt: contender(f"r{number}{attempt}")))
        medians = {}
        for label, runs in taken.items():
            rate = lambda run: run.get("jobs_per_second", run.get("requests_per_second"))
            medians[label] = sorted(runs, key=rate)[len(runs) // 2]
            self.raw[label] = runs
            self.runs.append((label, medians[label]))
        return medians

    def single(self, label, scenario, target, watch, **options):
        """A scenario that is its own yardstick: one run, repeated when disturbed."""
        run = self.calmest(lambda _: load.jobqload(self.tools, scenario, target, watch, queue=scenario, **options))
        self.raw[label] = run
        return run

    def life(self, server, others=(), **options):
        """A contender: the whole life on that server, each round in a queue of its own."""
        watch = [server, *others]
        name = "-".join([server.name, *(f"{k}{v}" for k, v in options.items())]).replace("_", "")

        def contender(number):
            # What earlier runs have kept (100,000 jobs a queue) is not this run's burden.
            for redis in others:
                redis_flush(redis)
            run = load.jobqload(self.tools, "life", server, watch, queue=f"{name}-{number}", **self.window, **options)
            run["memory"] = {s.name: s.memory()[0] for s in watch}
            return run

        return contender


def life(bench, place):
    """The whole life of jobs, one request at a time and in batches, on jobqd, beanstalkd and redis-py."""
    redis, other_redis, beanstalkd = place.redis(), place.redis(), place.beanstalkd()
    jobqd = place.jobqd(redis)
    python = lambda processes: lambda number: load.redis_py(
        bench.tools, other_redis, processes=processes, queue=f"q{processes}{number}", **bench.window)
    contenders = {
        "jobqd": bench.life(jobqd, [redis]),
        "beanstalkd": bench.life(beanstalkd),
        "jobqd, keep_ms 0": bench.life(jobqd, [redis], keep_ms=0),
        "jobqd, next": bench.life(jobqd, [redis], next=True),
        "jobqd, next, batches of 16": bench.life(jobqd, [redis], next=True, batch=16),
        "beanstalkd, 16 commands ahead": bench.life(beanstalkd, batch=16),
        "jobqd, next, 16, keep_ms 0": bench.life(jobqd, [redis], next=True, batch=16, keep_ms=0),
        "beanstalkd, 16 ahead, polling": bench.life(beanstalkd, batch=16, poll=True),
        "redis-py, threads": python(1),
        "redis-py, threads in 4 processes": python(4),
        "redis-py, a process each": python(58),
    }
    found = bench.in_turns(contenders)
    rate = {label: run["jobs_per_second"] for label, run in found.items()}
    lost = {label: run["unfinished"] for label, run in found.items() if label.startswith("jobqd") and run["unfinished"]}
    if lost:
        bench.rows.append(Row("jobs acknowledged and not finished", sum(lost.values()), 0, 0, "jobs", at_most=True))
    ahead = max((label for label in rate if label.startswith("beanstalkd")), key=rate.get)
    pythonic = max((label for label in rate if label.startswith("redis-py")), key=rate.get)
    batched = "jobqd, next, batches of 16"
    bench.rows += [
        Row("whole life against beanstalkd", rate["jobqd"] / rate["beanstalkd"], 0.6, 1, "×",
            note=f"{rate['jobqd']:,.0f} / {rate['beanstalkd']:,.0f} jobs/s, 8 producers, 50 workers"),
        Row("next and batches of 16, against beanstalkd", rate[batched] / rate[ahead], 1.2, 2, "×",
            note=f"{rate[batched]:,.0f} / {rate[ahead]:,.0f} jobs/s ({ahead}: the best it did)"),
        Row("next and batches of 16, against redis-py", rate[batched] / rate[pythonic], 8, 20, "×",
            note=f"{rate[batched]:,.0f} / {rate[pythonic]:,.0f} jobs/s ({pythonic}: the best it did)"),
        Row("Redis CPU a job, batches of 16", found[batched]["cpu_us"]["redis"] / found[batched]["jobs"], 20, 12, "µs",
            at_most=True, note="all its threads, writing the AOF included"),
    ]


def requests(bench, place):
    """CPU of the daemon for one request that needs no Redis, against a bare line server on the same loop."""
    bench.tools.build("line-server")
    jobqd, line = place.jobqd(place.redis()), place.line_server()
    contenders = {}
    for connections in (50,) if bench.quick else (50, 500, 5000):
        for name, server in ((f"ping on {connections} connections", jobqd), (f"bare line server, {connections}", line)):
            contenders[name] = lambda number, server=server, connections=connections: load.jobqload(
                bench.tools, "requests", server, [server], connections=connections, **bench.window)
    found = bench.in_turns(contenders)
    cost = {label: run["cpu_us"][("line-server" if "line" in label else "jobqd")] / run["requests"]
            for label, run in found.items()}
    bench.rows.append(Row(
        "CPU a request against a bare line server", cost["ping on 50 connections"] / cost["bare line server, 50"], 4, 2.5,
        "×", at_most=True, note=f"{cost['ping on 50 connections']:.2f} / {cost['bare line server, 50']:.2f} µs, 50 connections"))


def latency(bench, place):
    """Enqueue to delivery on an idle daemon, against one PING of Redis by the same client."""
    redis, beanstalkd = place.redis(), place.beanstalkd()
    jobqd = place.jobqd(redis)
    rounds = 300 if bench.quick else 2000
    ours = bench.single("latency", "latency", jobqd, [jobqd, redis], redis=redis.path, rounds=rounds)
    theirs = bench.single("latency, beanstalkd", "latency", beanstalkd, [beanstalkd], redis=redis.path, rounds=rounds)
    delivery, ping = ours["delivery_us"], ours["redis_ping_us"]
    bench.rows.append(Row(
        "idle latency, enqueue to worker, p50", delivery["p50"] / ping["p50"], 4, 2.5, "× PING", at_most=True,
        note=f"{delivery['p50']:.0f} / {ping['p50']:.0f} µs; p99 {delivery['p99']:.0f}, p99.9 {delivery['p999']:.0f} µs; "
             f"beanstalkd {theirs['delivery_us']['p50']:.0f} µs"))


def delayed(bench, place):
    """How late delayed jobs arrive at a waiting worker."""
    redis = place.redis()
    jobqd = place.jobqd(redis)
    run = bench.single("delayed", "delayed", jobqd, [jobqd, redis], jobs=100 if bench.quick else 600)
    late = run["lateness_us"]
    bench.rows.append(Row(
        "delayed jobs, lateness, p99", late["p99"] / 1000, 5, 2, "ms", at_most=True,
        note=f"p50 {late['p50'] / 1000:.2f}, most {late['max'] / 1000:.2f} ms; {run['arrived']:.0f} of {run['jobs']:.0f} came"))
    if run["arrived"] != run["jobs"]:
        bench.rows.append(Row("delayed jobs that never came", run["jobs"] - run["arrived"], 0, 0, "jobs", at_most=True))


def killed(bench, place):
    """A worker process is killed; when another worker has its job."""
    redis = place.redis()
    jobqd = place.jobqd(redis)
    run = bench.single("killed", "killed", jobqd, [jobqd, redis], rounds=30 if bench.quick else 200)
    taken = run["taken_us"]
    bench.rows.append(Row("worker killed, job with another, p99", taken["p99"] / 1000, 20, 5, "ms", at_most=True,
                          note=f"p50 {taken['p50'] / 1000:.2f} ms, {taken['count']} rounds"))


def memory(bench, place):
    """Resident memory of a fresh daemon, and what an idle connection adds."""
    jobqd = place.jobqd(place.redis())
    connections = 1000 if bench.quick else 5000
    fresh, private = jobqd.memory()
    run = load.jobqload(bench.tools, "idle", jobqd, [jobqd], connections=connections)
    bench.raw["memory"] = run
    bench.rows += [
        Row("resident memory, idle", fresh / MIB, 12, 8, "MiB", at_most=True, note=f"{private / MIB:.1f} MiB of it its own"),
        Row("each idle connection", run["bytes_per_connection"] / 1024, 8, 4, "KiB", at_most=True,
            note=f"of {connections:,}, after one request each"),
    ]


def waiting(bench, place):
    """An idle daemon with 1,000 waiting claims: what it asks of Redis, and its CPU."""
    redis = place.redis()
    jobqd = place.jobqd(redis)
    run = bench.single("waiting", "waiting", jobqd, [jobqd, redis], redis=redis.path, connections=1000,
                       seconds=3 if bench.quick else 15)
    cpu = run["cpu_us"]["jobqd"] / 1e6 / run["seconds"] * 100
    bench.rows += [
        Row("1,000 waiting claims: Redis commands a second", run["redis_commands_per_second"], 5, 1, "", at_most=True,
            note="those inside scripts count too"),
        Row("1,000 waiting claims: CPU of jobqd", cpu, 0.5, 0.1, "%", at_most=True, note=f"over {run['seconds']:.0f} s"),
    ]


def depth(bench, place):
    """A long queue against a short one, and the memory a queued job takes in Redis."""
    redis = place.redis()
    jobqd = place.jobqd(redis)
    many = 100_000 if bench.quick else 1_000_000
    load.jobqload(bench.tools, "fill", jobqd, [jobqd, redis], queue="short", jobs=1000)
    before = redis_info(redis, "used_memory")
    filled = load.jobqload(bench.tools, "fill", jobqd, [jobqd, redis], queue="long", jobs=many)
    a_job = (redis_info(redis, "used_memory") - before) / filled["jobs"]
    bench.raw["fill"] = filled
    contenders = {
        f"{name} queued": lambda number, queue=queue: load.jobqload(
            bench.tools, "depth", jobqd, [jobqd, redis], queue=queue, connections=8, **bench.window)
        for name, queue in (("1,000", "short"), (f"{many:,}", "long"))
    }
    found = bench.in_turns(contenders)
    cost = {label: (run["cpu_us"]["jobqd"] + run["cpu_us"]["redis"]) / run["jobs"] for label, run in found.items()}
    (short, cheap), (long, dear) = cost.items()
    p50 = [found[label]["claim_us"]["p50"] for label in (short, long)]
    bench.rows += [
        Row(f"claim with {many:,} against 1,000 queued", max(dear / cheap, p50[1] / p50[0]), 1.3, 1, "×", at_most=True,
            note=f"CPU of jobqd and Redis a job {dear:.1f} / {cheap:.1f} µs; claim p50 {p50[1]:.0f} / {p50[0]:.0f} µs"),
        Row("Redis memory a queued job", a_job, 700, 450, "B", at_most=True, note=f"100-byte payload, {many:,} jobs"),
    ]


def versions(bench, place):
    """This build of jobqd against another one: what the same jobs cost and take. Below 1 is better than the other."""
    sides = {}
    for label in ("this", "other"):
        redis = place.redis()
        sides[label] = (place.jobqd(redis, other=label == "other"), redis)
    shapes = {"one at a time": {}, "next, batches of 16": {"next": True, "batch": 16}}
    contenders = {
        f"{label} jobqd, {shape}": bench.life(jobqd, [redis], **options)
        for shape, options in shapes.items() for label, (jobqd, redis) in sides.items()
    }
    found = bench.in_turns(contenders)
    for shape in shapes:
        this, other = (found[f"{label} jobqd, {shape}"] for label in sides)
        for name in ("redis", "jobqd"):
            cost = [run["cpu_us"][name] / run["jobs"] for run in (this, other)]
            bench.rows.append(Row(f"{'Redis' if name == 'redis' else name} CPU a job, {shape}, against the other build",
                                  cost[0] / cost[1], None, None, "×", note=f"{cost[0]:.2f} / {cost[1]:.2f} µs"))
        rate = [run["jobs_per_second"] for run in (this, other)]
        bench.rows.append(Row(f"jobs a second, {shape}, against the other build", rate[0] / rate[1], None, None, "×",
                              note=f"{rate[0]:,.0f} / {rate[1]:,.0f}"))


ALL = {function.__name__: function for function in (
    life, requests, latency, delayed, killed, memory, waiting, depth, versions)}
