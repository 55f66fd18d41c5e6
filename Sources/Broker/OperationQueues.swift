// Which queues a request touches, for the rules that speak of queues.

import Wire

/// A queue that a request names, or all those that match a pattern.
enum QueueScope: Equatable {
    case name(String)
    case pattern(Glob)

    /// Every queue there is.
    static let all = QueueScope.pattern(.all)

    /// The queues of a claim, of which some are patterns.
    static func all(of queues: [String], patterns: UInt64) -> [QueueScope] {
        if patterns == 0 { return queues.map(QueueScope.name) }
        return queues.map { name in Glob(name).map { QueueScope($0) } ?? .name(name) }
    }

    init(_ glob: Glob) { self = glob.isExact ? .name(glob.pattern) : .pattern(glob) }
}

/// One thing that a request does: an operation on these queues. Without any it is about no queue at all.
struct OperationTarget: Equatable {
    let operation: OperationName
    let queues: [QueueScope]
}

extension Operation {
    /// What the request does. More than one thing when it claims in the same round trip.
    ///
    /// A request for all queues touches `QueueScope.all`. The queues of a `publish` are known to the store only and not here.
    var targets: [OperationTarget] {
        let target = OperationTarget(operation: name, queues: queues)
        guard let next else { return [target] }
        return [
            target,
            OperationTarget(operation: .claim, queues: QueueScope.all(of: next.queues, patterns: next.patterns)),
        ]
    }

    private var next: ClaimBody? {
        switch self {
        case .complete(let body): body.next
        case .fail(let body): body.next
        default: nil
        }
    }

    private var queues: [QueueScope] {
        switch self {
        case .enqueue(let body): Self.distinct(body.jobs.map(\.queue))
        case .get(let job), .delete(let job), .requeue(.job(let job)): [.name(job.queue)]
        case .wait(let body): [.name(body.job.queue)]
        case .cancel(let body): [.name(body.job.queue)]
        case .claim(let body): QueueScope.all(of: body.queues, patterns: body.patterns)
        case .complete(let body): Self.distinct(body.items.map(\.job.queue))
        case .fail(let body): Self.distinct(body.items.map(\.job.queue))
        case .extend(let body): Self.distinct(body.items.map(\.job.queue))
        case .release(let body): Self.distinct(body.items.map(\.job.queue))
        case .subscribe(let body): body.queues.map { QueueScope($0) }
        case .bind(_, let queue), .unbind(_, let queue): [.name(queue)]
        case .list(let body): [.name(body.queue)]
        case .requeue(.filter(let queue, _, _, _, _)): [.name(queue)]
        case .purge(let body): [.name(body.queue)]
        case .pause(let queue, _, _), .resume(.queue(let queue)), .removeQueue(let queue, _): [.name(queue)]
        case .configure(let body): [.name(body.queue)]
        case .stats(let queue), .reclaim(let queue), .check(let queue, _): [queue.map(QueueScope.name) ?? .all]
        // They tell of all queues, if only by their names.
        case .queues, .topics, .workers, .metrics: [.all]
        case .hello, .ping, .info, .publish, .cancelWait, .unsubscribe, .resume(.worker), .quiet, .drain, .reload: []
        }
    }

    /// Each queue once.
    private static func distinct(_ queues: [String]) -> [QueueScope] {
        guard queues.count > 1 else { return queues.map(QueueScope.name) }
        return Set(queues).map(QueueScope.name)
    }
}
