// What `jobqctl top` knows, taken in reply by reply and event by event. Pure: time is handed in.
//
// Rates are differences of totals between two looks. After a loss of the connection there is no rate until the second look.

import Wire

/// The state behind the screen.
struct TopState {
    struct Queue: Equatable {
        var name: String
        var depth: [JobState: Int64] = [:]
        var oldestMs: Int64 = 0
        var isPaused = false
        /// Enqueued, and ended in whichever way, in one second; nil: not known yet.
        var rateIn: Double?
        var rateOut: Double?
    }

    struct Worker: Equatable {
        var name: String
        var pid: Int64
        var unit: String?
        var sinceAt: Int64
        var held: Int64
        var isQuiet: Bool
        var isConnected: Bool
    }

    struct Failure: Equatable {
        var at: Int64
        var job: String
        /// The event: `retrying`, `dead` or `reclaimed`.
        var kind: String
        var attempt: Int64?
        var reason: String?
        /// What the worker said; nil: not known, or nothing.
        var error: String?
        /// The daemon was asked for it.
        var wasAsked = false
    }

    /// What the queues are sorted by.
    enum Order: String, CaseIterable {
        case name, queued, rate, oldest, dead

        var next: Order {
            let all = Order.allCases
            return all[((all.firstIndex(of: self) ?? 0) + 1) % all.count]
        }
    }

    private struct Look {
        var at: Int64
        var enqueued: Int64
        var ended: Int64
    }

    private(set) var version = "?"
    private(set) var socket: String
    private(set) var uptimeMs: Int64 = 0
    /// Where Redis is and how it does; and whether that is well.
    private(set) var store = ""
    private(set) var isStoreReady = true
    private(set) var connections: Int64 = 0
    private(set) var workerCount: Int64 = 0
    private(set) var waitingClaims: Int64 = 0
    private(set) var isDraining = false
    private(set) var queues: [Queue] = []
    /// nil: we may not see them.
    private(set) var workers: [Worker]?
    /// Newest first.
    private(set) var failures: [Failure] = []
    /// Why there is nothing new.
    var problem: String?
    var isPaused = false
    var showsHelp = false
    var order = Order.name
    /// The first queue that is shown.
    var firstQueue = 0
    /// Only queues with this in their names are shown.
    var filter = ""
    /// What is being typed for it; nil: keys are commands.
    var draft: String?
    private var looks: [String: Look] = [:]

    private static let mostFailures = 50

    init(socket: String) { self.socket = socket }

    // MARK: Replies

    mutating func take(info: JSONDocument) {
        version = info["version"]?.string ?? "?"
        uptimeMs = info["uptime_ms"]?.integer ?? 0
        connections = info["connections"]?.integer ?? 0
        workerCount = info["workers"]?.integer ?? 0
        waitingClaims = info["waiting_claims"]?.integer ?? 0
        isDraining = info["draining"]?.bool ?? false
        guard let redis = info["redis"] else { return }
        let state = redis["state"]?.string ?? "?"
        isStoreReady = state == "ready"
        guard info["store"]?.string != "memory" else {
            store = "jobs in memory only"
            return
        }
        store = "Redis" + (redis["version"]?.string.map { " \($0)" } ?? "") + " \(state)"
        if let address = redis["address"]?.string, !address.isEmpty { store += " at \(address)" }
        if let problem = redis["problem"]?.string { store += ": \(problem)" }
    }

    /// - Parameter now: monotonic milliseconds.
    mutating func take(queues reply: JSONDocument, at now: Int64) {
        queues = (reply["queues"]?.array ?? []).map { queue(from: $0, at: now) }
        let names = Set(queues.map(\.name))
        looks = looks.filter { names.contains($0.key) }
    }

    private mutating func queue(from item: JSONDocument, at now: Int64) -> Queue {
        var queue = Queue(name: item["queue"]?.string ?? "?")
        for state in JobState.allCases { queue.depth[state] = item["depth"]?[state.rawValue]?.integer ?? 0 }
        queue.oldestMs = item["latency_ms"]?.integer ?? 0
        queue.isPaused = item["paused"]?.bool ?? false
        guard let totals = item["totals"] else { return queue }
        let ended = ["completed", "dead", "cancelled", "expired"].reduce(0) { $0 + (totals[$1]?.integer ?? 0) }
        let look = Look(at: now, enqueued: totals["enqueued"]?.integer ?? 0, ended: ended)
        if let before = looks[queue.name], before.at < now {
            let seconds = Double(now - before.at) / 1000
            queue.rateIn = max(0, Double(look.enqueued - before.enqueued)) / seconds
            queue.rateOut = max(0, Double(look.ended - before.ended)) / seconds
        }
        looks[queue.name] = look
        return queue
    }

