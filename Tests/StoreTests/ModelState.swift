// The whole state as text, a line a key, from Redis's keys and from the model: equal states give equal texts.
//
// Left out because it means nothing: `score` where no set will use it, `outcome` while an attempt lasts or has ended
// well, empty against absent, and the ids of stream entries but for their order (they are of Redis's own clock).

import Harness
import Wire

@testable import Store

/// A canonical picture of all queues.
struct ModelState: Equatable {
    /// By key, without the prefix.
    var lines: [String: String] = [:]
    /// When kept records end, by key.
    var expiries: [String: Int64] = [:]

    /// Differences as text, a line a key.
    func difference(from model: ModelState) -> [String] {
        var found: [String] = []
        for key in Set(lines.keys).union(model.lines.keys).sorted() where lines[key] != model.lines[key] {
            found.append("\(key)\n   redis: \(lines[key] ?? "-")\n   model: \(model.lines[key] ?? "-")")
        }
        for key in Set(expiries.keys).union(model.expiries.keys).sorted() {
            // PEXPIRE counts from the start of the script, a moment before it reads the clock.
            let (end, expected) = (expiries[key] ?? 0, model.expiries[key] ?? 0)
            if abs(end - expected) > 1_000 { found.append("\(key) ends: redis \(end), model \(expected)") }
        }
        return found
    }

    private static func text(_ fields: [(String, String?)]) -> String {
        fields.compactMap { name, value in
            guard let value, !value.isEmpty else { return nil }
            return "\(name)=\(value)"
        }.joined(separator: "|")
    }

    private static let countersShown = [
        "enqueued", "claimed", "completed", "failed", "retried", "dead", "reclaimed", "released", "expired",
        "cancelled", "deleted", "requeued", "seq", "front", "token",
    ]
    private static let policyShown = [
        "max_attempts", "lease_ms", "backoff", "keep_ms", "keep_count", "dead_keep_ms", "dead_keep_count", "max_len",
        "order", "aging_ms", "paused", "tracked", "listened",
    ]
    private static let sets = [
        "queued", "scheduled", "retrying", "processing", "expiry", "cancelled", "expired",
    ]

    // MARK: From Redis

    init(_ keys: Keyspace) {
        for queue in keys.queues() {
            let base = "jobq:{\(queue)}:"
            for set in Self.sets {
                let members = keys.sortedSet(base + set).sorted { ($0.value, $0.key) < ($1.value, $1.key) }
                show(queue, set, members.map { "\($0.key)=\(Int64($0.value))" })
            }
            show(queue, "completed", keys.list("\(base)completed"))
            let dead = keys.stream("\(base)dead")
            show(
                queue, "dead",
                dead.map { entry in
                    ["job", "type", "reason", "attempts", "error", "payload"].map { entry.fields[$0] ?? "?" }
                        .joined(separator: "|")
                })
            let counters = keys.hash("\(base)counters")
            let shown = Self.countersShown.map { ($0, counters[$0] == "0" ? nil : counters[$0]) }
            lines["\(queue) counters"] = Self.text(shown)
            let policy = keys.hash("\(base)policy")
            lines["\(queue) policy"] = Self.text(Self.policyShown.map { ($0, policy[$0]) })
            let ranks = Dictionary(uniqueKeysWithValues: dead.enumerated().map { ($1.id, $0) })
            let prefix = "\(base)job:"
            for key in keys.values.keys where key.hasPrefix(prefix) {
                let id = "\(queue) job \(key.dropFirst(prefix.count))"
                lines[id] = Self.record(keys.hash(key), ranks)
                expiries[id] = keys.expiries[key]
            }
            showUniques(keys, queue)
        }
        for name in ["queues", "topics"] { lines[name] = Self.members(keys, "jobq:\(name)") }
        let prefix = "jobq:topic:"
        for key in keys.values.keys where key.hasPrefix(prefix) {
            lines["topic \(key.dropFirst(prefix.count))"] = Self.members(keys, key)
        }
    }

    private static func members(_ keys: Keyspace, _ key: String) -> String? {
        if case .set(let names) = keys.values[key] { names.sorted().joined(separator: " ") } else { nil }
    }

