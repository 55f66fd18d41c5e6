// Who did what: each operation of administration is told in the log when it has ended, with its result.
//
// What changes something is told at notice; what only looks at info, and each operation once a connection, since a watcher
// that looks every second would fill the journal. The fields: op, result (`ok`, an error's code, `refused` for a reload
// of a wrong configuration, `unanswered` when the connection ended before the answer), queue, job, state, workers (whom it
// is about); uid, gid, pid, unit, worker, socket (who asked, and over which). Never a payload.

import Logging
import Reactor
import Store
import Wire

/// One operation of administration on its way.
final class AuditEntry {
    private let log: Logger
    private let level: Logger.Level
    private let what: String
    private let metadata: Logger.Metadata
    private var isTold = false

    /// nil when the log does not want to hear of it, or has heard that this connection looks at such things.
    init?(_ operation: Operation, _ session: Session, _ log: Logger, isChange: Bool) {
        level = isChange ? .notice : .info
        guard log.logLevel <= level else { return nil }
        if level == .info, !session.looks.insert(OperationSet(operation.name)).inserted { return nil }
        self.log = log
        metadata = Self.facts(of: operation, session)
        let object = metadata["job"] ?? metadata["queue"] ?? metadata["workers"]
        what = "\(operation.name.text)\(object.map { " \($0)" } ?? "") by uid \(session.peer.uid)"
    }

    /// The request was answered with this.
    func ended(_ result: String) {
        guard !isTold else { return }
        isTold = true
        var all = MessageID.administration.with(metadata)
        all["result"] = .string(result)
        log.log(level: level, "\(what): \(result)", metadata: all)
    }

    deinit { ended("unanswered") }

    /// What is known of a request: what it is about, and who asks.
    static func facts(of operation: Operation, _ session: Session) -> Logger.Metadata {
        facts(of: "\(operation.name.text)", session).merging(operation.objects) { $1 }
    }

    static func facts(of operation: String, _ session: Session) -> Logger.Metadata {
        let peer = session.peer
        var facts: Logger.Metadata = [
            "op": .string(operation), "uid": "\(peer.uid)", "gid": "\(peer.credentials.gid)",
            "pid": "\(peer.credentials.pid)", "socket": session.isAdmin ? "admin" : "client",
        ]
        if let unit = peer.unit { facts["unit"] = .string(unit) }
        if let worker = session.worker?.name { facts["worker"] = .string(worker) }
        return facts
    }
}

extension Operation {
    /// It changes something, if it succeeds: not a dry run, not a mere look.
    var isChanging: Bool {
        switch self {
        case .workers, .metrics: false
        case .requeue(.filter(_, _, _, _, let dryRun)): !dryRun
        case .purge(let body): !body.dryRun
        case .configure(let body): PolicyChange(body) != PolicyChange()
        case .check(_, let repair): repair
        default: true
        }
    }

    /// What the request is about, for the log.
    fileprivate var objects: Logger.Metadata {
        switch self {
        case .get(let job), .delete(let job), .requeue(.job(let job)): return Self.job(job)
        case .wait(let body): return Self.job(body.job)
        case .cancel(let body): return Self.job(body.job)
        case .requeue(.filter(let queue, let state, _, _, _)):
            return ["queue": .string(queue), "state": .string(state.rawValue)]
        case .purge(let body): return ["queue": .string(body.queue), "state": .string(body.state.rawValue)]
        case .quiet(let worker?), .resume(.worker(let worker)): return ["workers": .string(worker.pattern)]
        default:
            // One queue, or a few: enough to see what somebody was after.
            let names = targets.lazy.flatMap(\.queues).filter { $0 != .all }.prefix(4).map(\.pattern)
            return names.isEmpty ? [:] : ["queue": .string(names.joined(separator: ","))]
        }
    }

    private static func job(_ job: JobName) -> Logger.Metadata {
        ["job": .string(job.description), "queue": .string(job.queue)]
    }
}

extension QueueScope {
    /// The name or the pattern.
    fileprivate var pattern: String {
        switch self {
        case .name(let name): name
        case .pattern(let pattern): pattern.pattern
        }
    }
}
