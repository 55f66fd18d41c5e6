// `jobqctl dead replay` and `dead purge`: dead letters get a new life, or are removed for good.
//
// Both take either names of jobs, or one queue with filters; the work on many is Bulk/'s.

import ArgumentParser
import JobqClient
import Wire

/// Names of jobs, or a queue with filters.
struct DeadTargets: ParsableArguments {
    @Argument(
        help: ArgumentHelp("A queue, or jobs as queue/id.", valueName: "queue-or-job"), completion: .queues)
    var targets: [String]
    @OptionGroup var filters: DeadFilters
    @OptionGroup var bulk: BulkOptions

    /// nil: they are jobs.
    var queue: String? { targets.count == 1 && !targets[0].contains("/") ? targets[0] : nil }

    func validate() throws {
        if queue != nil { return }
        guard targets.allSatisfy({ $0.contains("/") }) else {
            throw ValidationError("give one queue, or jobs as queue/id")
        }
        guard filters.isEmpty, bulk.limit == nil, bulk.rate == nil else {
            throw ValidationError("filters, --limit and --rate go with a queue")
        }
    }

    /// Does it with each of the jobs named. False when one is no dead letter.
    func eachJob(_ jobqd: JobqConnection, _ action: BulkAction, _ connection: ConnectionOptions) throws -> Bool {
        var isComplete = true
        for job in targets {
            let state = try Self.state(of: job, jobqd)
            guard state == "dead" else {
                Terminal.complain("\(job) is no dead letter" + (state.map { ": it is \($0)" } ?? ""))
                isComplete = false
                continue
            }
            if bulk.dryRun {
                print("\(Terminal.visible(job)) would be \(action.done)")
                continue
            }
            let reply = try jobqd.request(action.operations.one) { $0.member("job", job) }
            print(connection.json ? Terminal.json(reply) : "\(Terminal.visible(job)) \(action.done)")
        }
        return isComplete
    }

    /// nil: there is no such job.
    private static func state(of job: String, _ jobqd: JobqConnection) throws -> String? {
        do {
            return try jobqd.get(job)["state"]?.string
        } catch let missing as ProtocolError where missing.errorCode == .notFound {
            return nil
        }
    }
}

/// `jobqctl dead replay QUEUE | JOB…`: back into the queue, counting attempts anew.
struct DeadReplay: DaemonCommand {
    static let configuration = CommandConfiguration(
        commandName: "replay", abstract: "Put dead letters back into their queue.",
        discussion: """
            Either one QUEUE, with filters, or JOBs. Their attempts are counted anew. Oldest first; what dies while it \
            goes on is not replayed again. Many are asked about on a terminal; --rate keeps workers and their peers \
            from being overrun.
            """)

    @OptionGroup var connection: ConnectionOptions
    @OptionGroup var dead: DeadTargets

    func run(_ jobqd: JobqConnection, _ terminal: Terminal) throws -> Bool {
        guard let queue = dead.queue else { return try dead.eachJob(jobqd, .replay, connection) }
        return try BulkWork(
            jobqd: jobqd, action: .replay, selection: dead.filters.selection(queue), options: dead.bulk,
            isJSON: connection.json
        ).run()
    }
}

/// `jobqctl dead purge QUEUE | JOB…`: removed with their records.
struct DeadPurge: DaemonCommand {
    static let configuration = CommandConfiguration(
        commandName: "purge", abstract: "Remove dead letters, with their records.",
        discussion: "Either one QUEUE, with filters, or JOBs. It cannot be undone: on a terminal it asks.")

    @OptionGroup var connection: ConnectionOptions
    @OptionGroup var dead: DeadTargets

    func run(_ jobqd: JobqConnection, _ terminal: Terminal) throws -> Bool {
        guard let queue = dead.queue else {
            if !dead.bulk.dryRun {
                try dead.bulk.confirmation.confirm("Purge \(dead.targets.count.of("dead letter"))?")
            }
            return try dead.eachJob(jobqd, .purge, connection)
        }
        return try BulkWork(
            jobqd: jobqd, action: .purge, selection: dead.filters.selection(queue), options: dead.bulk,
            isJSON: connection.json
        ).run()
    }
}