    private mutating func showUniques(_ keys: Keyspace, _ queue: String) {
        let prefix = "jobq:{\(queue)}:unique:"
        for (key, value) in keys.values where key.hasPrefix(prefix) {
            let name = "\(queue) unique \(key.dropFirst(prefix.count))"
            if case .string(let id) = value { lines[name] = id } else { lines[name] = "no string" }
            expiries[name] = keys.expiries[key]
        }
    }

    private mutating func show(_ queue: String, _ name: String, _ items: [String]) {
        if !items.isEmpty { lines["\(queue) \(name)"] = items.joined(separator: " ") }
    }

    private static func record(_ fields: [String: String], _ ranks: [String: Int]) -> String {
        let state = fields["state"] ?? ""
        var shown = [
            "type", "payload", "meta", "priority", "max_attempts", "lease_ms", "keep_ms", "unique", "unique_until",
            "unique_loose",
            "enqueued_at", "run_at", "expires_at", "worker", "claimed_at", "token", "lease", "finished_at", "result",
            "error", "progress", "checkpoint", "reason",
        ].map { ($0, fields[$0]) }
        shown.append(("cancel", fields["cancel"].map { "asked for: \($0)" }))
        shown.append(("log", log(fields)))
        shown.append(("attempts", fields["attempts"] == "0" ? nil : fields["attempts"]))
        shown.append(("backoff", fields["backoff"]))
        shown.append(("score", ["scheduled", "processing"].contains(state) ? fields["score"] : nil))
        shown.append(("outcome", ["processing", "completed"].contains(state) ? nil : fields["outcome"]))
        shown.append(("letter", fields["dead_entry"].map { ranks[$0].map { "\($0)" } ?? "nowhere" }))
        shown.append(("history", fields["history"]))
        return text([("state", state)] + shown)
    }

    /// The number of lines, and those in the ring, oldest first.
    private static func log(_ fields: [String: String]) -> String? {
        guard let count = fields["logs"].flatMap({ Int($0) }) else { return nil }
        let lines = (max(0, count - 100)..<count).map { fields["log:\($0 % 100)"] ?? "?" }
        return "\(count): \(lines.joined(separator: " "))"
    }

    // MARK: From the model

    init(_ model: MemoryModel) {
        for (name, queue) in model.queues where queue.exists {
            let sets = [
                queue.queued, queue.scheduled, queue.retrying, queue.processing, queue.expiry, queue.cancelled,
                queue.expired,
            ]
            for (set, members) in zip(Self.sets, sets) {
                show(name, set, members.entries(limit: .max).map { "\($0.id)=\($0.score)" })
            }
            show(name, "completed", Array(queue.completed))
            let letters = queue.dead.entries(limit: .max)
            show(name, "dead", letters.map { Self.letter(queue, $0.id) })
            lines["\(name) counters"] = Self.counters(queue)
            lines["\(name) policy"] = Self.policy(queue.policy)
            let ranks = Dictionary(uniqueKeysWithValues: letters.enumerated().map { ($1.id, $0) })
            for record in queue.records.values {
                lines["\(name) job \(record.id)"] = Self.record(record, ranks[record.id])
                expiries["\(name) job \(record.id)"] = record.keptUntil
            }
            for (key, unique) in queue.uniques {
                let key = "\(name) unique \(String(decoding: key, as: UTF8.self))"
                lines[key] = unique.id
                expiries[key] = unique.until
            }
        }
        if !model.names.isEmpty { lines["queues"] = model.names.joined(separator: " ") }
        let topics = model.topics
        if !topics.isEmpty { lines["topics"] = topics.map(\.topic).joined(separator: " ") }
        for topic in topics { lines["topic \(topic.topic)"] = topic.queues.joined(separator: " ") }
    }

    private static func string(_ bytes: [UInt8]?) -> String? { bytes.map { String(decoding: $0, as: UTF8.self) } }

