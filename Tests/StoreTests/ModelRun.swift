// Runs the same steps on the store in Redis and on the model, and compares each reply and, at checkpoints, all keys.
//
// The model's clock is the `now` that each script returned, and it takes its calls in the order in which Redis
// answered. Time is moved by lowering the scores on both sides. What the scripts publish is compared too.

import Harness
import Logging
import Reactor
import Redis
import Wire

@testable import Store

/// The two sides do not agree.
struct ModelMismatch: Error, CustomStringConvertible {
    var description: String
}

final class ModelRun {
    private let fixture: StoreFixture
    private let model = MemoryModel()
    private let notices: ModelNotices
    private let seed: UInt64
    private var generator: ModelGenerator
    /// What `random` gives in the present step; the nonce is always the fixture's.
    private final class Chance { var value = 0.0 }
    private let chance = Chance()
    private var now: ServerTime = 0
    private var step = 0
    private var log: [String] = []

    init(seed: UInt64, shape: ModelGenerator.Shape) throws {
        self.seed = seed
        let chance = chance
        fixture = try StoreFixture(random: { chance.value })
        notices = try ModelNotices(fixture, queues: shape.queues)
        model.onNotice = { [notices] in notices.expect($1, queue: $0) }
        generator = ModelGenerator(seed: seed, shape: shape, model: model)
        fixture.store.onScriptTime = { [unowned self] now in self.now = now }
        now = Int64(try fixture.server.command("TIME").array[0].int ?? 0) * 1000
    }

    /// All keys are compared every `checkpoint` steps, the invariants checked at each tenth of these.
    func run(steps: Int, checkpoint: Int) throws {
        for number in 1...steps {
            step = number
            chance.value = generator.random.unit()
            let next = generator.next(now: now)
            log.append("\(number) at \(now): \(next)")
            if log.count > 30 { log.removeFirst() }
            try carryOut(next)
            if number.isMultiple(of: checkpoint) || number == steps { try compareAll() }
            if number.isMultiple(of: checkpoint * 10) || number == steps { try checkInvariants() }
        }
    }

    private func fail(_ what: String) -> ModelMismatch {
        ModelMismatch(
            description: """
                \(what)
                seed \(seed) (set JOBQD_MODEL_SEED to repeat), step \(step); the last steps:
                \(log.joined(separator: "\n"))
                """)
    }

    private func expect<Value: Equatable>(_ redis: Value, equals expected: Value, _ what: String) throws {
        guard redis != expected else { return }
        throw fail("\(what)\n   redis: \(redis)\n   model: \(expected)")
    }

    // MARK: Steps

    private func carryOut(_ next: ModelStep) throws {
        switch next {
        case .turn(let queue, let operations):
            try turn(queue, operations)
            try awaitTinyRetention(queue)
        case .list(let queue, let state, let type, let limit): try list(queue, state, type, limit)
        case .requeueMatching(let queue, let state, let type, let limit, let dryRun):
            try requeueMatching(queue, state, type, limit, dryRun)
        case .policy(let queue, let field, let value): try setPolicy(queue, field, value)
        case .pass(let milliseconds): try pass(milliseconds)
        case .age(let milliseconds): try age(milliseconds)
        case .flushScripts: try fixture.server.command("SCRIPT", "FLUSH")
        }
    }

    /// All calls in one turn of the loop; the model follows in the order of the answers.
    private func turn(_ queue: String, _ operations: [ModelOperation]) throws {
        var answers: [(index: Int, reply: ModelReply, now: ServerTime)] = []
        for (index, operation) in operations.enumerated() {
            operation.send(to: fixture.store, queue: queue) { [self] in answers.append((index, $0, now)) }
        }
        try fixture.drive { answers.count == operations.count }
        let before = notices.expectedWakeUps(queue)
        defer {
            if operations.contains(where: \.isEnqueue), operations.contains(where: \.isClaim) {
                notices.noteOptional(notices.expectedWakeUps(queue) - before, queue: queue)
            }
        }
        for answer in answers {
            let operation = operations[answer.index]
            var expected = operation.apply(
                to: model, queue: queue, now: answer.now, nonce: "000000000000feed", random: chance.value,
                seen: answer.reply)
            // An empty stream of dead letters is no reason for a sweep.
            if case .swept(var swept) = expected, case .swept(let seen) = answer.reply, seen.now == nil {
                swept.now = nil
                expected = .swept(swept)
            }
            if answer.reply != expected {
                let state = try stateDifference().joined(separator: "\n")
                throw fail("\(operation) in \(queue)\n\(answer.reply.difference(from: expected))\n\(state)")
            }
            if case .claimed(let claimed) = answer.reply { generator.remember(claimed, queue: queue) }
        }
    }

    /// Pages of both sides may be cut differently: only the whole is compared.
    private func list(_ queue: String, _ state: JobState, _ type: String?, _ limit: Int) throws {
        var redis: [JobRecord]?
        var cursor: String?
        repeat {
            let page = try fixture.wait { store, then in
                store.list(queue: queue, state: state, type: type, limit: limit, cursor: cursor, then: then)
            }
            if let page { redis = (redis ?? []) + page.jobs }
            guard page?.jobs.count ?? 0 <= limit else { throw fail("a page of more than \(limit)") }
            cursor = page?.cursor
        } while cursor != nil
        var expected: [JobRecord]?
        repeat {
            let page = model.queue(queue).list(state: state, type: type, limit: limit, cursor: cursor, now: now)
            if let page { expected = (expected ?? []) + page.jobs }
            cursor = page?.cursor
        } while cursor != nil
        try expect(redis, equals: expected, "list of \(state) in \(queue)")
    }

