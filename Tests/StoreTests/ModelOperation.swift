// The operations of the model test: calls of the store on one queue, as the generator makes them up.
//
// How each side carries them out is in ModelOperation+Calls.swift. Listings, purges, requeues by filter and checks are walked
// to their end by the test itself, since the two sides have cursors of their own.

import Harness
import Wire

@testable import Store

/// One call of the store on one queue.
enum ModelOperation {
    case enqueue([NewJob])
    /// Several claims of one turn; they reach Redis as one batch.
    case claim([ClaimRequest])
    case complete([CompleteRequest])
    case fail([FailRequest])
    case extend([ExtendRequest])
    case release([ReleaseRequest])
    case workerGone([Claim])
    case held([Claim])
    case sweep(reclaiming: Bool)
    /// Several calls of one turn, which reach Redis as one batch, and so for cancels and deletions.
    case requeue([String])
    case cancel([(id: String, reason: String?)])
    case delete([String])
    case get(String)
    case configure(PolicyChange)
    case policy
    case pause(until: ServerTime?)
    case resume
    case statistics
    case queues
    case logAll(forMs: Int64)
    case bind(topic: String)
    case unbind(topic: String)
    case bindings(topic: String)
    case topics
}

extension ModelOperation {
    var isEnqueue: Bool { if case .enqueue = self { true } else { false } }
    var isClaim: Bool { if case .claim = self { true } else { false } }
}

extension ModelOperation: CustomStringConvertible {
    var description: String {
        func named(_ claim: Claim) -> String { "\(claim.id) \(claim.token)" }
        func list(_ name: String, _ items: [String]) -> String { "\(name) [\(items.joined(separator: ", "))]" }
        switch self {
        case .enqueue(let jobs):
            return list("enqueue", jobs.map(\.summary))
        case .claim(let requests): return list("claim", requests.map { "\($0.max) lease \($0.leaseMs ?? -1)" })
        case .complete(let requests): return list("complete", requests.map { named($0.claim) })
        case .fail(let requests):
            return list("fail", requests.map { "\(named($0.claim)) retry \($0.retry) in \($0.retryInMs ?? -1)" })
        case .extend(let requests): return list("extend", requests.map { "\(named($0.claim)) \($0.leaseMs ?? -1)" })
        case .release(let requests): return list("release", requests.map { "\(named($0.claim)) \($0.delayMs ?? -1)" })
        case .workerGone(let claims): return list("worker gone", claims.map(named))
        case .sweep(let reclaiming): return "sweep reclaiming \(reclaiming)"
        case .held(let claims): return list("held", claims.map(named))
        case .requeue(let ids): return list("requeue", ids)
        case .cancel(let requests): return list("cancel", requests.map { "\($0.id) \($0.reason ?? "-")" })
        case .delete(let ids): return list("delete", ids)
        case .configure(let change): return "configure \(change)"
        case .policy: return "policy"
        case .logAll(let forMs): return "log all for \(forMs)"
        case .bind(let topic): return "bind \(topic)"
        case .unbind(let topic): return "unbind \(topic)"
        case .bindings(let topic): return "bindings of \(topic)"
        case .topics: return "topics"
        case .get(let id): return "get \(id)"
        case .pause(let until): return "pause until \(until ?? -1)"
        case .resume: return "resume"
        case .statistics: return "statistics"
        case .queues: return "queues"
        }
    }
}

extension NewJob {
    fileprivate var summary: String {
        let key = unique.map { " unique \($0.key) until \($0.until) ttl \($0.ttlMs ?? -1)" } ?? ""
        let end = expiresInMs.map { " expires in \($0)" } ?? ""
        return "\(id) p\(priority)\(front ? " front" : "") \(start)\(key)\(end) keep \(keepMs ?? -1)"
    }
}
