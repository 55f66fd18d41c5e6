// `jobqctl drain`: the daemon takes no new work and tells its workers to finish; what comes before stopping it, or its
// host. Only a restart ends it.

import ArgumentParser
import JobqClient
import Wire

/// `jobqctl drain [--wait]`: with --wait it returns when no worker holds a job any more.
struct Drain: DaemonCommand {
    static let configuration = CommandConfiguration(
        abstract: "Take no new work, and tell all workers to finish.",
        discussion: """
            Only a restart of jobqd ends it: on a terminal it asks. With --wait it returns when the workers that gave a \
            name hold no job any more; when that takes longer than --wait-for, the exit status is 1.
            """)

    @OptionGroup var connection: ConnectionOptions

    @Flag(help: "Wait until no worker holds a job.")
    var wait = false
    @Option(help: ArgumentHelp("Wait up to this long.", valueName: "duration"))
    var waitFor: TimeSpan?
    @OptionGroup var confirmation: ConfirmationOptions

    /// Milliseconds between two looks.
    private static let pause: Int64 = 200

    func run(_ jobqd: JobqConnection, _ terminal: Terminal) throws -> Bool {
        try confirmation.confirm("Drain jobqd? It takes no new work until it is restarted.")
        let startedAt = Clock.now
        var reply = try jobqd.request("drain")
        let first = held(reply)
        var bar = ProgressBar("draining", total: first, unit: "jobs")
        while wait || waitFor != nil, held(reply) > 0 {
            if let waitFor, Clock.now - startedAt >= waitFor.milliseconds { break }
            bar.show(max(0, first - held(reply)))
            Clock.pause(Self.pause)
            reply = try jobqd.request("drain")
        }
        bar.clear()
        if connection.json {
            print(Terminal.json(reply))
        } else {
            print("jobqd takes no new work; workers hold \(held(reply).of("job"))")
        }
        return waitFor == nil || held(reply) == 0
    }

    private func held(_ reply: JSONDocument) -> Int { Int(reply["held"]?.integer ?? 0) }
}
