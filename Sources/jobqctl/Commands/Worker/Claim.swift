// `jobqctl claim`: takes jobs, for workers written in shell.
//
// The connection ends with the command, so nobody watches the worker: the lease alone brings the job back if the worker
// dies. `jobqctl run` does better.

import ArgumentParser
import Glibc
import JobqClient
import Wire

/// `jobqctl claim QUEUE…`: prints a line for each job. "No" when there was none.
struct Claim: DaemonCommand {
    static let configuration = CommandConfiguration(
        abstract: "Take jobs from a queue, to work on them.",
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
    @Option(help: ArgumentHelp("At most so many jobs, 1 to 100.", valueName: "n"))
    var max = 1
    @Option(
        help: ArgumentHelp("How long the claim holds (default: as the job or its queue has it).", valueName: "duration")
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
            print(reply)
        } else {
            for job in jobs { print(Self.line(job)) }
        }
        return !jobs.isEmpty
    }

    private static func line(_ job: JSONDocument) -> String {
        let payload = job["payload"]?.description ?? "null"
        return [
            job["job"]?.string ?? "?", job["token"]?.string ?? "?", String(job["attempt"]?.integer ?? 0),
            isatty(STDOUT_FILENO) == 1 ? Terminal.visible(payload) : payload,
        ].joined(separator: "\t")
    }
}
