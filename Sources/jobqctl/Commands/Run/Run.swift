// `jobqctl run`: makes any command a worker. The options; what they do is in `JobRunner`.

import ArgumentParser
import Glibc
import JobqClient
import Wire

/// `jobqctl run -q QUEUE -- COMMAND…`: runs the command once for each job.
struct Run: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Run a command for each job of a queue.",
        discussion: """
            The command gets the payload on its standard input, and JOBQ_JOB, JOBQ_QUEUE, JOBQ_TYPE, JOBQ_ATTEMPT, \
            JOBQ_MAX_ATTEMPTS, JOBQ_TOKEN and JOBQD_SOCKET in its environment (JOBQ_META and JOBQ_CHECKPOINT if the \
            job has them). Exit status 0 completes the job, 65 makes it a dead letter, everything else is tried \
            again; the last lines of its standard error are the reason. The lease is renewed while it runs. When the job \
            is cancelled or its lease is lost, the command gets SIGTERM.

            On SIGTERM or SIGINT it claims no more and lets running commands finish; a second signal ends them and \
            returns their jobs. It waits through restarts of jobqd, and while Redis is away or full.
            """)

    @OptionGroup var connection: ConnectionOptions

    @Option(
        name: .shortAndLong,
        help: ArgumentHelp("The queues, separated by commas; the first with work wins.", valueName: "queue,…"),
        completion: .queues)
    var queue: [String]
    @Option(name: [.customShort("j"), .long], help: ArgumentHelp("Run up to N jobs at once.", valueName: "n"))
    var jobs = 1
    @Option(help: "The worker's name (default: run-PID).")
    var name: String?
    @Option(help: ArgumentHelp("How long a claim holds between renewals (default: the job's).", valueName: "duration"))
    var lease: TimeSpan?
    @Option(help: ArgumentHelp("Exit after N jobs.", valueName: "n"))
    var count: Int?
    @Flag(help: "The same as --count 1.")
    var once = false
    @Flag(help: "Exit when there is nothing to do.")
    var idleExit = false
    @Flag(help: "Pass a payload that is a string as its text, not as JSON.")
    var rawStrings = false
    @Flag(help: "Use the command's standard output as the job's result.")
    var result = false
    @Option(
        help: ArgumentHelp("Exit statuses that make the job a dead letter.", valueName: "status,…"))
    var deadStatus = "65"
    @Option(help: ArgumentHelp("Time between SIGTERM and SIGKILL.", valueName: "duration"))
    var killAfter = TimeSpan(milliseconds: 10_000)
    @Argument(
        parsing: .postTerminator, help: ArgumentHelp("The command and its arguments, after --.", valueName: "command"))
    var command: [String]

    private var queues: [String] { queue.flatMap { $0.split(separator: ",").map(String.init) } }

    private var deadStatuses: [Int32] { deadStatus.split(separator: ",").compactMap { Int32($0) } }

    func validate() throws {
        guard !command.isEmpty else { throw ValidationError("a command is missing: jobqctl run -q QUEUE -- COMMAND") }
        guard (1...64).contains(queues.count) else { throw ValidationError("--queue takes 1 to 64 queues") }
        guard (1...256).contains(jobs) else { throw ValidationError("--jobs must be 1 to 256") }
        guard count.map({ $0 > 0 }) ?? true else { throw ValidationError("--count must be at least 1") }
        guard count == nil || !once else { throw ValidationError("give either --count or --once") }
        let words = deadStatus.split(separator: ",", omittingEmptySubsequences: false)
        guard
            deadStatus.isEmpty
                || (words.count == deadStatuses.count && deadStatuses.allSatisfy { (1...255).contains($0) })
        else { throw ValidationError("--dead-status takes numbers from 1 to 255") }
    }

    func run() throws {
        var plan = JobRunner.Plan(
            path: connection.path, worker: name ?? "run-\(getpid())", queues: queues,
            command: RawArguments.last(command.count))
        plan.parallel = jobs
        plan.leaseMs = lease?.milliseconds
        plan.count = once ? 1 : count
        plan.endsWhenIdle = idleExit
        plan.rawStrings = rawStrings
        plan.verdict = CommandVerdict(deadStatuses: Set(deadStatuses), wantsResult: result)
        plan.killAfterMs = killAfter.milliseconds
        plan.asJSON = connection.json
        plan.timeoutMs = connection.timeout.milliseconds
        defer { Terminal.errorWriter?.finish(within: 1_000) }
        do {
            try JobRunner(plan).run()
        } catch let problem as SpawnProblem {
            Terminal.complain("\(command[0]): \(problem)")
            throw problem.isTemporary ? ExitStatus.temporary.code : ExitStatus.configuration.code
        } catch {
            throw connection.report(error)
        }
    }
}
