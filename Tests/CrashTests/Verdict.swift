// The judgement after a crash test: what clients were told, compared with what the store says now. Nothing acknowledged
// is lost, nothing is completed twice, no token is given twice, and the sums and the keys are right.
//
// `lost`: spans of time whose writes Redis itself may have lost (it was killed and what it had not yet written is gone).
// What was answered in such a span counts as unknown; everything else must hold all the same, and tokens grow even then.

import Foundation
import Harness
import Testing

struct Verdict {
    /// Monotonic nanoseconds.
    typealias Span = ClosedRange<UInt64>
    let load: Load
    var lost: [Span] = []

    /// Looks at everything after the queues were drained.
    func check(_ daemon: Daemon, _ redis: RedisServer) throws {
        let keys = try Keyspace(of: redis)
        let invariants = InvariantChecker.violations(in: keys)
        #expect(invariants.isEmpty, "\(invariants.prefix(10)); Redis: \(redis.complaints)")
        try check(daemon, final: HistoryChecker.Final(keys))
    }

    /// The same without a look at the keys.
    func check(_ daemon: Daemon, final: HistoryChecker.Final? = nil) throws {
        let client = try daemon.connect()
        let records = try records(client)
        var stats: [String: JSON] = [:]
        for queue in load.queues { stats[queue] = try client.stats(queue) }
        let seen = HistoryChecker.Final(
            states: records.compactMapValues { $0["state"].string },
            counters: stats.mapValues { $0["totals"].object.compactMapValues(\.int) })
        let violations = HistoryChecker.violations(in: certain, final: final ?? seen, drained: true)
        #expect(violations.isEmpty, "\(violations.count): \(violations.prefix(10))")
        let tokens = HistoryChecker.tokenViolations(in: load.history.events)
        #expect(tokens.isEmpty, "\(tokens.prefix(10))")
        #expect(load.surprises.isEmpty, "\(load.surprises.prefix(5))")
        checkResults(records)
        for (queue, stats) in stats { checkSums(stats, records.filter { $0.key.hasPrefix("\(queue)/") }) }
        checkVariety(seen.states)
        checkEvents(seen.states)
    }

    /// The history without what Redis may have lost.
    private var certain: [HistoryEvent] {
        load.history.events.compactMap { event in
            guard lost.contains(where: { $0.overlaps(event.began...event.ended) }) else { return event }
            switch event.call {
            case .claim, .duplicate, .wait: return nil
            default: break
            }
            return HistoryEvent(event.call, .unknown, began: event.began, ended: event.ended)
        }
    }

    /// The one completion that was acknowledged is the one whose result is kept.
    private func checkResults(_ records: [String: JSON]) {
        let completions = certain.compactMap { event -> (job: String, token: String)? in
            guard event.outcome == .acknowledged, case .complete(let job, let token) = event.call else { return nil }
            return (job, token)
        }
        let wrong = completions.filter {
            records[$0.job]?["state"] != "completed" || records[$0.job]?["result"] != JSON($0.token)
        }
        #expect(wrong.isEmpty, "\(wrong.count): \(wrong.prefix(5).map { ($0, records[$0.job] ?? nil) })")
        #expect(completions.count > 50, "too few jobs to mean anything")
    }

    private func checkSums(_ stats: JSON, _ records: [String: JSON]) {
        let totals = stats["totals"].object.mapValues { $0.int ?? 0 }
        let ends = EventChecker.ends.sorted()
        #expect(totals["enqueued"] == ends.reduce(0) { $0 + totals[$1, default: 0] }, "\(stats)")
        for end in ends {
            #expect(totals[end] == records.values.count { $0["state"] == JSON(end) }, "\(end): \(stats)")
        }
    }

    /// A test in which something never happened says nothing of it.
    private func checkVariety(_ states: [String: String]) {
        let events = load.history.events
        func count(_ condition: (HistoryEvent.Call) -> Bool) -> Int { events.count { condition($0.call) } }
        let seen: [(String, Int)] = [
            ("completed", states.values.count { $0 == "completed" }),
            ("cancelled", states.values.count { $0 == "cancelled" }),
            ("expired", states.values.count { $0 == "expired" }),
            ("duplicate", count { if case .duplicate = $0 { true } else { false } }),
            ("checkpoint", count { if case .checkpoint = $0 { true } else { false } }),
            ("wait", count { if case .wait = $0 { true } else { false } }),
            ("published", states.keys.count { $0.hasPrefix("\(load.second)/") }),
        ]
        for (what, count) in seen { #expect(count > 0, "nothing was \(what): \(seen)") }
    }

    /// What Redis forgot may have been told before.
    private func checkEvents(_ states: [String: String]) {
        let second = states.filter { $0.key.hasPrefix("\(load.second)/") && EventChecker.ends.contains($0.value) }
        load.tail.finish(count: second.count)
        guard lost.isEmpty else { return }
        let violations = EventChecker.violations(in: load.tail.events, states: second)
        #expect(
            violations.isEmpty,
            "\(violations.count) of \(load.tail.events.count) in \(load.tail.subscriptions): \(violations.prefix(10))")
    }

    /// The records of all jobs a client ever tried to enqueue; absent when there is none.
    private func records(_ client: LineClient) throws -> [String: JSON] {
        let jobs = Set(load.history.events.map(\.job)).sorted()
        var result: [String: JSON] = [:]
        for start in stride(from: 0, to: jobs.count, by: 200) {
            let page = jobs[start..<min(start + 200, jobs.count)]
            try client.sendRaw(page.indices.map { "{\"op\":\"get\",\"id\":\($0),\"job\":\"\(jobs[$0])\"}\n" }.joined())
            for _ in page {
                let reply = try client.receive()
                if reply["ok"] == true, let index = reply["id"].int { result[jobs[index]] = reply["job"] }
            }
        }
        return result
    }
}
