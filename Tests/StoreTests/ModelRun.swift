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
        model.onEvents = { [notices] in notices.expect($1, queue: $0) }
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
        case .list(let queue, let state, let type, let limit): try list(queue, state, type, limit)
        case .requeueMatching(let queue, let state, let type, let limit, let dryRun):
            try requeueMatching(queue, state, type, limit, dryRun)
        case .purge(let queue, let filter, let limit, let dryRun): try purge(queue, filter, limit, dryRun)
        case .check(let queue, let repair): try check(queue, repair: repair)
        case .pass(let milliseconds): try ModelClock.pass(milliseconds, model, fixture.server)
        case .age(let milliseconds): try ModelClock.age(milliseconds, model, fixture.server, now: now)
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
            if case .swept(let seen) = answer.reply, case .swept(let swept) = expected {
                expected = .swept(adjusted(swept, seen, queue: queue))
            }
            if answer.reply != expected {
                let state = try stateDifference().joined(separator: "\n")
                throw fail("\(operation) in \(queue)\n\(answer.reply.difference(from: expected))\n\(state)")
            }
            if case .claimed(let claimed) = answer.reply { generator.remember(claimed, queue: queue) }
        }
    }

    /// A dead letter's entry gets its time from Redis a moment after the script read the clock.
    private func adjusted(_ expected: Swept, _ seen: Swept, queue: String) -> Swept {
        guard let due = expected.nextDue, let seenDue = seen.nextDue, abs(due - seenDue) <= 5,
            let keep = model.queue(queue).policy.deadKeepMs, let oldest = model.queue(queue).dead.first,
            due == MemoryQueue.end(of: oldest, kept: keep)
        else { return expected }
        var adjusted = expected
        adjusted.nextDue = seenDue
        return adjusted
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
            let redis = try fixture.wait { store, then in
                store.requeue(
                    queue: queue, state: state, type: type, limit: limit, dryRun: dryRun, cursor: cursor, then: then)
            }
            let expected = model.queue(queue).requeue(
                state: state, type: type, limit: limit, dryRun: dryRun, cursor: modelCursor, now: now)
            (cursor, modelCursor) = (redis?.cursor, expected?.cursor)
            try expectStep(redis, equals: expected, "requeue of \(state) in \(queue)")
        } while cursor != nil
    }

    private func purge(_ queue: String, _ filter: JobFilter, _ limit: Int, _ dryRun: Bool) throws {
        var (cursor, modelCursor): (String?, String?)
        repeat {
            let redis = try fixture.wait { store, then in
                store.purge(queue: queue, filter: filter, limit: limit, dryRun: dryRun, cursor: cursor, then: then)
            }
            let expected = model.queue(queue).purge(
                filter, limit: limit, dryRun: dryRun, cursor: modelCursor, now: now)
            (cursor, modelCursor) = (redis?.cursor, expected?.cursor)
            try expectStep(redis, equals: expected, "purge of \(filter) in \(queue)")
        } while cursor != nil
    }

    /// Steps of a requeue or a purge agree, but for the text of their cursors.
    private func expectStep(_ redis: BulkStep?, equals expected: BulkStep?, _ what: String) throws {
        var (seen, wanted) = (redis, expected)
        seen?.cursor = redis?.cursor.map { _ in "more" }
        wanted?.cursor = expected?.cursor.map { _ in "more" }
        try expect(seen, equals: wanted, what)
    }

    /// Nothing is wrong, so nothing is found, and nothing changes: the next checkpoint would show it.
    private func check(_ queue: String, repair: Bool) throws {
        let found = try fixture.checkIfThere(repair: repair, queue: queue)
        let expected = model.queue(queue).check(.indexes(cursor: nil), now: now)
        try expect(found == nil, equals: expected == nil, "check of \(queue)")
        try expect(found?.violations ?? [], equals: [], "check of \(queue)")
    }

    // MARK: Comparing

    private func compareAll() throws {
        let difference = try stateDifference()
        if !difference.isEmpty { throw fail("the state differs\n\(difference.joined(separator: "\n"))") }
        try notices.compare(fixture: fixture, limit: generator.count(60)) { fail($0) }
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
