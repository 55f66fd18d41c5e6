// `jobqctl claim`: takes jobs, for workers written in shell.
//
// The connection ends with the command, so nobody watches the worker: the lease alone brings the job back if the worker
// dies. `jobqctl run` does better.

import ArgumentParser
import JobqClient
import Wire

/// `jobqctl claim QUEUE…`: prints a line for each job. "No" when there was none.
struct Claim: DaemonCommand {
    static let configuration = CommandConfiguration(
        abstract: "Claim jobs from a queue.",
        discussion: """
            Prints a line for each job: its name, token, attempt and payload, with a tab between. End it with complete, \
            fail or release before its lease is over, or renew that with extend. Several queues: the first with work \
            wins. Exit status 1 when there was no job.
            """)

    @OptionGroup var connection: ConnectionOptions

    @Argument(help: ArgumentHelp("The queues.", valueName: "queue"), completion: .queues)
    var queues: [String]
    @Option(help: ArgumentHelp("How long to wait for a job, up to 10min.", valueName: "duration"))
    var wait = TimeSpan(milliseconds: 0)
    @Option(help: ArgumentHelp("Claim up to N jobs, 1 to 100.", valueName: "n"))
    var max = 1
    @Option(
        help: ArgumentHelp("How long the claim holds (default: the job's or the queue's).", valueName: "duration")
    )
    var lease: TimeSpan?

    func run(_ jobqd: JobqConnection, _ terminal: Terminal) throws -> Bool {
        let reply = try jobqd.request("claim", waitMs: wait.milliseconds) { writer in
            writer.key("queues")
            writer.beginArray()
            for queue in queues { writer.string(queue) }
            writer.endArray()
            writer.member("wait_ms", wait.milliseconds)
            writer.member("max", max)
            if let lease { writer.member("lease_ms", lease.milliseconds) }
        }
        let jobs = reply["jobs"]?.array ?? []
        if connection.json {
            print(Terminal.json(reply))
        } else {
            for job in jobs { print(Self.line(job)) }
        }
        return !jobs.isEmpty
    }

    private static func line(_ job: JSONDocument) -> String {
        let payload = job["payload"]?.description ?? "null"
        return [
            job["job"]?.string ?? "?", job["token"]?.string ?? "?", String(job["attempt"]?.integer ?? 0),
            Terminal.json(payload),
        ].joined(separator: "\t")
    }
}
