// Who did what: each operation of administration is told in the log when it has ended, with what it did and its result.
//
// What changes something is told at notice; a dry run, named as one, at info; what only looks at debug, and each such
// operation once a connection, since a watcher that looks every second would fill the journal. A `check` that found
// something is told at warning. The message: `purge mail (dead) by uid 0 (pid 812): ok, 12 jobs purged, 3 left`. The
// fields: op, result (`ok`, an error's code, `refused` for a reload of a wrong configuration, `unanswered` when the
// connection ended before the answer), queue, job, state, dry_run, workers (whom it is about), what was done (done,
// remaining, before, after, changes, …); uid, gid, pid, unit, worker, socket (who asked, and over which). Never a payload.

import Logging
import Reactor
import Store
import Wire

/// One operation of administration on its way.
final class AuditEntry {
    private let log: Logger
    private var level: Logger.Level
    private let what: String
    private var metadata: Logger.Metadata
    private var details: [String] = []
    private var isTold = false

    /// nil when the log does not want to hear of it, whatever comes of it, or has heard that this connection looks at such
    /// things.
    init?(_ operation: Operation, _ session: Session, _ log: Logger, effect: Operation.Effect) {
        level =
            switch effect {
            case .change: .notice
            case .dryRun: .info
            case .look: .debug
            }
        // What a check finds is told at warning.
        guard log.logLevel <= (operation.name == .check ? .warning : level) else { return nil }
        if effect == .look, operation.name != .check, !session.looks.insert(OperationSet(operation.name)).inserted {
            return nil
        }
        self.log = log
        metadata = Self.facts(of: operation, session)
        if effect == .dryRun { metadata["dry_run"] = "true" }
        let object = metadata["job"] ?? metadata["queue"] ?? metadata["workers"]
        let more = [metadata["state"].map { "\($0)" }, effect == .dryRun ? "dry run" : nil].compactMap { $0 }
        what =
            "\(operation.name.text)\(object.map { " \($0)" } ?? "")"
            + (more.isEmpty ? "" : " (\(more.joined(separator: ", ")))") + " by \(session.who)"
    }

    /// What the operation did, in words and as fields; `level` when that deserves more attention.
    func note(_ text: String, _ fields: Logger.Metadata, level: Logger.Level?) {
        details.append(text)
        metadata.merge(fields) { $1 }
        if let level { self.level = max(self.level, level) }
    }

    /// The request was answered with this.
    func ended(_ result: String) {
        guard !isTold else { return }
        isTold = true
        var all = MessageID.administration.with(metadata)
        all["result"] = .string(result)
        log.log(level: level, "\(what): \(([result] + details).joined(separator: ", "))", metadata: all)
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
        if let unit = peer.unit.name { facts["unit"] = .string(unit) }
        if let worker = session.worker?.name { facts["worker"] = .string(worker) }
        return facts
    }
}

extension Session {
    /// Who is at the other end, in words: `uid 1000 (pid 812, mailer.service)`. What systemd runs for this very unit, as
    /// `systemctl reload` does, is the service manager's.
    var who: String {
        if let unit = peer.unit.name, unit == ServiceManager.ownUnit { return "the service manager (\(unit))" }
        return "uid \(peer.uid) (pid \(peer.credentials.pid)\(peer.unit.name.map { ", \($0)" } ?? ""))"
    }
}

extension Ticket {
    /// Tells the log what an operation of administration did; of others it hears nothing.
    func note(_ text: @autoclosure () -> String, _ fields: Logger.Metadata = [:], level: Logger.Level? = nil) {
        audit?.note(text(), fields, level: level)
    }
}

extension Operation {
    /// What a request is to the log, if it succeeds.
    enum Effect: Equatable {
        case change, dryRun, look
    }

    var effect: Effect {
        switch self {
        case .workers, .metrics: .look
        case .requeue(.filter(_, _, _, _, let dryRun)): dryRun ? .dryRun : .change
        case .purge(let body): body.dryRun ? .dryRun : .change
        case .configure(let body): PolicyChange(body) != PolicyChange() || body.create ? .change : .look
        case .check(_, let repair): repair ? .change : .look
        default: .change
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
