// The options that say how a job is to be, which `enqueue` and `topic publish` have in common: all that the protocol
// knows. What a value may be the daemon says.

import ArgumentParser
import JobqClient
import Wire

/// The members of a job beside queue and payload.
struct JobOptions: ParsableArguments {
    @Option(help: "The kind of work.")
    var type: String?
    @Option(
        name: [.customLong("job-id"), .customLong("id")],
        help: ArgumentHelp("The part of the job's name after the slash; makes a repetition safe.", valueName: "id"))
    var jobID: String?
    @Option(parsing: .unconditional, help: "-100 to 100, higher runs first.")
    var priority: Int?
    @Flag(help: "Put it before all others of its priority.")
    var front = false
    @Option(help: ArgumentHelp("Start no sooner than this long from now.", valueName: "duration"))
    var delay: TimeSpan?
    @Option(help: ArgumentHelp("Start no earlier than this time.", valueName: "time"))
    var runAt: PointInTime?
    @Option(help: ArgumentHelp("Drop the job if it has not started within this time.", valueName: "duration"))
    var expiresIn: TimeSpan?
    @Option(help: ArgumentHelp("Attempts before it is a dead letter, 1 to 1000.", valueName: "n"))
    var maxAttempts: Int?
    @Option(
        help: ArgumentHelp(
            "Waits between attempts: KIND[:FIRST[:LONGEST[:JITTER]]], KIND being exponential, linear or fixed.",
            valueName: "backoff"), completion: .list(["exponential:", "linear:", "fixed:"]))
    var backoff: BackoffText?
    @Option(help: ArgumentHelp("How long a claim holds without a renewal.", valueName: "duration"))
    var lease: TimeSpan?
    @Option(help: ArgumentHelp("How long to keep the record after completion.", valueName: "duration"))
    var keep: TimeSpan?
    @Option(help: ArgumentHelp("Allow one job with this key at a time.", valueName: "key"))
    var uniqueKey: String?
    @Option(help: "Hold the key until the job is done or claimed.", completion: .list(["done", "claimed"]))
    var uniqueUntil: String?
    @Option(help: ArgumentHelp("Release the key after this long at the latest.", valueName: "duration"))
    var uniqueTTL: TimeSpan?
    @Option(help: ArgumentHelp("A JSON object carried along with the job.", valueName: "json"))
    var meta: String?

    func validate() throws {
        guard delay == nil || runAt == nil else { throw ValidationError("give either --delay or --run-at") }
        guard uniqueKey != nil || (uniqueUntil == nil && uniqueTTL == nil) else {
            throw ValidationError("--unique-until and --unique-ttl go with --unique-key")
        }
    }

    /// Whether none of them is given.
    var isEmpty: Bool {
        var writer = JSONWriter()
        JobMembers(options: self, meta: nil).write(to: &writer)
        return meta == nil && writer.bytes.isEmpty
    }

    /// What was given, checked.
    func members() throws -> JobMembers {
        JobMembers(options: self, meta: try meta.map { try ClientJSON.read($0, "--meta") })
    }
}

/// The members that options stand for.
struct JobMembers {
    fileprivate let options: JobOptions
    fileprivate let meta: JSONDocument?

    func write(to writer: inout JSONWriter) {
        if let type = options.type { writer.member("type", type) }
        if let jobID = options.jobID { writer.member("job_id", jobID) }
        if let priority = options.priority { writer.member("priority", priority) }
        if options.front { writer.member("front", true) }
        if let delay = options.delay { writer.member("delay_ms", delay.milliseconds) }
        if let runAt = options.runAt { writer.member("run_at", runAt.milliseconds) }
        if let expiresIn = options.expiresIn { writer.member("expires_in_ms", expiresIn.milliseconds) }
        if let maxAttempts = options.maxAttempts { writer.member("max_attempts", maxAttempts) }
        if let backoff = options.backoff { writer.member("backoff", raw: Array(backoff.json.utf8)) }
        if let lease = options.lease { writer.member("lease_ms", lease.milliseconds) }
        if let keep = options.keep { writer.member("keep_ms", keep.milliseconds) }
        if let key = options.uniqueKey {
            writer.key("unique")
            writer.beginObject()
            writer.member("key", key)
            if let until = options.uniqueUntil { writer.member("until", until) }
            if let ttl = options.uniqueTTL { writer.member("ttl_ms", ttl.milliseconds) }
            writer.endObject()
        }
        if let meta { writer.member("meta", raw: meta.raw) }
    }
}
