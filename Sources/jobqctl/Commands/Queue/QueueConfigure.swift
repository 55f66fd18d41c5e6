// `jobqctl queue configure`: a queue's rules as KEY=VALUE, under the names of the protocol or as people write them
// (`lease=30s` for `lease_ms=30000`).
//
// What a value may be the daemon says; here only durations and the backoff are put into its terms.

import ArgumentParser
import JobqClient
import Wire

/// `jobqctl queue configure QUEUE KEY=VALUE…`
struct QueueConfigure: DaemonCommand {
    static let configuration = CommandConfiguration(
        commandName: "configure", abstract: "Show or change the rules of a queue, for every host at once.",
        discussion: """
            Keys: max_attempts, lease, backoff, keep, keep_count, dead_keep, dead_keep_count, max_len, order, aging. \
            KEY=default resets a rule. Durations are a number with ms, s, m (or min), h, d or w, as in 500ms, 30s, 1h30m (a bare \
            number: seconds), and keys ending in _ms take milliseconds. backoff is KIND[:FIRST[:LONGEST[:JITTER]]], as in \
            exponential:1s:1h:0.5, or JSON. Without KEY=VALUE the rules are shown.
            """)

    @OptionGroup var connection: ConnectionOptions

    @Argument(help: "The queue.", completion: .queues)
    var queue: String
    @Argument(
        help: ArgumentHelp("What to change.", valueName: "key=value"),
        completion: .list(PolicyChange.keys.map { "\($0)=" }))
    var changes: [PolicyChange] = []

    @Flag(help: "Create the queue if it does not exist.")
    var create = false

    func validate() throws {
        guard Set(changes.map(\.member)).count == changes.count else {
            throw ValidationError("a key is given twice")
        }
    }

    func run(_ jobqd: JobqConnection, _ terminal: Terminal) throws -> Bool {
        let reply = try jobqd.request("configure") { writer in
            writer.member("queue", queue)
            if create { writer.member("create", true) }
            for change in changes {
                writer.key(change.member)
                writer.raw(change.json)
            }
        }
        if connection.json {
            print(Terminal.json(reply))
        } else {
            Fields.print(PolicyText.lines(reply["policy"]), terminal)
        }
        return true
    }
}

/// The rules of a queue for people.
enum PolicyText {
    static func lines(_ policy: JSONDocument?) -> [(name: String, text: String)] {
        (policy?.members ?? []).map { name, value in
            if value.isNull { return (name, "none") }
            if name == "backoff" { return (name, backoff(value)) }
            if name.hasSuffix("_ms"), let span = value.integer { return (name, TimeText.span(span)) }
            return (name, value.string ?? value.description)
        }
    }

    private static func backoff(_ value: JSONDocument) -> String {
        let span = { (name: String) in value[name]?.integer.map(TimeText.span) ?? "?" }
        return "\(value["kind"]?.string ?? "?"), first \(span("base_ms")), longest \(span("max_ms")), "
            + "jitter \(value["jitter"]?.description ?? "0")"
    }
}
