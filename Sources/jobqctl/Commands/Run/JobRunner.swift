// The worker behind `jobqctl run`: one poll loop over a link to the daemon, the children with their pipes, and signals.
//
//     claim ──job──► child runs ──ends──► its verdict is reported ──answered──► the place is free
//                      └─ cancel, lease lost, second signal: SIGTERM, later SIGKILL
//
// The link renews the leases and outlives restarts of the daemon; a report is repeated until it is answered (JobRunner+Reports).
// What ends the loop: a signal, --count, --idle-exit, or a refusal that will not change. If this process is killed, the kernel
// kills the children and the daemon, seeing its end, gives the jobs back.
//
// Nothing here waits but poll(2): standard error and standard output have writers of their own, since who reads them may stop.
// Timers: a child that was told to end is killed at its time, and its group is looked at every 50 ms until then; the end of
// the whole after --timeout, or 5 s after a second signal.

import Glibc
import JobqClient
import Wire

/// Runs a command for each job.
final class JobRunner {
    /// What to do.
    struct Plan {
        let path: String
        let worker: String
        let queues: [String]
        /// Of any bytes but 0.
        let command: [[UInt8]]
        var parallel = 1
        var leaseMs: Int64?
        /// Ends after so many jobs.
        var count: Int?
        var endsWhenIdle = false
        var rawStrings = false
        var verdict = CommandVerdict()
        var killAfterMs: Int64 = 10_000
        /// Prints what the daemon answers to each report, with the job's name.
        var asJSON = false
        /// How long reports may take at the end, when nothing else is left.
        var timeoutMs: Int64 = 30_000

        init(path: String, worker: String, queues: [String], command: [[UInt8]]) {
            self.path = path
            self.worker = worker
            self.queues = queues
            self.command = command
        }
    }

    /// How it ends, in steps.
    enum Life {
        case working
        /// No more claims; what runs is finished.
        case finishing
        /// What runs is ended too.
        case ending
    }

    let plan: Plan
    let link: JobqLink
    private var signals: SignalPipe?
    private let environment: [[UInt8]]
    var places: [JobPlace] = []
    /// Ended commands that left something behind which has their pipes; read, so that it does not die of SIGPIPE. Oldest first.
    private var leftBehind: [ChildCommand] = []
    private(set) var life = Life.working
    private var isQuiet = false
    private var claimNumber: Int?
    private var started = 0
    private var hasBeenConnected = false
    /// Releases on their way.
    private var releases = 0
    private var finishedAt: Int64?
    private var problem: (any Error)?
    private let errors: BackgroundWriter
    let output: BackgroundWriter
    /// The groups that had a process when they were looked up last, and when that was.
    private var living: (groups: Set<pid_t>?, at: Int64)?

    /// How long a claim waits before it is asked anew.
    private static let waitMs: Int64 = 60_000
    /// The most that waits for standard error; and on standard output before no more is claimed.
    private static let mostOutput = 256 << 10
    private static let mostLeftBehind = 64
    private static let lookMs: Int64 = 50
    private static let endingMs: Int64 = 5_000

    init(_ plan: Plan) throws {
        self.plan = plan
        link = JobqLink(path: plan.path, identity: .init(worker: plan.worker, push: true))
        errors = BackgroundWriter(STDERR_FILENO, limit: Self.mostOutput)
        output = BackgroundWriter(STDOUT_FILENO, limit: nil)
        Terminal.errorWriter = errors
        signals = try SignalPipe([SIGTERM, SIGINT, SIGCHLD])
        environment = JobEnvironment.inherited(socket: plan.path)
        link.onEvent = { [unowned self] in heard($0) }
        link.onLeaseLost = { [unowned self] in leaseLost(token: $1) }
        link.onChange = { [unowned self] in linkChanged($0) }
        link.onHold = { Terminal.complain($0.map { "\($0); waiting" } ?? "jobqd serves again") }
    }

