// How each side of the model test carries out an operation: `send` makes the call on the Redis store, `apply` does the same
// on the model with the time the script had.

import Wire

@testable import Store

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
        case .claim(let requests):
            each(requests, { store.claim($0, queue: queue, patient: false, then: $1) }, { .claimed($0) }, then)
        case .complete(let requests): store.complete(requests, queue: queue, then: answer { .tokens($0) })
        case .fail(let requests): store.fail(requests, queue: queue, then: answer { .tokens($0) })
        case .extend(let requests): store.extend(requests, queue: queue, then: answer { .extended($0) })
        case .release(let requests): store.release(requests, queue: queue, then: answer { .tokens($0) })
        case .workerGone(let claims): store.workerGone(claims, queue: queue, then: answer { .tokens($0) })
        case .sweep(let reclaiming):
            store.sweep(queue: queue, reclaimingUntil: reclaiming ? .max : nil, then: answer { .swept($0) })
        case .requeue(let ids): each(ids, { store.requeue($0, queue: queue, then: $1) }, { .requeued($0) }, then)
        case .get(let id): store.get(id, queue: queue, then: answer { .record($0) })
        case .pause(let until):
            store.pause(queue: queue, until: until, creating: true, then: answer { .paused($0 ?? QueuePause.none) })
        case .resume: store.resume(queue: queue, then: answer { .paused($0) })
        case .statistics: store.statistics(queue: queue, then: answer { .statistics($0) })
        case .queues: store.queues(then: answer { .names($0) })
        case .held(let claims): store.held(claims, queue: queue, then: answer { .held($0) })
        case .cancel(let requests):
            each(requests, { store.cancel($0.id, reason: $0.reason, queue: queue, then: $1) }, { .cancelled($0) }, then)
        case .delete(let ids): each(ids, { store.delete($0, queue: queue, then: $1) }, { .deleted($0) }, then)
        case .configure(let change):
            store.configure(change, queue: queue, creating: true, then: answer { .policy($0) })
        case .policy: store.policy(queue: queue, then: answer { .policy($0) })
        case .logAll(let forMs): store.logAll(queue: queue, forMs: forMs, then: answer { .done })
        case .bind(let topic): store.bind(topic: topic, queue: queue, then: answer { .existed($0) })
        case .unbind(let topic): store.unbind(topic: topic, queue: queue, then: answer { .existed($0) })
        case .bindings(let topic): store.bindings(of: topic, then: answer { .names($0) })
        case .topics: store.topics(then: answer { .topics($0) })
        }
    }

    /// Several calls; `then` gets the answers of all.
    private func each<Request, Value>(
        _ requests: [Request], _ call: (Request, @escaping Completion<Value>) -> Void,
        _ wrap: @escaping ([Value]) -> ModelReply, _ then: @escaping (ModelReply) -> Void
    ) {
        var values: [Value] = []
        for request in requests {
            call(request) { result in
                switch result {
                case .success(let value): values.append(value)
                case .failure(let failure): return then(.failure(failure))
                }
                if values.count == requests.count { then(wrap(values)) }
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
        case .requeue(let ids): return .requeued(ids.map { queue.requeue($0, now: now) })
        case .get(let id): return .record(queue.get(id, now: now))
        case .pause(let until): return .paused(model.createdQueue(name).pause(until: until))
        case .resume: return .paused(queue.resume())
        case .statistics: return .statistics(queue.statistics(now: now))
        case .queues: return .names(model.names)
        case .held(let claims): return .held(queue.held(claims, now: now))
        case .cancel(let requests): return .cancelled(queue.cancel(requests, now: now))
        case .delete(let ids): return .deleted(ids.map { queue.delete($0, now: now) })
        case .configure(let change): return .policy(model.createdQueue(name).configure(change))
        case .policy: return .policy(queue.exists ? queue.policy.effective : nil)
        case .logAll(let forMs):
            queue.logAll(forMs: forMs, now: now)
            return .done
        case .bind(let topic): return .existed(model.bind(name, to: topic))
        case .unbind(let topic): return .existed(model.unbind(name, from: topic))
        case .bindings(let topic): return .names(model.bindings(of: topic))
        case .topics: return .topics(model.topics)
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
