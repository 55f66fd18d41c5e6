// The calls of `JobStore`, each turned into arguments of its script. What comes back is told in StoreReplies.swift and
// RecordReplies.swift; when it goes out, in QueueBatcher.swift.

import Reactor
import Redis
public import Wire

extension RedisStore {
    public func enqueue(_ jobs: [NewJob], queue: String, then: @escaping Completion<[Enqueued]>) {
        let batcher = batcher(queue)
        let batch = join(batcher, batcher.enqueues, jobs.count, origin: true, counted: true, then: then)
        for job in jobs {
            batch.arguments.append(job, tail: &batch.tail)
            if !job.isPlain { batch.isPlain = false }
        }
    }

    public func claim(_ request: ClaimRequest, queue: String, patient: Bool, then: @escaping Completion<Claimed>) {
        let batcher = batcher(queue)
        batcher.claims.append(
            ClaimLane.Call(request: request, isPatient: patient, deadline: patient ? .max : deadline, then: then))
        mark(batcher)
    }

    // MARK: Token operations

    public func complete(_ requests: [CompleteRequest], queue: String, then: @escaping Completion<[TokenOutcome]>) {
        cut(requests, then: then) { requests, then in
            let batcher = batcher(queue)
            let batch = join(batcher, batcher.completes, requests.count, then: then)
            for request in requests {
                batch.arguments.append(request.claim)
                batch.arguments.append(optional: request.result)
            }
        }
    }

    public func fail(_ requests: [FailRequest], queue: String, then: @escaping Completion<[TokenOutcome]>) {
        cut(requests, then: then) { requests, then in
            let batcher = batcher(queue)
            let batch = join(batcher, batcher.fails, requests.count, then: then)
            for request in requests {
                batch.arguments.append(request.claim)
                batch.arguments.append(optional: request.error)
                batch.arguments.append(request.retry ? "retry" : "bury" as StaticString)
                batch.arguments.append(optional: request.retryInMs)
                batch.arguments.append("\(configuration.random())")
            }
        }
    }

    public func extend(_ requests: [ExtendRequest], queue: String, then: @escaping Completion<[ExtendOutcome]>) {
        cut(requests, then: then) { requests, then in
            let batcher = batcher(queue)
            let batch = join(batcher, batcher.extends, requests.count, then: then)
            for request in requests {
                batch.arguments.append(request.claim)
                batch.arguments.append(optional: request.leaseMs)
                batch.arguments.append(optional: request.progress)
                batch.arguments.append(optional: request.checkpoint)
                batch.arguments.append(optional: request.log)
            }
        }
    }

    public func release(_ requests: [ReleaseRequest], queue: String, then: @escaping Completion<[TokenOutcome]>) {
        cut(requests, then: then) { requests, then in
            let batcher = batcher(queue)
            let batch = join(batcher, batcher.releases, requests.count, origin: true, then: then)
            for request in requests {
                batch.arguments.append(request.claim)
                batch.arguments.append(optional: request.delayMs)
            }
        }
    }

    public func workerGone(_ claims: [Claim], queue: String, then: @escaping Completion<[TokenOutcome]>) {
        cut(claims, then: then) { claims, then in
            let batcher = batcher(queue)
            let batch = join(batcher, batcher.workersGone, claims.count, origin: true, patient: true, then: then)
            for claim in claims { batch.arguments.append(claim) }
        }
    }

    /// The batch for a call, which is the caller's to fill: `queue`, `origin` if the script takes it, then the items.
    func join<Outcome>(
        _ batcher: QueueBatcher, _ lane: BatchLane<Outcome>, _ items: Int, origin: Bool = false, patient: Bool = false,
        counted: Bool = false, then: @escaping Completion<[Outcome]>
    ) -> Batch<Outcome> {
        mark(batcher)
        let now = loop.now
        let batch: Batch<Outcome>
        if let open = lane.open(for: items, now: now) {
            batch = open
        } else {
            batch = Batch(openedAt: now, deadline: patient ? .max : now + timeout, isCounted: counted)
            batch.arguments.append(batcher.queue)
            if origin { batch.arguments.append(self.origin(in: batcher.queue)) }
            lane.append(batch)
        }
        batch.items += items
        batch.calls.append(Batch.Call(count: items, then: then))
        return batch
    }

