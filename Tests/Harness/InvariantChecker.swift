// Checks a store's invariants from the keys alone: each job in exactly one place (2), one valid token (3), attempts and
// their outcomes (5), conservation (6), nothing beyond its retention and no name without what it stands for (8), places
// that the counters have given out (9). The numbers are those of the design.
//
// Independent of the Store module: it knows the names of keys and fields only. It takes a picture of the keys, so it
// may be used while daemons work. What it leaves out: what needs a history of calls; see `HistoryChecker`.

/// One thing that must not be.
public struct InvariantViolation: Equatable, Sendable, CustomStringConvertible {
    /// Its number in the list of invariants.
    public var invariant: Int
    public var queue: String
    public var what: String
    public var description: String { "invariant \(invariant), queue \(queue): \(what)" }
}

public enum InvariantChecker {
    /// All violations in the keys of a server; empty when all is well.
    public static func violations(in server: RedisServer, prefix: String = "jobq") throws -> [InvariantViolation] {
        violations(in: try Keyspace(of: server, prefix: prefix), prefix: prefix)
    }

    /// All violations in a picture of the keys.
    public static func violations(in keys: Keyspace, prefix: String = "jobq") -> [InvariantViolation] {
        keys.queues(prefix: prefix).flatMap { queue in
            var check = QueueCheck(keys: keys, prefix: prefix, queue: queue)
            check.places()
            check.tokens()
            check.attempts()
            check.conservation()
            check.retention()
            check.expiry()
            check.uniqueKeys()
            check.order()
            return check.violations
        }
    }
}

/// The check of one queue.
private struct QueueCheck {
    let keys: Keyspace
    let queue: String
    let base: String
    /// By the id after the slash.
    let records: [String: [String: String]]
    let sets: [String: [String: Double]]
    let completed: [String]
    let dead: [Keyspace.StreamEntry]
    let policy: [String: String]
    let counters: [String: String]
    var violations: [InvariantViolation] = []

    /// Where jobs are that have not ended; each is a state too.
    static let openNames = ["queued", "scheduled", "retrying", "processing"]
    static let setNames = openNames + ["cancelled", "expired"]
    /// How far the scores of two priorities are apart.
    static let priorityStep = 35_184_372_088_832.0

    init(keys: Keyspace, prefix: String, queue: String) {
        self.keys = keys
        self.queue = queue
        let base = "\(prefix):{\(queue)}:"
        self.base = base
        var records: [String: [String: String]] = [:]
        for key in keys.values.keys where key.hasPrefix("\(base)job:") {
            records[String(key.dropFirst("\(base)job:".count))] = keys.hash(key)
        }
        self.records = records
        sets = Dictionary(uniqueKeysWithValues: Self.setNames.map { ($0, keys.sortedSet(base + $0)) })
        completed = keys.list("\(base)completed")
        dead = keys.stream("\(base)dead")
        policy = keys.hash("\(base)policy")
        counters = keys.hash("\(base)counters")
    }

    private func total(_ name: String) -> Int { Int(counters[name] ?? "0") ?? 0 }

    mutating func report(_ invariant: Int, _ what: String) {
        violations.append(InvariantViolation(invariant: invariant, queue: queue, what: what))
    }

    // MARK: 2 and 8: places

    mutating func places() {
        let history = Set(completed)
        let letters = Dictionary(grouping: dead) { $0.fields["job"] ?? "" }
        for (id, record) in records {
            let state = record["state"] ?? "(none)"
            let entries = letters["\(queue)/\(id)"] ?? []
            var places = Self.setNames.filter { sets[$0]?[id] != nil }
            places += entries.map { _ in "dead" }
            // The history may also name an id which has begun a new life since.
            if state == "completed", history.contains(id) { places.append("completed") }
            if places != [state] { report(2, "\(id) is \(state) but stands in \(places)") }
            if state == "dead", let entry = entries.first, entry.id != record["dead_entry"] {
                report(2, "\(id) is dead as \(record["dead_entry"] ?? "nothing"), its entry is \(entry.id)")
            }
        }
        for name in Self.setNames {
            for id in (sets[name] ?? [:]).keys where records[id] == nil {
                report(8, "\(name) names \(id), whose record is gone")
            }
        }
        for entry in dead where records[String((entry.fields["job"] ?? "").dropFirst(queue.count + 1))] == nil {
            report(8, "dead names \(entry.fields["job"] ?? "nothing"), whose record is gone")
        }
    }

    // MARK: 3: tokens

    mutating func tokens() {
        let highest = total("token")
        var holders: [String: String] = [:]
        for (id, record) in records {
            guard let token = record["token"], !token.isEmpty else {
                if record["state"] == "processing" { report(3, "\(id) is processing without a token") }
                continue
            }
            if let other = holders.updateValue(id, forKey: token) { report(3, "\(id) and \(other) share a token") }
            guard let number = token.split(separator: "-").first.flatMap({ Int($0) }) else {
                report(3, "\(id) has a token without a number: \(token)")
                continue
            }
            if number > highest { report(3, "\(id) has token \(number), the queue's last is \(highest)") }
        }
    }

    // MARK: 5: attempts