    private static func letter(_ queue: MemoryQueue, _ id: String) -> String {
        guard let record = queue.records[id] else { return "no record of \(id)" }
        return [
            "\(queue.name)/\(id)", record.type, record.reason ?? "", "\(record.attempts)", string(record.error) ?? "",
            string(record.payload) ?? "",
        ].joined(separator: "|")
    }

    private static func counters(_ queue: MemoryQueue) -> String {
        let totals = queue.totals
        let values = [
            totals.enqueued, totals.claimed, totals.completed, totals.failed, totals.retried, totals.dead,
            totals.reclaimed, totals.released, totals.expired, totals.cancelled, totals.deleted, totals.requeued,
            queue.seq, queue.front, queue.token,
        ]
        return text(zip(countersShown, values).map { ($0, $1 == 0 ? nil : "\($1)") })
    }

    private static func policy(_ policy: MemoryPolicy) -> String {
        let paused: String? =
            switch policy.paused {
            case nil: nil
            case .forever: "1"
            case .until(let end): "\(end)"
            }
        let values = [
            policy.maxAttempts.map { "\($0)" }, policy.leaseMs.map { "\($0)" }, policy.backoff?.text,
            policy.keepMs.map { "\($0)" }, policy.keepCount.map { "\($0)" }, policy.deadKeepMs.map { "\($0)" },
            policy.deadKeepCount.map { "\($0)" }, policy.maxLen.map { "\($0)" }, policy.order?.rawValue,
            policy.agingMs.map { "\($0)" }, paused, policy.tracked ? "1" : nil, policy.listened.map { "\($0)" },
        ]
        return text(Array(zip(policyShown, values)))
    }

    /// As the scripts write it.
    private static func line(_ attempt: AttemptRecord) -> String {
        let worker = attempt.worker.map { "\"\\".contains($0) ? "\\\($0)" : "\($0)" }.joined()
        let members: [String?] = [
            "\"attempt\":\(attempt.attempt)", worker.isEmpty ? nil : "\"worker\":\"\(worker)\"",
            "\"started_at\":\(attempt.startedAt)", "\"ended_at\":\(attempt.endedAt)",
            "\"outcome\":\"\(attempt.outcome)\"", string(attempt.error).map { "\"error\":\($0)" },
        ]
        return "{\(members.compactMap(\.self).joined(separator: ","))}"
    }

    private static func log(_ record: MemoryRecord) -> String {
        "\(record.logs): \(record.log.compactMap(string).joined(separator: " "))"
    }

    private static func record(_ record: MemoryRecord, _ letter: Int?) -> String {
        func number(_ value: (some BinaryInteger)?) -> String? { value.map { "\($0)" } }
        let state = record.state
        return text([
            ("state", state.rawValue), ("type", record.type), ("payload", string(record.payload)),
            ("meta", string(record.meta)), ("priority", record.priority == 0 ? nil : "\(record.priority)"),
            ("max_attempts", "\(record.maxAttempts)"), ("lease_ms", number(record.leaseMs)),
            ("keep_ms", number(record.keepMs)), ("unique", record.unique?.key),
            ("unique_until", record.unique?.until.rawValue),
            ("unique_loose", record.isUniqueLoose ? "1" : nil), ("enqueued_at", "\(record.enqueuedAt)"),
            ("run_at", number(record.runAt)), ("expires_at", number(record.expiresAt)), ("worker", record.worker),
            ("claimed_at", number(record.claimedAt)), ("token", record.token), ("lease", number(record.lease)),
            ("finished_at", number(record.finishedAt)), ("result", string(record.result)),
            ("error", string(record.error)), ("progress", string(record.progress)),
            ("checkpoint", string(record.checkpoint)), ("reason", record.reason),
            ("cancel", record.cancel.map { "asked for: \($0)" }), ("log", record.logs == 0 ? nil : log(record)),
            ("attempts", record.attempts == 0 ? nil : "\(record.attempts)"), ("backoff", record.backoff?.text),
            ("score", state == .scheduled || state == .processing ? "\(record.score)" : nil),
            ("outcome", state == .processing || state == .completed ? nil : record.outcome),
            ("letter", number(letter)), ("history", record.history.map(line).joined(separator: "\n")),
        ])
    }
}
