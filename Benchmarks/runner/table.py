"""What is printed: the table of measures with floor, hope and verdict, and the details of every run."""


class Row:
    """One measure: what was found against what it must (`floor`) and might (`hoped`) reach."""

    def __init__(self, measure, value, floor, hoped, unit="", at_most=False, note=""):
        self.measure, self.value, self.floor, self.hoped = measure, value, floor, hoped
        self.unit, self.at_most, self.note = unit, at_most, note

    def verdict(self):
        if self.floor is None:
            return ""
        better = (lambda limit: self.value <= limit) if self.at_most else (lambda limit: self.value >= limit)
        return "as hoped" if better(self.hoped) else "reached" if better(self.floor) else "MISSED"

    def cells(self):
        sign = "≤" if self.at_most else "≥"
        limits = ["", ""] if self.floor is None else [f"{sign} {text(self.floor)} {self.unit}".rstrip(),
                                                      f"{sign} {text(self.hoped)} {self.unit}".rstrip()]
        return [self.measure, f"{text(self.value)} {self.unit}".rstrip(), *limits, self.verdict(), self.note]


def text(number):
    if number >= 100:
        return f"{number:,.0f}"
    return f"{number:.3g}"


def columns(head, lines):
    """Markdown, aligned so that it reads well in a terminal too."""
    widths = [max(len(line[i]) for line in [head, *lines]) for i in range(len(head))]
    show = lambda line: "| " + " | ".join(cell.ljust(width) for cell, width in zip(line, widths)) + " |"
    return "\n".join([show(head), "|" + "|".join("-" * (width + 2) for width in widths) + "|", *map(show, lines)])


def measures_table(rows):
    return columns(["measure", "measured", "at least", "hoped", "verdict", "how"], [row.cells() for row in rows])


def run_line(label, run):
    """Details of one run under load: per job when it counts jobs, else per request."""
    jobs = run.get("jobs") or run.get("requests")
    per = lambda name: f"{run['cpu_us'][name] / jobs:.2f}" if name in run["cpu_us"] else ""
    server = next((n for n in ("jobqd", "beanstalkd", "line-server") if n in run["cpu_us"]), None)
    generator = "clients" if "clients" in run["cpu_us"] else "jobqload"
    latency = run.get("delivery_us") or run.get("claim_us") or run.get("reply_us")
    memory = ", ".join(f"{name} {size / 1048576:.1f}" for name, size in run.get("memory", {}).items())
    return [label, f"{jobs / run['seconds']:,.0f}", per(server) if server else "", per("redis"), per(generator),
            *(f"{latency[p]:,.0f}" for p in ("p50", "p99", "p999")), memory, f"{run.get('elsewhere', 0):.0%}"]


def runs_table(runs):
    head = ["run (median round)", "per second", "server µs", "Redis µs", "generator µs", "p50 µs", "p99 µs",
            "p99.9 µs", "resident MiB", "others"]
    return columns(head, [run_line(label, run) for label, run in runs])
