// The worker behind `jobqctl run`: one poll loop over a link to the daemon, the children with their pipes, and signals.
//
//     claim ──job──► child runs ──ends──► its verdict is reported ──answered──► the place is free
//                      └─ cancel, lease lost, second signal: SIGTERM, later SIGKILL
//
// The link renews the leases and outlives restarts of the daemon; a report is repeated until it is answered. What ends the
// loop: a signal, --count, --idle-exit, or a refusal that will not change. If this process is killed, the kernel kills the
// children and the daemon, seeing its end, gives the jobs back.

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
        let command: [String]
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

        init(path: String, worker: String, queues: [String], command: [String]) {
            self.path = path
            self.worker = worker
            self.queues = queues
            self.command = command
        }
    }

    /// One job in hand.
    private final class Place {
        let job: ClaimedJob
        let child: ChildCommand
        /// The job belongs to somebody else: nothing is reported.
        var isLost = false
        var cancelReason: String?
        var isReporting = false

        init(_ job: ClaimedJob, _ child: ChildCommand) {
            self.job = job
            self.child = child
        }
    }

    /// How it ends, in steps.
    private enum Life: Int {
        case working
        /// No more claims; what runs is finished.
        case finishing
        /// What runs is ended too.
        case ending
    }

    private let plan: Plan
    private let link: JobqLink
    private let signals: SignalPipe
    private let environment: [(String, String)]
    private var places: [Place] = []
    private var life = Life.working
    private var isQuiet = false
    private var claimNumber: Int?
    private var started = 0
    private var hasBeenConnected = false
    /// Releases on their way.
    private var releases = 0
    private var finishedAt: Int64?
    private var problem: (any Error)?

    /// How long a claim waits before it is asked anew.
    private static let waitMs: Int64 = 60_000

    init(_ plan: Plan) throws {
        self.plan = plan
        link = JobqLink(path: plan.path, identity: .init(worker: plan.worker, push: true))
        signals = try SignalPipe([SIGTERM, SIGINT, SIGCHLD])
        environment = JobEnvironment.inherited(socket: plan.path)
        link.onEvent = { [unowned self] in heard($0) }
        link.onLeaseLost = { [unowned self] in leaseLost(token: $1) }
        link.onChange = { [unowned self] in linkChanged($0) }
    }

    /// Until it is over. Throws what made it end early.
    func run() throws {
        while !isOver {
            claimIfRoom()
            var entries = [pollfd(fd: signals.descriptor, events: Int16(POLLIN), revents: 0), link.pollEntry]
            let present = places
            for place in present { entries += place.child.pollEntries }
            poll(&entries, nfds_t(entries.count), pollTimeout)
            for (index, place) in present.enumerated() {
                place.child.process(entries[(2 + 3 * index)..<(5 + 3 * index)])
            }
            for signal in signals.take() where signal != SIGCHLD { stop() }
            link.process(entries[1].revents)
            tendChildren()
        }
        for place in places { place.child.killNow() }
        link.close()
        if let problem { throw problem }
    }

    /// Nothing runs and nothing is left to be said. At the end a daemon that is away is not waited for without end.
    private var isOver: Bool {
        if problem != nil, !hasBeenConnected { return true }
        guard life != .working, !places.contains(where: { $0.child.end == nil }) else { return false }
        if places.isEmpty, releases == 0, claimNumber == nil { return true }
        let finishedAt = finishedAt ?? Clock.now
        self.finishedAt = finishedAt
        guard Clock.now >= finishedAt + plan.timeoutMs else { return false }
        problem = problem ?? ConnectionError.timedOut
        return true
    }

    private var pollTimeout: Int32 {
        var times: [Int64] = places.compactMap { $0.child.end == nil ? $0.child.killAt : nil }
        if let finishedAt { times.append(finishedAt + plan.timeoutMs) }
        let own = times.min().map { Int32(clamping: max(0, $0 - Clock.now)) } ?? -1
        let links = link.pollTimeout
        return own < 0 ? links : links < 0 ? own : min(own, links)
    }

    // MARK: Claiming

    private func claimIfRoom() {
        let left = plan.count.map { $0 - started } ?? .max
        if left <= 0, life == .working { life = .finishing }
        let room = min(plan.parallel - places.count, left, 100)
        guard life == .working, !isQuiet, claimNumber == nil, room > 0 else { return }
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
                keepsOutput: plan.verdict.wantsResult)
            started += 1
            places.append(Place(job, child))
        } catch {
            release(job)
            give(up: error)
        }
    }

    // MARK: What happens to children

    private func tendChildren() {
        let now = Clock.now
        for place in places where !place.isReporting {
            if place.child.reap() {
                ended(place)
            } else if let killAt = place.child.killAt, killAt <= now {
                place.child.killNow()
            }
        }
    }

    private func ended(_ place: Place) {
        guard let end = place.child.end else { return }
        if place.isLost {
            Terminal.complain("\(place.job.job): the lease was lost; \(end.text)")
            return remove(place)
        }
        place.isReporting = true
        let report = plan.verdict.report(end, output: place.child.outputBytes, errors: place.child.lastErrors)
        if life == .ending, case .fail = report {
            release(place.job)
            return remove(place)
        }
        send(report, place, end)
    }

    private func send(_ report: CommandVerdict.Report, _ place: Place, _ end: CommandVerdict.End) {
        let job = place.job
        switch report {
        case .complete(let result):
            link.request("complete") {
                $0.member("job", job.job)
                $0.member("token", job.token)
                if let result { $0.member("result", raw: result) }
            } then: { [unowned self] in
                reported($0, place)
            }
        case .fail(let error, let retry):
            let why = place.cancelReason.map { "cancelled (\($0)): \(error)" } ?? error
            Terminal.complain("\(job.job): attempt \(job.attempt) of \(job.maxAttempts) failed: \(end.text)")
            link.request("fail") {
                $0.member("job", job.job)
                $0.member("token", job.token)
                $0.member("error", why)
                $0.member("retry", retry)
            } then: { [unowned self] in
                reported($0, place)
            }
        }
    }

    private func reported(_ answer: JobqLink.Answer, _ place: Place) {
        remove(place)
        if plan.asJSON { print(place.job, answer) }
        if case .failure(let error) = answer {
            Terminal.complain("\(place.job.job): its end could not be reported: \(error)")
        }
    }

    /// `{"job":…,"reply":…}`, at once, since it may be a pipe that somebody reads.
    private func print(_ job: ClaimedJob, _ answer: JobqLink.Answer) {
        var writer = JSONWriter()
        writer.beginObject()
        writer.member("job", job.job)
        switch answer {
        case .success(let reply): writer.member("reply", raw: reply.raw)
        case .failure(let error as ProtocolError): writer.member("error", raw: error.raw)
        case .failure(let error): writer.member("error", "\(error)")
        }
        writer.endObject()
        Swift.print(String(decoding: writer.bytes, as: UTF8.self))
        fflush(nil)
    }

    private func remove(_ place: Place) { places.removeAll { $0 === place } }

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

    private func place(_ token: String?) -> Place? { places.first { $0.job.token == token } }

    private func linkChanged(_ error: ConnectionError?) {
        if let error {
            if !hasBeenConnected { return give(up: error) }
            Terminal.complain("\(error); waiting for it")
        } else {
            if hasBeenConnected { Terminal.complain("jobqd is there again") }
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

    private func terminate(_ place: Place) { place.child.terminate(killAt: Clock.now + plan.killAfterMs) }
}
