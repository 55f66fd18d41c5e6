// The operations of the model test, their replies in a form that can be compared, and how each side carries them out.
//
// `send` makes the call on the Redis store; `apply` does the same on the model with the time the script had. Listings
// and requeues by filter are walked to their end by the test itself, since the two sides have cursors of their own.

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
    case sweep(reclaiming: Bool)
    case requeue(String)
    case get(String)
    case pause(until: ServerTime?)
    case resume
    case statistics
    case queues
}

extension ModelOperation {
    var isEnqueue: Bool { if case .enqueue = self { true } else { false } }
    var isClaim: Bool { if case .claim = self { true } else { false } }
}

/// What came back.
enum ModelReply: Equatable {
    case enqueued([Enqueued])
    case claimed([Claimed])
    case tokens([TokenOutcome])
    case extended([ExtendOutcome])
    case swept(Swept)
    case requeued(RequeueOutcome)
    case record(JobRecord?)
    case done
    case existed(Bool)
    case statistics(QueueStatistics?)
    case names([String])
    case failure(StoreFailure)
}

extension ModelReply {
    private var items: [String] {
        switch self {
        case .enqueued(let items): items.map { "\($0)" }
        case .claimed(let items): items.flatMap { ["paused \($0.paused)"] + $0.jobs.map { "\($0)" } }
        case .tokens(let items): items.map { "\($0)" }
        case .extended(let items): items.map { "\($0)" }
        default: ["\(self)"]
        }
    }

    /// Where two replies are not the same.
    func difference(from model: ModelReply) -> String {
        let (redis, model) = (items, model.items)
        return (0..<max(redis.count, model.count)).compactMap { index in
            let (seen, expected) = (index < redis.count ? redis[index] : "-", index < model.count ? model[index] : "-")
            return seen == expected ? nil : "  [\(index)]\n   redis: \(seen)\n   model: \(expected)"
        }.joined(separator: "\n")
    }
}

extension ModelOperation {
    /// Makes the call; `then` comes once, when all of it is answered.
    func send(to store: any JobStore, queue: String, then: @escaping (ModelReply) -> Void) {
        func answer<Value>(_ wrap: @escaping (Value) -> ModelReply) -> Completion<Value> {
            {
                switch $0 {
                case .success(let value): then(wrap(value))
                case .failure(let failure): then(.failure(failure))
                }
            }
        }
        switch self {
        case .enqueue(let jobs): store.enqueue(jobs, queue: queue, then: answer { .enqueued($0) })
        case .claim(let requests): sendClaims(requests, to: store, queue: queue, then: then)
        case .complete(let requests): store.complete(requests, queue: queue, then: answer { .tokens($0) })
        case .fail(let requests): store.fail(requests, queue: queue, then: answer { .tokens($0) })
        case .extend(let requests): store.extend(requests, queue: queue, then: answer { .extended($0) })
        case .release(let requests): store.release(requests, queue: queue, then: answer { .tokens($0) })
        case .workerGone(let claims): store.workerGone(claims, queue: queue, then: answer { .tokens($0) })
        case .sweep(let reclaiming): store.sweep(queue: queue, reclaiming: reclaiming, then: answer { .swept($0) })
        case .requeue(let id): store.requeue(id, queue: queue, then: answer { .requeued($0) })
        case .get(let id): store.get(id, queue: queue, then: answer { .record($0) })
        case .pause(let until): store.pause(queue: queue, until: until, then: answer { .done })
        case .resume: store.resume(queue: queue, then: answer { .existed($0) })
        case .statistics: store.statistics(queue: queue, then: answer { .statistics($0) })
        case .queues: store.queues(then: answer { .names($0) })
        }
    }

    private func sendClaims(
        _ requests: [ClaimRequest], to store: any JobStore, queue: String, then: @escaping (ModelReply) -> Void
    ) {
        var replies: [Claimed] = []
        for request in requests {
            store.claim(request, queue: queue, patient: false) { result in
                switch result {
                case .success(let claimed): replies.append(claimed)
                case .failure(let failure): return then(.failure(failure))
                }
                if replies.count == requests.count { then(.claimed(replies)) }
            }
        }
    }

    /// The same on the model. `seen`: Redis's reply, from which only the microseconds behind its tokens are taken.
    func apply(
        to model: MemoryModel, queue name: String, now: ServerTime, nonce: String, random: Double, seen: ModelReply
    ) -> ModelReply {
        let queue = model.queue(name)
        switch self {
        case .enqueue(let jobs): return .enqueued(model.createdQueue(name).enqueue(jobs, now: now))
        case .claim(let requests):
            return .claimed(queue.claim(requests, nonce: nonce, nowUs: Self.micros(now, seen)))
        case .complete(let requests): return .tokens(queue.complete(requests, now: now))
        case .fail(let requests): return .tokens(queue.fail(requests, random: { random }, now: now))
        case .extend(let requests): return .extended(queue.extend(requests, now: now))
        case .release(let requests): return .tokens(queue.release(requests, now: now))
        case .workerGone(let claims): return .tokens(queue.workerGone(claims, now: now))
        case .sweep(let reclaiming): return .swept(queue.sweep(reclaiming: reclaiming, now: now))
        case .requeue(let id): return .requeued(queue.requeue(id, now: now))
        case .get(let id): return .record(queue.get(id, now: now))
        case .pause(let until):
            model.createdQueue(name).pause(until: until)
            return .done
        case .resume: return .existed(queue.resume())
        case .statistics: return .statistics(queue.statistics(now: now))
        case .queues: return .names(model.names)
        }
    }

    /// The script told milliseconds; the first token tells the microseconds if it came from the clock.
    private static func micros(_ now: ServerTime, _ reply: ModelReply) -> Int64 {
        guard case .claimed(let claims) = reply, let token = claims.lazy.flatMap(\.jobs).first?.token,
            let number = Int64(token.prefix { $0 != "-" }), number / 1000 == now
        else { return now * 1000 }
        return number
    }
}

extension ModelOperation: CustomStringConvertible {
    var description: String {
        func named(_ claim: Claim) -> String { "\(claim.id) \(claim.token)" }
        func list(_ name: String, _ items: [String]) -> String { "\(name) [\(items.joined(separator: ", "))]" }
        switch self {
        case .enqueue(let jobs):
            return list("enqueue", jobs.map { "\($0.id) p\($0.priority)\($0.front ? " front" : "") \($0.start)" })
        case .claim(let requests): return list("claim", requests.map { "\($0.max) lease \($0.leaseMs ?? -1)" })
        case .complete(let requests): return list("complete", requests.map { named($0.claim) })
        case .fail(let requests):
            return list("fail", requests.map { "\(named($0.claim)) retry \($0.retry) in \($0.retryInMs ?? -1)" })
        case .extend(let requests): return list("extend", requests.map { "\(named($0.claim)) \($0.leaseMs ?? -1)" })
        case .release(let requests): return list("release", requests.map { "\(named($0.claim)) \($0.delayMs ?? -1)" })
        case .workerGone(let claims): return list("worker gone", claims.map(named))
        case .sweep(let reclaiming): return "sweep reclaiming \(reclaiming)"
        case .requeue(let id): return "requeue \(id)"
        case .get(let id): return "get \(id)"
        case .pause(let until): return "pause until \(until ?? -1)"
        case .resume: return "resume"
        case .statistics: return "statistics"
        case .queues: return "queues"
        }
    }
}
