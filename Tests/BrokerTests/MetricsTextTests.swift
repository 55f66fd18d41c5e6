// The text format of Prometheus, byte for byte, and the table of metrics against its rules.

import Reactor
import Testing

@testable import Broker

@Suite struct MetricsTextTests {
    private func text(_ write: (inout MetricsText) -> Void) -> String {
        var text = MetricsText()
        write(&text)
        return String(decoding: text.bytes, as: UTF8.self)
    }

    @Test func aFamilyHasItsHelpItsTypeAndItsSamples() {
        let text = text { text in
            text.family(.jobs)
            text.sample(.jobs, ["email", "queued"], 3)
            text.single(.workers, 7)
        }
        #expect(
            text == """
                # HELP jobqd_jobs Jobs in each state, now.
                # TYPE jobqd_jobs gauge
                jobqd_jobs{queue="email",state="queued"} 3
                # HELP jobqd_workers Workers that said hello with a name.
                # TYPE jobqd_workers gauge
                jobqd_workers 7

                """)
    }

    @Test func valuesOfLabelsAreEscaped() {
        let text = text { $0.sample(.jobs, ["a\"b\\c\nd", "é"], 1) }
        #expect(text == #"jobqd_jobs{queue="a\"b\\c\nd",state="é"} 1"# + "\n")
    }

    @Test func classesOfAHistogramCountAllThatIsBelow() {
        var histogram = Histogram(.long)
        for time: UInt64 in [0, 1_000, 1_001, 400_000, 20_000_000_000] { histogram.observe(microseconds: time) }
        let lines = text { $0.histogram(.jobRun, ["q"], histogram) }.split(separator: "\n")
        #expect(lines.count == 16)
        #expect(lines[0] == #"jobqd_job_run_seconds_bucket{queue="q",le="0.001"} 2"#)
        #expect(lines[1] == #"jobqd_job_run_seconds_bucket{queue="q",le="0.005"} 3"#)
        #expect(lines[4] == #"jobqd_job_run_seconds_bucket{queue="q",le="0.5"} 4"#)
        #expect(lines[12] == #"jobqd_job_run_seconds_bucket{queue="q",le="14400"} 4"#)
        #expect(lines[13] == #"jobqd_job_run_seconds_bucket{queue="q",le="+Inf"} 5"#)
        #expect(lines[14] == #"jobqd_job_run_seconds_sum{queue="q"} 20000.402001"#)
        #expect(lines[15] == #"jobqd_job_run_seconds_count{queue="q"} 5"#)
    }

    @Test(
        arguments: [
            (0, "0"), (1, "0.000001"), (1_000, "0.001"), (1_500_000, "1.5"), (60_000_000, "60"),
            (10_000_001, "10.000001"),
        ] as [(UInt64, String)])
    func secondsAreDecimalAndExact(microseconds: UInt64, text: String) {
        #expect(MetricsText.seconds(microseconds) == text)
    }

    @Test func namesAreUniqueAndEndAsPrometheusWantsIt() {
        #expect(Set(Metric.all.map(\.name)).count == Metric.all.count)
        for metric in Metric.all {
            #expect(metric.name.hasPrefix("jobqd_") || metric.name.hasPrefix("process_"))
            #expect(metric.name.hasSuffix("_total") == (metric.kind == .counter), "\(metric.name)")
            if metric.kind == .histogram { #expect(metric.name.hasSuffix("_seconds"), "\(metric.name)") }
            #expect(metric.help.hasSuffix("."), "\(metric.name)")
        }
    }
}

@Suite struct FiguresTests {
    @Test func aTokenTellsWhenItsJobWasClaimed() {
        #expect(Figures.microseconds(of: "1763680000123456-00000000feed") == 1_763_680_000_123_456)
        for made in ["", "-", "x-1", "12", "0-1", "99999999999999999999-1", "12x-1"] {
            #expect(Figures.microseconds(of: made) == nil, "\(made)")
        }
    }

    @Test func aRunIsTimedFromTheClaimAndNeverNegative() {
        var figures = Figures()
        figures.ran(queue: "q", token: "1763680000000000-a", now: 1_763_680_000_250)
        figures.ran(queue: "q", token: "1763680000000999-a", now: 1_763_680_000_000)
        figures.ran(queue: "q", token: "no token", now: 1_763_680_000_000)
        let runs = figures.times[0].times.runs
        #expect(figures.times.map(\.queue) == ["q"])
        #expect(runs.count == 2 && runs.sumUs == 250_000 && runs.counts[0] == 1)
    }

    @Test func namesOfQueuesDoNotFillTheMemory() {
        var figures = Figures()
        for number in 0..<Figures.queueLimit + 10 {
            figures.ran(queue: "q\(number)", token: "1763680000000000-a", now: 1_763_680_000_250)
        }
        figures.ran(queue: "q5", token: "1763680000000000-a", now: 1_763_680_000_250)
        #expect(figures.times.count == Figures.queueLimit)
        #expect(figures.times.first { $0.queue == "q5" }?.times.runs.count == 2)
    }
}