    private func requeueMatching(
        _ queue: String, _ state: JobState, _ type: String?, _ limit: Int, _ dryRun: Bool
    ) throws {
        var (cursor, modelCursor): (String?, String?)
        repeat {
            var redis = try fixture.wait { store, then in
                store.requeue(
                    queue: queue, state: state, type: type, limit: limit, dryRun: dryRun, cursor: cursor, then: then)
            }
            var expected = model.queue(queue).requeue(
                state: state, type: type, limit: limit, dryRun: dryRun, cursor: modelCursor, now: now)
            (cursor, modelCursor) = (redis?.cursor, expected?.cursor)
            redis?.cursor = cursor.map { _ in "more" }
            expected?.cursor = modelCursor.map { _ in "more" }
            try expect(redis, equals: expected, "requeue of \(state) in \(queue)")
        } while cursor != nil
    }

    // MARK: Time and policy, by hand

    private func setPolicy(_ queue: String, _ field: String, _ value: String?) throws {
        let key = "jobq:{\(queue)}:policy"
        // A queue is created by its first job or pause; the test only changes the policy of one that exists.
        guard model.queue(queue).exists else { return }
        if let value {
            try fixture.server.command("HSET", key, field, value)
        } else {
            try fixture.server.command("HDEL", key, field)
        }
        let target = model.queue(queue)
        switch field {
        case "max_attempts": target.policy.maxAttempts = value.flatMap { Int($0) }
        case "lease_ms": target.policy.leaseMs = value.flatMap { Int64($0) }
        case "keep_ms": target.policy.keepMs = value.flatMap { Int64($0) }
        case "keep_count": target.policy.keepCount = value.flatMap { Int($0) }
        default:
            target.policy.backoff = value.map { text in
                let words = text.split(separator: " ")
                return Backoff(
                    kind: .init(rawValue: String(words[0])) ?? .fixed, baseMs: Int64(words[1]) ?? 0,
                    maxMs: Int64(words[2]) ?? 0, jitter: Double(words[3]) ?? 0)
            }
        }
    }

    private func pass(_ milliseconds: Int64) throws {
        let script = """
            for _, set in ipairs({'scheduled', 'retrying', 'processing'}) do
              for _, id in ipairs(redis.call('ZRANGE', ARGV[1] .. set, 0, -1)) do
                redis.call('ZINCRBY', ARGV[1] .. set, -ARGV[2], id)
              end
            end
            local paused = redis.call('HGET', ARGV[1] .. 'policy', 'paused')
            if paused and paused ~= '1' then
              redis.call('HINCRBY', ARGV[1] .. 'policy', 'paused', -ARGV[2])
            end
            """
        for (name, queue) in model.queues {
            let reply = try fixture.server.command(["EVAL", script, "0", "jobq:{\(name)}:", "\(milliseconds)"])
            if reply.isError { throw fail("\(reply)") }
            queue.pass(milliseconds)
        }
    }

    private func age(_ milliseconds: Int64) throws {
        for (name, queue) in model.queues {
            for entry in queue.expiring.entries(limit: .max) {
                try fixture.server.command(
                    "PEXPIREAT", "jobq:{\(name)}:job:\(entry.id)", "\(entry.score - milliseconds)")
            }
            queue.age(milliseconds)
            queue.dropExpired(now)
        }
    }

    /// A record that is kept for a millisecond is gone on both sides before the next step.
    private func awaitTinyRetention(_ name: String) throws {
        let queue = model.queue(name)
        while let next = queue.expiring.first, next.score < now + 60_000 {
            let key = "jobq:{\(name)}:job:\(next.id)"
            let deadline = Deadline(after: 10)
            while try fixture.server.command("EXISTS", key) != .integer(0) {
                if deadline.hasPassed { throw fail("\(key) stays") }
            }
            queue.dropExpired(next.score + 1)
        }
    }

    // MARK: Comparing

    private func compareAll() throws {
        let difference = try stateDifference()
        if !difference.isEmpty { throw fail("the state differs\n\(difference.joined(separator: "\n"))") }
        try notices.compare(with: model, fixture: fixture) { fail($0) }
    }

    private func stateDifference() throws -> [String] {
        ModelState(try Keyspace(of: fixture.server)).difference(from: ModelState(model))
    }

    private func checkInvariants() throws {
        let found = try InvariantChecker.violations(in: fixture.server)
        if !found.isEmpty { throw fail(found.map(\.description).joined(separator: "\n")) }
        // The store's own check agrees; what it changed for no reason the next comparison would show.
        for queue in model.names {
            let check = try fixture.check(repair: true, queue: queue)
            if !check.violations.isEmpty { throw fail("\(queue): \(check.violations)") }
        }
    }
}

extension MemoryQueue {
    /// What waits for a time waits so much less.
    fileprivate func pass(_ milliseconds: Int64) {
        for path in [\MemoryQueue.scheduled, \.retrying, \.processing] {
            var moved = ScoredSet()
            for entry in self[keyPath: path].entries(limit: .max) {
                moved.insert(entry.id, score: entry.score - milliseconds)
                records[entry.id]?.placeScore -= milliseconds
            }
            self[keyPath: path] = moved
        }
        if case .until(let end) = policy.paused { policy.paused = .until(end - milliseconds) }
    }

    /// Kept records end so much earlier.
    fileprivate func age(_ milliseconds: Int64) {
        var moved = ScoredSet()
        for entry in expiring.entries(limit: .max) {
            moved.insert(entry.id, score: entry.score - milliseconds)
            records[entry.id]?.keptUntil = entry.score - milliseconds
        }
        expiring = moved
    }
}