    /// nil: it was refused.
    mutating func take(workers reply: JSONDocument?) {
        workers = reply.map { reply in
            (reply["workers"]?.array ?? []).map {
                Worker(
                    name: $0["worker"]?.string ?? "", pid: $0["pid"]?.integer ?? 0, unit: $0["unit"]?.string,
                    sinceAt: $0["since_at"]?.integer ?? 0, held: $0["held"]?.integer ?? 0,
                    isQuiet: $0["quiet"]?.bool ?? false, isConnected: $0["connected"]?.bool ?? true)
            }.sorted { ($0.held, $1.name) > ($1.held, $0.name) }
        }
    }

    mutating func take(event: JSONDocument) {
        guard let kind = event["event"]?.string, let job = event["job"]?.string, event["seq"] != nil else { return }
        add(
            Failure(
                at: event["at"]?.integer ?? 0, job: job, kind: kind, attempt: event["attempt"]?.integer,
                reason: event["reason"]?.string))
    }

    /// A page of dead letters from before we looked.
    mutating func take(dead reply: JSONDocument) {
        for job in reply["jobs"]?.array ?? [] {
            add(
                Failure(
                    at: job["finished_at"]?.integer ?? 0, job: job["job"]?.string ?? "?", kind: "dead",
                    attempt: job["attempts"]?.integer, reason: job["reason"]?.string,
                    error: job["error"].map { ErrorText.line($0) }, wasAsked: true))
        }
    }

    private mutating func add(_ failure: Failure) {
        guard !failures.contains(where: { $0.job == failure.job && $0.kind == failure.kind && $0.at == failure.at })
        else { return }
        let place = failures.firstIndex { $0.at <= failure.at } ?? failures.count
        failures.insert(failure, at: place)
        if failures.count > Self.mostFailures { failures.removeLast() }
    }

    /// The newest of which it is not known what the worker said; they count as asked from here on.
    mutating func failuresToAsk(_ most: Int) -> [String] {
        var jobs: [String] = []
        for index in failures.indices.prefix(most) where !failures[index].wasAsked {
            failures[index].wasAsked = true
            if !jobs.contains(failures[index].job) { jobs.append(failures[index].job) }
        }
        return jobs
    }

    /// A record, for the errors of its attempts.
    mutating func take(record: JSONDocument) {
        let history = record["history"]?.array ?? []
        for index in failures.indices where failures[index].job == record["job"]?.string {
            let attempt = history.last { $0["attempt"]?.integer == failures[index].attempt }
            let error = attempt?["error"] ?? (attempt == nil ? record["error"] : nil)
            if let error { failures[index].error = ErrorText.line(error) }
        }
    }

    /// The connection is gone: what was counted over it is no start for a rate.
    mutating func lost(_ why: String) {
        problem = why
        looks = [:]
        for index in queues.indices { (queues[index].rateIn, queues[index].rateOut) = (nil, nil) }
    }

    // MARK: For the view

    /// Of the queues that are shown.
    var shownFailures: [Failure] {
        filter.isEmpty ? failures : failures.filter { isShown(String($0.job.prefix { $0 != "/" })) }
    }

    private func isShown(_ name: String) -> Bool { filter.isEmpty || name.lowercased().contains(filter.lowercased()) }

    var sortedQueues: [Queue] {
        queues.filter { isShown($0.name) }.sorted { one, other in
            let (a, b) = (key(one), key(other))
            return a != b ? a > b : one.name < other.name
        }
    }

    private func key(_ queue: Queue) -> Double {
        switch order {
        case .name: 0
        case .queued: Double(queue.depth[.queued] ?? 0)
        case .rate: (queue.rateIn ?? 0) + (queue.rateOut ?? 0)
        case .oldest: Double(queue.oldestMs)
        case .dead: Double(queue.depth[.dead] ?? 0)
        }
    }

    /// Of all queues together.
    var rates: (in: Double, out: Double)? {
        let known = queues.filter { $0.rateIn != nil }
        guard !known.isEmpty else { return nil }
        return (known.reduce(0) { $0 + ($1.rateIn ?? 0) }, known.reduce(0) { $0 + ($1.rateOut ?? 0) })
    }

    /// Takes what is typed for the filter, as long as it is.
    mutating func type(_ bytes: inout ArraySlice<UInt8>) {
        guard var text = draft else { return }
        let printable = bytes.prefix { $0 >= 0x20 && $0 != 0x7F }
        text += String(decoding: printable, as: UTF8.self)
        bytes = bytes.dropFirst(printable.count)
        draft = text
        switch bytes.popFirst() {
        case 0x0D, 0x0A: (filter, draft, firstQueue) = (text, nil, 0)
        case 0x1B: (filter, draft, firstQueue, bytes) = ("", nil, 0, [])
        case 0x7F, 0x08: draft = String(text.dropLast())
        default: break
        }
    }

    mutating func scroll(by lines: Int) { firstQueue = max(0, min(queues.count - 1, firstQueue + lines)) }
}