    /// Until it is over. Throws what made it end early.
    func run() throws {
        while !isOver {
            claimIfRoom()
            turn()
        }
        for place in places { place.child.killNow() }
        link.close()
        // From here on a signal ends the program.
        signals = nil
        if !output.finish(within: plan.timeoutMs) {
            problem = problem ?? OutputProblem(description: "standard output: not all of it could be written")
        }
        if let problem { throw problem }
    }

    private func turn() {
        var entries = [pollfd(fd: signals?.descriptor ?? -1, events: Int16(POLLIN), revents: 0), link.pollEntry]
        let present = places.map(\.child) + leftBehind
        for child in present { entries += child.pollEntries }
        poll(&entries, nfds_t(entries.count), pollTimeout)
        for (index, child) in present.enumerated() {
            child.process(entries[(2 + 3 * index)..<(5 + 3 * index)])
        }
        leftBehind.removeAll { !$0.hasOpenPipes }
        for signal in signals?.take() ?? [] where signal != SIGCHLD { stop() }
        link.process(entries[1].revents)
        tendChildren()
    }

    /// Nothing runs and nothing is left to be said. At the end a daemon that is away is not waited for without end.
    private var isOver: Bool {
        if problem != nil, !hasBeenConnected { return true }
        guard life != .working, !places.contains(where: { $0.child.end == nil }) else { return false }
        if places.isEmpty, releases == 0, claimNumber == nil { return true }
        let finishedAt = finishedAt ?? Clock.now
        self.finishedAt = finishedAt
        guard Clock.now >= finishedAt + patienceMs else { return false }
        problem = problem ?? ConnectionError.timedOut
        return true
    }

    /// How long reports may take when nothing else is left.
    private var patienceMs: Int64 { life == .ending ? min(plan.timeoutMs, Self.endingMs) : plan.timeoutMs }

    private var pollTimeout: Int32 {
        var times: [Int64] = places.compactMap { $0.child.end == nil ? $0.child.killAt : nil }
        if let finishedAt { times.append(finishedAt + patienceMs) }
        if places.contains(where: \.child.awaitsGroup) || isOutputFull { times.append(Clock.now + Self.lookMs) }
        let own = times.min().map { Int32(clamping: max(0, $0 - Clock.now)) } ?? -1
        let links = link.pollTimeout
        return own < 0 ? links : links < 0 ? own : min(own, links)
    }

    // MARK: Claiming

    private var isOutputFull: Bool { plan.asJSON && output.backlog > Self.mostOutput }

    private func claimIfRoom() {
        let left = plan.count.map { $0 - started } ?? .max
        if left <= 0, life == .working { life = .finishing }
        let room = min(plan.parallel - places.count, left, 100)
        guard life == .working, !isQuiet, claimNumber == nil, room > 0, !isOutputFull else { return }
        claimNumber = link.request(
            "claim", waitMs: plan.endsWhenIdle ? 0 : Self.waitMs, timeoutMs: plan.endsWhenIdle ? plan.timeoutMs : nil
        ) {
            $0.key("queues")
            $0.beginArray()
            for queue in plan.queues { $0.string(queue) }
            $0.endArray()
            $0.member("wait_ms", plan.endsWhenIdle ? 0 : Self.waitMs)
            $0.member("max", room)
            if let leaseMs = plan.leaseMs { $0.member("lease_ms", leaseMs) }
        } then: { [unowned self] answer in
            claimNumber = nil
            claimed(answer)
        }
    }

    private func claimed(_ answer: JobqLink.Answer) {
        do {
            let jobs = try (answer.get()["jobs"]?.array ?? []).map { try ClaimedJob($0) }
            for job in jobs { start(job) }
            if jobs.isEmpty, plan.endsWhenIdle, places.isEmpty { finish() }
        } catch let error as ProtocolError where error.errorCode == .cancelled {
            // Its waiting was ended from here.
        } catch ConnectionError.closed {
        } catch {
            give(up: error)
        }
    }

