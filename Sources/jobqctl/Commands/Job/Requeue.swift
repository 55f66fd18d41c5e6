// `jobqctl requeue`: one job by name, or those of a queue that are in one state.
//
// One call is one bounded step of the daemon; what remains is said, not looped over, so that nobody replays a million
// dead letters by a slip of the finger.

import ArgumentParser
import JobqClient
import Wire

/// `jobqctl requeue JOB`, or by queue and state: back to queued, counting attempts anew.
struct Requeue: DaemonCommand {
    static let configuration = CommandConfiguration(
        abstract: "Put scheduled, retrying, dead or cancelled jobs back into their queue, now.",
        discussion: "Either one JOB, or --queue and --state. One call requeues up to 500 jobs and says how many remain."
    )

    @OptionGroup var connection: ConnectionOptions

    @Argument(help: "The job, as queue/id.")
    var job: String?
    @Option(help: "All jobs of this queue that are in --state.", completion: .queues)
    var queue: String?
    @Option(help: "scheduled, retrying, dead or cancelled.")
    var state: JobState = .dead
    @Option(help: "Only jobs of this type.")
    var type: String?
    @Option(help: ArgumentHelp("Requeue up to N jobs, 1 to 500.", valueName: "n"))
    var limit: Int?
    @Flag(help: "Only count the jobs.")
    var dryRun = false

    func validate() throws {
        guard (job == nil) != (queue == nil) else { throw ValidationError("give either JOB or --queue") }
        guard job == nil || (type == nil && limit == nil && !dryRun) else {
            throw ValidationError("--type, --limit and --dry-run go with --queue")
        }
    }

    func run(_ jobqd: JobqConnection, _ terminal: Terminal) throws -> Bool {
        let reply = try jobqd.request("requeue") {
            if let job { $0.member("job", job) }
            guard let queue else { return }
            $0.member("queue", queue)
            $0.member("state", state.rawValue)
            if let type { $0.member("type", type) }
            if let limit { $0.member("limit", limit) }
            if dryRun { $0.member("dry_run", true) }
        }
        if connection.json {
            print(Terminal.json(reply))
        } else if let job {
            print("\(Terminal.visible(job)) is queued again")
        } else {
            let count = reply["requeued"]?.integer ?? 0
            print("\(count) \(count == 1 ? "job" : "jobs") \(dryRun ? "would be queued" : "queued") again")
            if let remaining = reply["remaining"]?.integer, remaining > 0 { print("\(remaining) remain") }
        }
        return true
    }
}
