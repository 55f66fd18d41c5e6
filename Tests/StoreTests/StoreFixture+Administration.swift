// Short forms of what administrators do, and a queue with a job in every state.

import Harness
import Store
import Testing
import Wire

extension StoreFixture {
    func cancel(_ id: String, reason: String? = nil) throws -> CancelOutcome {
        try wait { $0.cancel(id, reason: reason, queue: queue, then: $1) }
    }

    func delete(_ id: String) throws -> DeleteOutcome {
        try wait { $0.delete(id, queue: queue, then: $1) }
    }

    func purge(
        _ state: JobState, type: String? = nil, olderThanMs: Int64? = nil, limit: Int = 500, dryRun: Bool = false,
        cursor: String? = nil
    ) throws -> BulkStep? {
        let filter = JobFilter(state: state, type: type, olderThanMs: olderThanMs)
        return try wait {
            $0.purge(queue: queue, filter: filter, limit: limit, dryRun: dryRun, cursor: cursor, then: $1)
        }
    }

    @discardableResult
    func configure(_ change: (inout PolicyChange) -> Void) throws -> QueuePolicy {
        var settings = PolicyChange()
        change(&settings)
        return try wait { $0.configure(settings, queue: queue, then: $1) }
    }

    func held(_ claims: [Claim]) throws -> [HeldOutcome] {
        try wait { $0.held(claims, queue: queue, then: $1) }
    }

    /// All steps together.
    func check(repair: Bool, queue: String = "email") throws -> CheckStep {
        var all = CheckStep(checked: 0, violations: [], cursor: nil)
        for _ in 0..<1_000 {
            let cursor = all.cursor
            let step = try #require(
                try wait { $0.check(queue: queue, repair: repair, cursor: cursor, then: $1) })
            all.checked += step.checked
            all.violations += step.violations
            all.cursor = step.cursor
            if step.cursor == nil { return all }
        }
        throw HarnessError("a check without an end")
    }

    /// A job in each state, named after it; returns the claim of the one being processed.
    func fill() throws -> Claim {
        try enqueue(ids: "processing", "retrying", "dead", "completed")
        let jobs = try claim(4).map(\.claim)
        _ = try fail([jobs[1]], retryInMs: 90_000)
        _ = try fail([jobs[2]], retry: false)
        _ = try complete([jobs[3]])
        try enqueue(
            NewJob(id: "queued", payload: bytes("1")), NewJob(id: "cancelled", payload: bytes("1")),
            NewJob(id: "scheduled", payload: bytes("1"), start: .delay(90_000)))
        _ = try cancel("cancelled")
        try expire("expired")
        return jobs[0]
    }

    /// A job that was never started in time. Its end is made by hand: time does not pass here.
    func expire(_ id: String) throws {
        try enqueue(ids: id)
        try letExpire(id, at: 1_000)
        _ = try sweep()
        #expect(try record(id)["state"] == "expired")
    }

    /// The lines of `log`, with `T` for times.
    func events() throws -> [String] { try log().map { $0.replacing(#/\b1\d{12}\b/#, with: "T") } }

    /// Empties the event log.
    func forgetEvents() throws { try server.command("DEL", "jobq:{email}:events") }
}
