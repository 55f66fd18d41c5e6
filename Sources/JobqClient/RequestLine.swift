// One request as a link keeps it, until it is answered: what is sent the first time, and what the second time, over another
// connection.
//
// Every write of the protocol may be repeated, for the token or the job's id says what was meant. So a job to enqueue that
// has no id gets one here. What waits asks for the rest of its time only. What cannot be repeated: subscriptions, which
// belong to a connection, and `requeue` and `purge` by filter, which would take the next jobs then, as `remove_queue` the next queue.

import Wire

/// A request that can be written more than once.
struct RequestLine {
    let operation: String
    private var members: JSONDocument
    /// The ids given here, to jobs that had none.
    private(set) var madeIDs: [String] = []

    /// - Parameter write: writes the members beside `op` and `id`.
    init(_ operation: String, _ write: (inout JSONWriter) -> Void) {
        self.operation = operation
        var writer = JSONWriter()
        writer.beginObject()
        write(&writer)
        writer.endObject()
        // What the caller wrote goes through a writer, but may have raw JSON in it that is none: then the daemon says so.
        members = (try? JSONDocument(writer.bytes)) ?? Self.nothing
        if operation == "enqueue" || operation == "publish" { giveIDs() }
    }

    private static let nothing = JSONDocument.object([:])

    /// A member as the caller gave it.
    subscript(name: String) -> JSONDocument? { members[name] }

    var mayBeRepeated: Bool {
        switch operation {
        case "hello", "subscribe", "unsubscribe", "cancel_wait", "purge", "remove_queue": false
        case "requeue": members["job"] != nil
        default: true
        }
    }

    /// Whether the daemon may keep it for long without an answer.
    var waitsOnPurpose: Bool { (members["wait_ms"] ?? members["next"]?["wait_ms"])?.integer ?? 0 > 0 }

    /// The whole line. `waitedMs`: how long it has waited before, over connections that were lost.
    func line(id: Int, waitedMs: Int64 = 0) -> [UInt8] {
        var writer = JSONWriter()
        writer.beginObject()
        writer.member("op", operation)
        writer.member("id", id)
        Self.write(members, waitedMs: waitedMs, &writer)
        writer.endObject()
        writer.endLine()
        // Line breaks can only be white space here: inside strings JSON has them escaped.
        let end = writer.bytes.count - 1
        return writer.bytes[..<end].map { $0 == 0x0A || $0 == 0x0D ? 0x20 : $0 } + [0x0A]
    }

    private static func write(_ members: JSONDocument, waitedMs: Int64, _ writer: inout JSONWriter) {
        for (name, value) in members.members ?? [] {
            writer.key(name)
            if name == "wait_ms", let whole = value.integer, waitedMs > 0 {
                writer.integer(max(0, whole - waitedMs))
            } else if name == "next", value.kind == .object {
                writer.beginObject()
                write(value, waitedMs: waitedMs, &writer)
                writer.endObject()
            } else {
                writer.raw(value.raw)
            }
        }
    }

    // MARK: Ids for jobs

    private mutating func giveIDs() {
        var writer = JSONWriter()
        writer.beginObject()
        if let jobs = members["jobs"]?.array {
            for (name, value) in members.members ?? [] where name != "jobs" {
                writer.key(name)
                writer.raw(value.raw)
            }
            writer.key("jobs")
            writer.beginArray()
            for job in jobs {
                guard job.kind == .object else {
                    writer.raw(job.raw)
                    continue
                }
                writer.beginObject()
                Self.writeJob(job, &madeIDs, &writer)
                writer.endObject()
            }
            writer.endArray()
        } else {
            Self.writeJob(members, &madeIDs, &writer)
        }
        writer.endObject()
        // Cannot throw: the writer writes nothing but JSON, and the values were JSON before.
        members = try! JSONDocument(writer.bytes)
    }

    private static func writeJob(_ job: JSONDocument, _ ids: inout [String], _ writer: inout JSONWriter) {
        for (name, value) in job.members ?? [] {
            writer.key(name)
            writer.raw(value.raw)
        }
        guard job["job_id"] == nil else { return }
        let id = JobIdentifier.make()
        ids.append(id)
        writer.member("job_id", id)
    }

    /// The reply to a request that was sent more than once, without the word that its own jobs had been there before.
    func withoutOwnDuplicates(_ reply: JSONDocument) -> JSONDocument {
        guard !madeIDs.isEmpty else { return reply }
        let made = Set(madeIDs)
        var writer = JSONWriter()
        Self.copy(reply, made, &writer)
        return (try? JSONDocument(writer.bytes)) ?? reply
    }

    private static func copy(_ item: JSONDocument, _ made: Set<String>, _ writer: inout JSONWriter) {
        writer.beginObject()
        let id = item["job"]?.string.flatMap { $0.split(separator: "/", maxSplits: 1).last.map(String.init) }
        let isOwn = id.map(made.contains) ?? false
        for (name, value) in item.members ?? [] where !(isOwn && name == "duplicate") {
            writer.key(name)
            if name == "jobs", let items = value.array {
                writer.beginArray()
                for item in items {
                    if item.kind == .object { copy(item, made, &writer) } else { writer.raw(item.raw) }
                }
                writer.endArray()
            } else {
                writer.raw(value.raw)
            }
        }
        writer.endObject()
    }
}