    /// A call with more items than one script call takes becomes several, whose outcomes are joined again.
    func cut<Request, Outcome>(
        _ requests: [Request], then: @escaping Completion<[Outcome]>,
        _ send: ([Request], @escaping Completion<[Outcome]>) -> Void
    ) {
        guard requests.count > Self.tokenBound else { return send(requests, then) }
        let starts = Array(stride(from: 0, to: requests.count, by: Self.tokenBound))
        var results = [Result<[Outcome], StoreFailure>?](repeating: nil, count: starts.count)
        var missing = starts.count
        for (part, start) in starts.enumerated() {
            send(Array(requests[start..<min(start + Self.tokenBound, requests.count)])) { result in
                results[part] = result
                missing -= 1
                guard missing == 0 else { return }
                var outcomes: [Outcome] = []
                for case let result? in results {
                    switch result {
                    case .success(let some): outcomes += some
                    case .failure(let failure): return then(.failure(failure))
                    }
                }
                then(.success(outcomes))
            }
        }
    }

    // MARK: One script call each

    public func sweep(queue: String, reclaimingUntil: ServerTime?, then: @escaping Completion<Swept>) {
        var arguments = CommandBuffer()
        arguments.append(queue)
        arguments.append(origin(in: queue))
        arguments.append(integer: reclaimingUntil ?? 0)
        single(StoreScripts.sweep, arguments, queue, read: { Swept($0) }, then: then)
    }

    public func requeue(_ id: String, queue: String, then: @escaping Completion<RequeueOutcome>) {
        let batcher = batcher(queue)
        let batch = join(batcher, batcher.requeues, [id].count, origin: true) { then($0.map { $0[0] }) }
        batch.arguments.append(id)
    }

    public func requeue(
        queue: String, state: JobState, type: String?, limit: Int, dryRun: Bool, cursor: String?,
        then: @escaping Completion<BulkStep?>
    ) {
        var arguments = CommandBuffer()
        arguments.append(queue)
        arguments.append(origin(in: queue))
        arguments.append(state.rawValue)
        arguments.append(type ?? "")
        arguments.append(integer: Int64(limit))
        arguments.append(dryRun ? "dry" : "run" as StaticString)
        arguments.append(cursor ?? "")
        single(
            StoreScripts.requeueMatching, arguments, queue,
            read: { $0.count == 1 ? .some(nil) : BulkStep($0).map { .some($0) } }, then: then)
    }

    public func pause(queue: String, until: ServerTime?, creating: Bool, then: @escaping Completion<QueuePause?>) {
        var arguments = CommandBuffer()
        arguments.append(queue)
        arguments.append(integer: until ?? 1)
        arguments.append(creating ? "create" : "" as StaticString)
        single(StoreScripts.pause, arguments, queue, createsQueue: creating, read: Self.pauseBefore, then: then)
    }

    public func resume(queue: String, then: @escaping Completion<QueuePause?>) {
        var arguments = CommandBuffer()
        arguments.append(queue)
        arguments.append(origin(in: queue))
        single(StoreScripts.resume, arguments, queue, read: Self.pauseBefore, then: then)
    }

    /// After `now`: the pause there was, if there is such a queue.
    private static func pauseBefore(_ reply: ReplyView) -> QueuePause?? {
        guard reply.count > 1 else { return .some(nil) }
        guard let value = reply[1].decimal else { return .some(QueuePause.none) }
        return .some(value == 1 ? .forever : .until(value))
    }

