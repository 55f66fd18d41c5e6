// What the small operations were decoded to is inside the protocol's ranges, and their texts read back as the same.

import Wire

enum OperationBody {
    /// Checks the values of one decoded operation that holds none of the client's JSON.
    static func check(_ operation: Operation) throws {
        switch operation {
        case .wait(let body):
            try check(body.job)
            try require((0...600_000).contains(body.waitMs), "wait_ms \(body.waitMs)")
        case .cancel(let body):
            try check(body.job)
            try require(body.reason.map { (1...256).contains($0.utf8.count) } ?? true, "a reason out of its bounds")
        case .get(let job), .delete(let job): try check(job)
        case .subscribe(let body): try check(body)
        case .bind(let topic, let queue), .unbind(let topic, let queue):
            for name in [topic, queue] { try check(JobName(queue: name, id: "x")) }
        case .purge(let body):
            try check(JobName(queue: body.queue, id: "x"))
            try require(body.state != .processing, "purges what is being processed")
            try require((1...500).contains(body.limit), "limit \(body.limit)")
            try require(body.olderThanMs.map { (0...315_360_000_000).contains($0) } ?? true, "an age out of its range")
        case .configure(let body): try check(body)
        case .pause(let queue, _, _), .removeQueue(let queue, _): try check(JobName(queue: queue, id: "x"))
        case .quiet(let worker?), .resume(.worker(let worker)): try check(worker)
        case .resume(.queue(let queue)), .check(let queue?, _): try check(JobName(queue: queue, id: "x"))
        default: break
        }
    }

    private static func check(_ job: JobName) throws {
        try require(JobName(job.description) == job, "job \(job)")
    }

    private static func check(_ glob: Glob) throws {
        try require(Glob(glob.description) == glob, "pattern \(glob)")
        try require(glob.matches(glob.pattern), "\(glob) does not match itself")
    }

    private static func check(_ body: SubscribeBody) throws {
        try require((1...64).contains(body.queues.count), "\(body.queues.count) patterns")
        try require(Set(body.queues).count == body.queues.count, "a pattern stands twice")
        for glob in body.queues { try check(glob) }
        try require((1...10).contains(body.events.count), "\(body.events.count) kinds")
        try require(Set(body.events).count == body.events.count, "a kind stands twice")
        if let since = body.since { try require(EventID(since.description) == since, "since \(since)") }
    }

    private static func check(_ body: ConfigureBody) throws {
        try check(JobName(queue: body.queue, id: "x"))
        try check(body.maxAttempts, 1...1000)
        try check(body.leaseMs, 100...86_400_000)
        try check(body.keepMs, 0...31_536_000_000)
        try check(body.keepCount, 0...10_000_000)
        try check(body.deadKeepMs, 0...315_360_000_000)
        try check(body.deadKeepCount, 0...10_000_000)
        try check(body.maxLen, 1...1_000_000_000)
        try check(body.agingMs, 1...86_400_000)
        if case .set(let backoff) = body.backoff { try require((0...1).contains(backoff.jitter), "a jitter") }
    }

    private static func check<Value: Comparable & Sendable>(
        _ setting: Setting<Value>, _ range: ClosedRange<Value>
    ) throws {
        if case .set(let value) = setting { try require(range.contains(value), "\(value) is not in \(range)") }
    }
}
