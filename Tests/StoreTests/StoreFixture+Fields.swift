// What the scripts under test find in the keys when other scripts were there before: written straight to the server, so
// that a test of one script does not need the others.

import Harness
import Store
import Wire

extension StoreFixture {
    static let base = "jobq:{email}:"

    private func track() throws { try server.command("HSET", Self.base + "policy", "tracked", "1") }

    /// The job's cancellation was asked for.
    func flag(_ id: String, reason: String = "") throws {
        try track()
        try server.command("HSET", "\(Self.base)job:\(id)", "cancel", reason)
    }

    /// The job has this unique key, and, if `holding`, holds it.
    func give(_ id: String, unique key: String, holding: Bool = true) throws {
        try track()
        try server.command("HSET", "\(Self.base)job:\(id)", "unique", key, "unique_until", "done")
        if holding { try server.command("SET", "\(Self.base)unique:\(key)", id) }
    }

    /// The job expires then; `waiting`: it never started.
    func letExpire(_ id: String, at time: ServerTime, waiting: Bool = true) throws {
        try track()
        try server.command("HSET", "\(Self.base)job:\(id)", "expires_at", String(time))
        if waiting { try server.command("ZADD", Self.base + "expiry", String(time), id) }
    }

    func set(_ field: String, of id: String, to value: String) throws {
        try server.command("HSET", "\(Self.base)job:\(id)", field, value)
    }

    func setPolicy(_ field: String, _ value: String) throws {
        try server.command("HSET", Self.base + "policy", field, value)
    }

    /// The id that holds a unique key.
    func holder(of key: String) throws -> String? { try server.command("GET", "\(Self.base)unique:\(key)").string }

    func exists(_ id: String) throws -> Bool { try server.command("EXISTS", "\(Self.base)job:\(id)").int == 1 }

    /// The server's time in milliseconds.
    func now() throws -> ServerTime { try wait { $0.ping(then: $1) } }

    /// All lines of the event log, but for `enqueued` and `claimed`, which are told in the first second of a queue.
    func log() throws -> [String] {
        try entries().joined().filter { !$0.hasPrefix("enqueued ") && !$0.hasPrefix("claimed ") }
    }
}