    private func start(_ job: ClaimedJob) {
        guard life == .working, started < plan.count ?? .max else { return release(job) }
        do {
            let child = try ChildCommand(
                plan.command, environment: environment + JobEnvironment.members(of: job),
                payload: JobEnvironment.payload(of: job, rawStrings: plan.rawStrings),
                keepsOutput: plan.verdict.wantsResult, errors: errors.write)
            started += 1
            places.append(JobPlace(job, child))
        } catch {
            release(job)
            give(up: error)
        }
    }

    // MARK: What happens to children

    private func tendChildren() {
        let now = Clock.now
        for place in places where !place.isReporting {
            if place.child.reap(at: now, living: { self.livingGroups(now) }) {
                ended(place)
            } else if let killAt = place.child.killAt, killAt <= now {
                place.child.killNow()
            }
        }
    }

    /// Looked up once for all that wait, and not more often than `lookMs`.
    private func livingGroups(_ now: Int64) -> Set<pid_t>? {
        if let living, now < living.at + Self.lookMs { return living.groups }
        let groups = ProcessGroups.living()
        living = (groups, now)
        return groups
    }

    private func ended(_ place: JobPlace) {
        guard let end = place.child.end else { return }
        if place.isLost {
            Terminal.complain("\(place.job.job): the lease was lost; \(end.text)")
            return remove(place)
        }
        place.isReporting = true
        let report = verdict(place, end)
        if life == .ending, case .fail = report {
            release(place.job)
            return remove(place)
        }
        if case .fail(let error, _) = report {
            let job = place.job
            let why = end == .exited(0) ? error : end.text
            Terminal.complain("\(job.job): attempt \(job.attempt) of \(job.maxAttempts) failed: \(why)")
        }
        send(report, place)
    }

    /// The place is free again; what the command left behind is read on.
    func remove(_ place: JobPlace) {
        places.removeAll { $0 === place }
        if place.child.hasOpenPipes { leftBehind.append(place.child) }
        if leftBehind.count > Self.mostLeftBehind {
            leftBehind.removeFirst()
            Terminal.complain(
                "more than \(Self.mostLeftBehind) commands left something behind; the oldest is not read any more")
        }
    }

    private func release(_ job: ClaimedJob) {
        releases += 1
        link.request("release") {
            $0.member("job", job.job)
            $0.member("token", job.token)
        } then: { [unowned self] _ in
            releases -= 1
        }
    }

    // MARK: What the daemon says

    private func heard(_ event: JSONDocument) {
        switch event["event"]?.string {
        case "cancel":
            guard let place = place(event["token"]?.string) else { return }
            place.cancelReason = event["reason"]?.string ?? "on request"
            terminate(place)
        case "quiet":
            isQuiet = true
            endClaim()
        case "resume": isQuiet = false
        default: break
        }
    }

    private func leaseLost(token: String) {
        guard let place = place(token), !place.isReporting else { return }
        place.isLost = true
        terminate(place)
    }

    private func place(_ token: String?) -> JobPlace? { places.first { $0.job.token == token } }

    private func linkChanged(_ error: ConnectionError?) {
        if let error {
            if !hasBeenConnected { return give(up: error) }
            Terminal.complain("\(error); waiting for it")
        } else {
            if hasBeenConnected { Terminal.complain("jobqd is back") }
            hasBeenConnected = true
            // A daemon that still wants silence says so again.
            isQuiet = false
        }
    }

    // MARK: The end

    /// A signal: the first lets what runs finish, the second does not.
    private func stop() {
        if life == .working { return finish() }
        life = .ending
        for place in places where !place.isReporting { terminate(place) }
    }

    private func finish() {
        if life == .working { life = .finishing }
        endClaim()
    }

    private func endClaim() { if let claimNumber { link.endWait(claimNumber) } }

    private func give(up error: any Error) {
        problem = problem ?? error
        finish()
    }

    private func terminate(_ place: JobPlace) { place.child.terminate(killAt: Clock.now + plan.killAfterMs) }
}
