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

    /// Looks at everything after the queue was drained.
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
        let stats = try client.stats(load.queue)
        let seen = HistoryChecker.Final(
            states: records.compactMapValues { $0["state"].string },
            counters: [load.queue: stats["totals"].object.compactMapValues(\.int)])
        let violations = HistoryChecker.violations(in: certain, final: final ?? seen, drained: true)
        #expect(violations.isEmpty, "\(violations.count): \(violations.prefix(10))")
        let tokens = HistoryChecker.violations(in: load.history.events, final: seen).filter {
            $0.kind == .tokenReused || $0.kind == .tokenShrank
        }
        #expect(tokens.isEmpty, "\(tokens.prefix(10))")
        #expect(load.surprises.isEmpty, "\(load.surprises.prefix(5))")
        checkResults(records)
        checkSums(stats, records)
    }

    /// The history without what Redis may have lost.
    private var certain: [HistoryEvent] {
        load.history.events.compactMap { event in
            guard lost.contains(where: { $0.overlaps(event.began...event.ended) }) else { return event }
            if case .claim = event.call { return nil }
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
        let ended = totals["completed", default: 0] + totals["dead", default: 0]
        #expect(totals["enqueued"] == ended, "\(stats)")
        #expect(totals["completed"] == records.values.count { $0["state"] == "completed" })
        #expect(totals["dead"] == records.values.count { $0["state"] == "dead" })
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
