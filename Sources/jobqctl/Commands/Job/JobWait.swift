// `jobqctl wait`: returns when a job has ended. The daemon says when, nothing is polled, and a restart of it is waited for.

import ArgumentParser
import JobqClient
import Wire

/// `jobqctl wait JOB`: "no" when it ended otherwise than completed.
struct Wait: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Wait until a job has ended, and say how.",
        discussion: """
            Exit status 0 when it is completed, 1 when it is dead, cancelled or expired or there is no such job, and 75 when \
            it has not ended after --for. With --json the record is printed, with the result.
            """)

    @OptionGroup var connection: ConnectionOptions

    @Argument(help: "The job, as queue/id.")
    var job: String
    @Option(
        name: .customLong("for"),
        help: ArgumentHelp("Wait up to this long (default: without end).", valueName: "duration"))
    var limit: TimeSpan?

    /// The longest that one request may wait.
    private static let mostMs: Int64 = 600_000

    func run() throws {
        do {
            let reply = try wait()
            let state = reply["job"]?["state"]?.string ?? "?"
            let hasEnded = reply["timed_out"]?.bool != true
            if connection.json {
                print(Terminal.json(reply))
            } else {
                print("\(Terminal.visible(job)) is \(Terminal.visible(state))")
            }
            try Terminal.finish()
            if !hasEnded { throw ExitStatus.temporary.code }
            if state != JobState.completed.rawValue { throw ExitStatus.no.code }
        } catch {
            throw connection.report(error)
        }
    }

    private func wait() throws -> JSONDocument {
        let milliseconds = connection.timeout.milliseconds
        // Who is not there at the start is not waited for.
        _ = try connection.connect()
        let jobqd = try ReconnectingConnection(
            path: connection.path, patienceMs: max(milliseconds, 60_000), timeoutMs: milliseconds)
        let end = limit.map { Clock.now + $0.milliseconds }
        while true {
            let left = end.map { max(0, min($0 - Clock.now, Self.mostMs)) } ?? Self.mostMs
            let reply = try jobqd.request("wait", waitMs: left) {
                $0.member("job", job)
                $0.member("wait_ms", left)
            }
            if reply["timed_out"]?.bool != true { return reply }
            if let end, Clock.now >= end { return reply }
        }
    }
}
