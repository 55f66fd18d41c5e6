// `jobqctl events`: what happens to jobs, as it happens, a line each; through restarts of the daemon too.
//
// After a lost connection it subscribes again from where it began and passes over what it has printed: each queue's events
// come in their order, so the last one of each queue is all there is to remember.

import ArgumentParser
import JobqClient
import Wire

/// `jobqctl events [GLOB…]`
struct Events: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Follow what happens to jobs.",
        discussion: """
            Runs until Ctrl-C, --count or --idle, through restarts of jobqd. --since begins in the past, as far as the \
            event log reaches: this long ago, at a time, or after an event (its seq).
            """)

    @OptionGroup var connection: ConnectionOptions

    @Argument(
        help: ArgumentHelp("Only of queues whose names match, as in 'mail.*'.", valueName: "glob"), completion: .queues)
    var globs: [String] = []
    @Option(name: [.customLong("kind"), .short], help: "Only events of this kind; may be given more than once.")
    var kinds: [EventKind] = []
    @Option(help: ArgumentHelp("Begin with what happened since then.", valueName: "duration|time|seq"))
    var since: EventStart?
    @Option(help: ArgumentHelp("Exit after N events.", valueName: "n"))
    var count: Int?
    @Option(help: ArgumentHelp("Exit when nothing has come for this long.", valueName: "duration"))
    var idle: TimeSpan?

    func validate() throws {
        guard count ?? 1 >= 1 else { throw ValidationError("--count must be at least 1") }
        guard Set(kinds).count == kinds.count else { throw ValidationError("--kind: a kind is given twice") }
    }

    func run() throws {
        do {
            // A daemon that is not there at the start is a mistake; later it is waited for.
            let now = try connection.connect().ping(store: true)
            let follower = EventTail(
                path: connection.path, from: since?.eventID(now: now), startedAt: now, globs: globs, kinds: kinds)
            try follow(follower, Terminal.standardOutput)
        } catch {
            throw connection.report(error)
        }
    }

    private func follow(_ follower: EventTail, _ terminal: Terminal) throws {
        var seen = 0
        var quietSince = Clock.now
        while true {
            let left = idle.map { $0.milliseconds - (Clock.now - quietSince) }
            if let left, left <= 0 { return }
            let events = try follower.next(withinMs: left)
            if !events.isEmpty { quietSince = Clock.now }
            for event in events {
                print(connection.json ? Terminal.json(event) : EventText.line(event, terminal))
                if event["job"] != nil { seen += 1 }
                if seen == count { return }
            }
            Terminal.flush()
        }
    }
}

extension EventKind: ExpressibleByArgument {}

/// Where to begin: a duration before now, a time, or behind an event.
enum EventStart: ExpressibleByArgument, Equatable {
    case ago(TimeSpan)
    case at(PointInTime)
    case behind(EventID)

    init?(argument: String) {
        if argument.contains("-"), let id = EventID(argument) {
            self = .behind(id)
        } else if argument.utf8.count < 12, let span = TimeSpan(argument) {
            self = .ago(span)
        } else if let time = PointInTime(argument) {
            self = .at(time)
        } else {
            return nil
        }
    }

    func eventID(now: Int64) -> EventID {
        switch self {
        case .ago(let span): Self.before(now - span.milliseconds)
        case .at(let time): Self.before(time.milliseconds)
        case .behind(let id): id
        }
    }

    /// Behind all that happened before that millisecond.
    static func before(_ milliseconds: Int64) -> EventID {
        milliseconds <= 0 ? .zero : EventID(milliseconds: UInt64(milliseconds) - 1, number: .max >> 8)
    }
}

/// An event for people: `2026-11-21 14:03:07  dead       email/01KA…  attempt 3  reason failed`.
enum EventText {
    private static let width = 9

    static func line(_ event: JSONDocument, _ terminal: Terminal) -> String {
        let kind = event["event"]?.string ?? "?"
        let hidden: Set<String> = ["event", "queue", "job", "seq", "at"]
        let rest = Fields.lines(event, leavingOut: hidden).map { "\($0.name) \(Terminal.visible($0.text))" }
        let padding = String(repeating: " ", count: max(0, width - kind.count))
        let time = event["at"]?.integer.map(TimeText.local) ?? String(repeating: " ", count: 19)
        let name = terminal.marked(Terminal.visible(kind), EventKind(rawValue: kind).flatMap(mark))
        let job = event["job"]?.string.map { [Terminal.visible($0)] } ?? []
        return ([time, name + padding] + job + rest).joined(separator: "  ")
    }

    private static func mark(_ kind: EventKind) -> Mark? {
        switch kind {
        case .completed: .green
        case .dead: .red
        case .retrying, .reclaimed: .yellow
        case .cancelled, .expired, .deleted: .dim
        case .enqueued, .claimed, .released: nil
        }
    }
}
