// Short forms of what administrators do, and a queue with a job in every state.

import Harness
import Store
import Testing
import Wire

extension RedisStore {
    /// Pauses a queue that may be new.
    func pause(queue: String, until: ServerTime?, then: @escaping Completion<Void>) {
        pause(queue: queue, until: until, creating: true) { then($0.map { _ in () }) }
    }

    /// Configures a queue that may be new.
    func configure(_ change: PolicyChange, queue: String, then: @escaping Completion<QueuePolicy>) {
        configure(change, queue: queue, creating: true) { then($0.map { $0 ?? QueuePolicy() }) }
    }
}

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

    /// All steps together; nil: no such queue. `then` after each.
    func checkIfThere(
        repair: Bool, queue: String = "email", then: (CheckStep) throws -> Void = { _ in }
    ) throws -> CheckStep? {
        var all = CheckStep(checked: 0, violations: [], cursor: nil)
        func look(_ part: CheckPart) throws -> CheckStep? {
            guard let step = try wait({ $0.check(queue: queue, repair: repair, part: part, then: $1) }) else {
                return nil
            }
            all.checked += step.checked
            all.violations += step.violations
            try then(step)
            return step
        }
        var cursor: String?
        repeat {
            guard let step = try look(.indexes(cursor: cursor)) else { return nil }
            cursor = step.cursor
        } while cursor != nil
        repeat {
            let page = try wait { $0.keyPage(queue: queue, cursor: cursor, then: $1) }
            let keys = page.keys.map(\.end)
            for start in stride(from: 0, to: keys.count, by: CheckPart.mostKeys) {
                _ = try look(.keys(Array(keys[start..<min(start + CheckPart.mostKeys, keys.count)])))
            }
            cursor = page.cursor
        } while cursor != nil
        _ = try look(.totals)
        return all
    }

    func check(repair: Bool, queue: String = "email") throws -> CheckStep {
        try #require(try checkIfThere(repair: repair, queue: queue))
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
