// The beat of this daemon, and what follows from a clock of Redis that was set back.
//
// A script that finds the clock behind the last beat enlists all queues in `<prefix>:moving`, with what each had applied
// before. Every daemon works on that list, a queue at a time and in bounded steps, until it is empty: which of them
// enlisted the queues, and whether that one still lives, does not matter. `move.lua` says why no time moves twice.

import Logging
import Reactor
import Redis

extension RedisStore {
    private var clockKey: String { "\(configuration.keyPrefix):clock" }
    private var movingKey: String { "\(configuration.keyPrefix):moving" }

    public func beat(_ beat: Beat, then: @escaping Completion<BeatReply>) {
        var arguments = CommandBuffer("")
        arguments.append(optional: beat.last?.now)
        arguments.append(optional: beat.last?.elapsedMs)
        arguments.append(integer: beat.last?.moved ?? 0)
        arguments.append(integer: beat.longestLeaseMs)
        let keys = [clockKey, "\(configuration.keyPrefix):queues", movingKey]
        // Not to be repeated: what it says of the time that has passed would be wrong.
        send(
            Read(script: StoreScripts.beat, keys: keys, arguments: arguments, deadline: loop.now) { [self] result in
                let told = result.flatMap { reply in
                    BeatReply(reply).map { .success($0) } ?? .failure(.badReply(StoreScripts.beat))
                }
                if case .success(let reply) = told, reply.queuesToMove > 0 { moveQueues() }
                then(told)
            })
    }

    public func look(at queues: [String], reclaimingUntil: ServerTime?, then: @escaping Completion<[QueueLook]>) {
        var arguments = CommandBuffer("")
        arguments.append(integer: reclaimingUntil ?? 0)
        send(
            Read(script: StoreScripts.look, keys: queues.map(base), arguments: arguments, deadline: loop.now) {
                result in
                then(
                    result.flatMap { reply in
                        guard reply.count % 3 == 1 else { return .failure(.badReply(StoreScripts.look)) }
                        let looks = stride(from: 1, to: reply.count, by: 3).map { place in
                            let due = reply[place + 1].integer
                            return QueueLook(
                                index: Int(reply[place].integer) - 1, due: due == 0 ? nil : due,
                                claimable: reply[place + 2].integer == 1)
                        }
                        return .success(looks.filter { queues.indices.contains($0.index) })
                    })
            })
    }

    // MARK: Moving

    /// Works on the list of queues until it is empty or something fails; the next beat goes on then.
    private func moveQueues() {
        guard !isMoving else { return }
        isMoving = true
        nextQueues()
    }

    private func nextQueues() {
        var total = CommandBuffer("HMGET")
        for word in [clockKey, "moved", "moved_since"] { total.append(word) }
        var some = CommandBuffer("ZRANGE")
        for word in [movingKey, "0", "99", "WITHSCORES"] { some.append(word) }
        ask(total) { [self] clock in
            guard clock.count == 2, let moved = clock[0].number, let since = clock[1].number else {
                return stopMoving()
            }
            ask(some) { [self] reply in
                var queues: [(name: String, applied: String)] = []
                for place in stride(from: 0, to: reply.count - 1, by: 2) {
                    queues.append((reply[place].string, reply[place + 1].string))
                }
                guard !queues.isEmpty else { return stopMoving() }
                move(queues[...], moved, since)
            }
        }
    }

    private func move(_ queues: ArraySlice<(name: String, applied: String)>, _ moved: Int64, _ since: Int64) {
        guard let (queue, applied) = queues.first else { return nextQueues() }
        var arguments = CommandBuffer()
        arguments.append(queue)
        arguments.append(integer: moved)
        arguments.append(applied)
        arguments.append(integer: since)
        let stepped: Completion<Bool> = { [self] result in
            switch result {
            case .success(true): move(queues, moved, since)
            case .success(false): strike(queue, moved) { [self] in move(queues.dropFirst(), moved, since) }
            case .failure(let failure):
                configuration.logger.warning(
                    "due times do not follow the clock of Redis yet: \(failure)", metadata: ["queue": "\(queue)"])
                stopMoving()
            }
        }
        read(StoreScripts.move, arguments, queue, then: stepped) { $0.count == 2 ? $0[1].integer == 1 : nil }
    }

    private func strike(_ queue: String, _ moved: Int64, then: @escaping () -> Void) {
        var arguments = CommandBuffer("")
        arguments.append(queue)
        arguments.append(integer: moved)
        send(
            Read(
                script: StoreScripts.strike, keys: [movingKey, clockKey], arguments: arguments, deadline: deadline
            ) { [self] result in
                guard case .success = result else { return stopMoving() }
                then()
            })
    }

    private func ask(_ command: CommandBuffer, then: @escaping (ReplyView) -> Void) {
        send(
            Read(arguments: command, deadline: deadline) { [self] result in
                guard case .success(let reply) = result else { return stopMoving() }
                then(reply)
            })
    }

    private func stopMoving() { isMoving = false }
}

extension BeatReply {
    init?(_ reply: ReplyView) {
        guard reply.count == 7 else { return nil }
        let pausedUntil = reply[1].integer
        self.init(
            now: reply[0].integer, pausedUntil: pausedUntil == 0 ? nil : pausedUntil, gapMs: reply[2].integer,
            steppedBackMs: reply[3].integer, moved: reply[4].integer, queuesToMove: Int(reply[5].integer),
            queues: Int(reply[6].integer))
    }
}