    /// `read` gives nil for a reply of another shape than the script's.
    func single<Value>(
        _ script: Script, _ arguments: CommandBuffer, _ queue: String, createsQueue: Bool = false,
        read: @escaping (ReplyView) -> Value?, then: @escaping Completion<Value>
    ) {
        let batcher = batcher(queue)
        batcher.singles.append(
            SingleCall(script: script, arguments: arguments, createsQueue: createsQueue, deadline: deadline) {
                then(Self.read($0, script, read))
            })
        mark(batcher)
    }

    private static func read<Value>(
        _ result: Result<ReplyView, StoreFailure>, _ script: Script, _ read: (ReplyView) -> Value?
    ) -> Result<Value, StoreFailure> {
        result.flatMap { reply in read(reply).map { .success($0) } ?? .failure(.badReply(script)) }
    }

    // MARK: Reads

    public func get(_ id: String, queue: String, then: @escaping Completion<JobRecord?>) {
        var arguments = CommandBuffer()
        arguments.append(queue)
        arguments.append(id)
        read(StoreScripts.get, arguments, queue, then: then) { reply in
            guard reply.count == 3 else { return reply.count == 1 ? .some(nil) : nil }
            return JobRecord(id: id, leaseUntil: reply[1], fields: reply[2]).map { .some($0) }
        }
    }

    public func list(
        queue: String, state: JobState, type: String?, limit: Int, cursor: String?, then: @escaping Completion<JobPage?>
    ) {
        var arguments = CommandBuffer()
        arguments.append(queue)
        arguments.append(state.rawValue)
        arguments.append(type ?? "")
        arguments.append(integer: Int64(limit))
        arguments.append(cursor ?? "")
        read(StoreScripts.list, arguments, queue, then: then) { reply in
            reply.count == 1 ? .some(nil) : JobPage(reply).map { .some($0) }
        }
    }

    public func statistics(queue: String, then: @escaping Completion<QueueStatistics?>) {
        var arguments = CommandBuffer()
        arguments.append(queue)
        read(StoreScripts.statistics, arguments, queue, then: then) { reply in
            reply.count == 1 ? .some(nil) : QueueStatistics(reply).map { .some($0) }
        }
    }

    public func queueCount(then: @escaping Completion<Int>) {
        var command = CommandBuffer("SCARD")
        command.append("\(configuration.keyPrefix):queues")
        send(
            Read(arguments: command, kind: .integer, deadline: deadline) { result in
                then(result.map { Int($0.integer) })
            })
    }

    public func queuePage(cursor: String?, then: @escaping Completion<QueuePage>) {
        var command = CommandBuffer("SSCAN")
        command.append("\(configuration.keyPrefix):queues")
        command.append(cursor ?? "0")
        command.append("COUNT" as StaticString)
        command.append(integer: 500)
        send(
            Read(arguments: command, deadline: deadline) { result in
                then(
                    result.flatMap { reply in
                        guard reply.count == 2, let cursor = reply[0].text else {
                            return .failure(.internal("SSCAN gave a reply of another shape"))
                        }
                        let names = (0..<reply[1].count).map { reply[1][$0].string }
                        return .success(QueuePage(names: names, cursor: cursor == "0" ? nil : cursor))
                    })
            })
    }

    public func ping(then: @escaping Completion<ServerTime>) {
        send(
            Read(arguments: CommandBuffer("TIME"), deadline: deadline) { result in
                then(
                    result.flatMap { reply in
                        guard reply.count == 2, let seconds = reply[0].decimal, let micros = reply[1].decimal else {
                            return .failure(.internal("TIME gave a reply of another shape"))
                        }
                        return .success(seconds * 1_000 + micros / 1_000)
                    })
            })
    }

    func read<Value>(
        _ script: Script, _ arguments: CommandBuffer, _ queue: String, then: @escaping Completion<Value>,
        _ read: @escaping (ReplyView) -> Value?
    ) {
        send(
            Read(script: script, keys: [base(queue)], arguments: arguments, deadline: deadline) {
                then(Self.read($0, script, read))
            })
    }
}