    mutating func attempts() {
        for (id, record) in records {
            let attempts = Int(record["attempts"] ?? "0") ?? -1
            let maximum = Int(record["max_attempts"] ?? "") ?? 0
            if attempts < 0 || attempts > maximum { report(5, "\(id) has \(attempts) attempts of \(maximum)") }
            let lines = (record["history"] ?? "").split(separator: "\n").compactMap { try? JSON(parsing: $0.utf8) }
            if lines.count > 10 { report(5, "\(id) has \(lines.count) lines of history") }
            // The present attempt, and the one that completed the job, are not in the field.
            let ended = attempts - (["processing", "completed"].contains(record["state"]) ? 1 : 0)
            let counted = lines.filter { $0["outcome"].string != "released" }
            if ended > counted.count, lines.count < 10 {
                report(5, "\(id) has \(ended) ended attempts, and outcomes of \(counted.count)")
            }
            if ended > 0, let last = counted.last?["attempt"].int, last != ended {
                report(5, "\(id) has \(ended) ended attempts, the last outcome is of attempt \(last)")
            }
        }
    }

    // MARK: 6: conservation

    mutating func conservation() {
        let came = total("enqueued") + total("requeued")
        let here = Self.openNames.reduce(0) { $0 + (sets[$1]?.count ?? 0) }
        let ended = ["completed", "dead", "cancelled", "expired", "deleted"].reduce(0) { $0 + total($1) }
        if came != here + ended {
            report(6, "\(came) came (enqueued, requeued), but \(here) are here and \(ended) ended: \(counters)")
        }
        let known = records.values.count { Self.openNames.contains($0["state"] ?? "") }
        if known != here { report(6, "\(known) records wait or run, but \(here) stand in the sets") }
        letters()
    }

    /// A dead letter leaves the stream when it is requeued, which is counted, or removed, of which the event log tells.
    private mutating func letters() {
        let log = keys.stream("\(base)events")
        let events = log.flatMap { ($0.fields["events"] ?? "").split(separator: "\n") }
        let removed = events.count { $0.hasPrefix("deleted ") && $0.hasSuffix(" - dead") }
        // Beyond that length the log has forgotten; and of the requeued some may have been cancelled before.
        let least = log.count < 4_000 ? total("dead") - total("requeued") - removed : 0
        let most = total("cancelled") == 0 && log.count < 4_000 ? max(least, 0) : total("dead") - removed
        if dead.count < least || dead.count > most {
            report(6, "\(total("dead")) died, \(removed) of them were removed, but \(dead.count) letters are there")
        }
    }

    // MARK: 8: retention

    mutating func retention() {
        for (id, record) in records {
            let state = record["state"] ?? "(none)"
            let expiry = keys.expiries["\(base)job:\(id)"]
            if state == "completed", expiry == nil { report(8, "\(id) is completed and has no time to live") }
            if state != "completed", expiry != nil { report(8, "\(id) is \(state) and has a time to live") }
            let end = ["cancelled", "expired"].contains(state) ? sets[state]?[id].map { Int64($0) } : expiry
            // Without a keep_ms of its own it depends on what the queue's policy was then; a second is for the clocks.
            guard let end, let keep = record["keep_ms"] else { continue }
            let latest = (Int64(record["finished_at"] ?? "") ?? 0) + (Int64(keep) ?? 0) + 1000
            if end > latest { report(8, "\(id) is kept until \(end), \(end - latest) ms too long") }
        }
    }

    // MARK: 8: what may expire, and unique keys

    private func hasNotStarted(_ record: [String: String]) -> Bool {
        ["queued", "scheduled"].contains(record["state"]) && (Int(record["attempts"] ?? "0") ?? 0) == 0
    }

    mutating func expiry() {
        let due = keys.sortedSet("\(base)expiry")
        for (id, score) in due {
            guard let record = records[id] else {
                report(8, "expiry names \(id), whose record is gone")
                continue
            }
            if !hasNotStarted(record) || record["expires_at"].flatMap(Double.init) != score {
                report(8, "expiry names \(id) for \(Int64(score)), its record does not: \(record)")
            }
        }
        for (id, record) in records where record["expires_at"] != nil && hasNotStarted(record) && due[id] == nil {
            report(8, "\(id) has a time to expire, and is not in expiry")
        }
    }

    mutating func uniqueKeys() {
        let prefix = "\(base)unique:"
        for (key, value) in keys.values where key.hasPrefix(prefix) {
            guard case .string(let holder) = value else { continue }
            let record = records[holder] ?? [:]
            let isOver = record["unique_until"] == "claimed" && (Int(record["attempts"] ?? "0") ?? 0) > 0
            let isHeld = Self.openNames.contains(record["state"] ?? "") && !isOver
            if !isHeld || record["unique"] != String(key.dropFirst(prefix.count)) {
                report(8, "\(key) names \(holder), which does not hold it: \(record)")
            }
        }
        let needed = ["unique", "expires_at", "cancel", "checkpoint"]
        for (id, record) in records where Self.openNames.contains(record["state"] ?? "") {
            if policy["tracked"] != "1", needed.contains(where: { record[$0] != nil }) {
                report(8, "\(id) needs the policy field tracked: \(record)")
            }
            // A loose one may wait without its key: that has an end of its own, or another job had it first.
            guard let unique = record["unique"], record["unique_loose"] == nil else { continue }
            guard record["unique_until"] == "done" || record["claimed_at"] == nil else { continue }
            if keys.values["\(prefix)\(unique)"] != .string(id) {
                report(8, "\(id) does not hold its unique key \(unique)")
            }
        }
    }

    // MARK: 9: places

    mutating func order() {
        var places = (sets["queued"] ?? [:]).map { ($0.key, $0.value) }
        places += records.compactMap { id, record in record["score"].flatMap(Double.init).map { (id, $0) } }
        for (id, score) in places {
            let offset = score - (score / Self.priorityStep).rounded() * Self.priorityStep
            if offset > Double(total("seq")) || -offset > Double(total("front")) {
                report(9, "\(id) has the place \(Int64(offset)): \(counters)")
            }
        }
    }
}
