// What the purge script does to the keys.

import Harness
import Store
import Testing
import Wire

@Suite(.serialized, .timeLimit(.minutes(2)))
struct ScriptPurgeTests {
    /// Seven jobs in this state, the odd ones of type "odd", `0` the oldest.
    private func seven(_ fixture: StoreFixture, _ state: JobState) throws {
        let jobs = (0..<7).map {
            NewJob(
                id: "\($0)", payload: bytes("1"), type: $0 % 2 == 0 ? "even" : "odd",
                start: state == .scheduled ? .at(4_000_000_000_000) : .now)
        }
        _ = try fixture.wait { $0.enqueue(jobs, queue: "email", then: $1) }
        switch state {
        case .queued, .scheduled, .processing: break
        case .retrying, .dead:
            _ = try fixture.fail(try fixture.claim(7).map(\.claim), retry: state == .retrying, retryInMs: 90_000)
        case .completed:
            for claim in try fixture.claim(7).map(\.claim) { _ = try fixture.complete([claim]) }
        case .cancelled: for job in jobs { _ = try fixture.cancel(job.id) }
        case .expired:
            for job in jobs { try fixture.letExpire(job.id, at: 1_000) }
            _ = try fixture.sweep()
        }
        try fixture.forgetEvents()
    }

    /// The ids of the jobs in a state, oldest first.
    private func left(_ fixture: StoreFixture, _ state: JobState) throws -> [String] {
        let ids = try #require(try fixture.list(state)).jobs.map(\.id)
        return state == .completed || state == .dead ? ids.reversed() : ids
    }

    @Test(arguments: JobState.allCases.filter { $0 != .processing })
    func filterWorksInStepsOldestFirstAndCountsWhatIsLeft(state: JobState) throws {
        let fixture = try StoreFixture()
        try seven(fixture, state)
        let before = try fixture.keyspace()
        let dry = try #require(try fixture.purge(state, type: "even", limit: 3, dryRun: true))
        #expect(dry.done == 3 && dry.remaining == 2)
        let rest = try fixture.purge(state, type: "even", limit: 3, dryRun: true, cursor: dry.cursor)
        #expect(rest == BulkStep(done: 1, remaining: 0, cursor: nil))
        #expect(try fixture.keyspace() == before)

        let first = try #require(try fixture.purge(state, type: "even", limit: 3))
        #expect(first.done == 3 && first.remaining == 2)
        #expect(try left(fixture, state) == ["1", "3", "5", "6"])
        let tries = [.dead, .retrying, .completed].contains(state) ? 1 : 0
        #expect(try fixture.events() == ["0", "2", "4"].map { "deleted \($0) \(tries) - \(state.rawValue)" })
        let second = try fixture.purge(state, type: "even", limit: 3, cursor: first.cursor)
        #expect(second == BulkStep(done: 1, remaining: 0, cursor: nil))
        #expect(try left(fixture, state) == ["1", "3", "5"])
        #expect(try fixture.purge(state)?.done == 3)
        #expect(try left(fixture, state).isEmpty)
        #expect(try fixture.server.command("KEYS", "jobq:{email}:job:*").array.isEmpty)
        let isWaiting = [.queued, .scheduled, .retrying].contains(state)
        #expect(try fixture.counters()["deleted"] == (isWaiting ? "7" : nil))
    }

    @Test(arguments: JobState.allCases.filter { $0 != .processing })
    func onlyThoseThatAreOldEnoughGo(state: JobState) throws {
        let fixture = try StoreFixture()
        try seven(fixture, state)
        let field = [.queued, .scheduled, .retrying].contains(state) ? "enqueued_at" : "finished_at"
        for id in ["1", "4"] {
            try fixture.server.command("HINCRBY", "jobq:{email}:job:\(id)", field, "-3600000")
        }
        #expect(try fixture.purge(state, olderThanMs: 3_600_000)?.done == 2)
        #expect(try left(fixture, state) == ["0", "2", "3", "5", "6"])
        #expect(try fixture.purge(state, olderThanMs: 0)?.done == 5)
    }

    @Test func stepLooksAtFiveHundredJobs() throws {
        let fixture = try StoreFixture()
        let jobs = (0..<600).map {
            NewJob(
                id: "\($0)", payload: bytes("1"), type: $0 == 599 ? "x" : "", start: .at(4_000_000_000_000 + Int64($0)))
        }
        _ = try fixture.wait { $0.enqueue(jobs, queue: "email", then: $1) }
        let first = try #require(try fixture.purge(.scheduled, type: "x"))
        #expect(first.done == 0 && first.remaining == 100)
        let second = try fixture.purge(.scheduled, type: "x", cursor: first.cursor)
        #expect(second == BulkStep(done: 1, remaining: 0, cursor: nil))
        #expect(try fixture.purge(.scheduled)?.done == 500)
        #expect(try fixture.purge(.scheduled)?.done == 99)
        #expect(try fixture.counters()["deleted"] == "600")
    }

    @Test func historyOfMoreThanAStepIsPurgedFromItsOldEnd() throws {
        let fixture = try StoreFixture()
        let jobs = (0..<600).map { NewJob(id: "\($0)", payload: bytes("1"), type: $0 == 599 ? "x" : "") }
        _ = try fixture.wait { $0.enqueue(jobs, queue: "email", then: $1) }
        for _ in 0..<6 { _ = try fixture.complete(try fixture.claim(100).map(\.claim)) }
        let first = try #require(try fixture.purge(.completed, type: "x"))
        #expect(first.done == 0 && first.remaining == 100)
        let second = try fixture.purge(.completed, type: "x", cursor: first.cursor)
        #expect(second == BulkStep(done: 1, remaining: 0, cursor: nil))
        // The newest entry has no record now, but is not at the old end.
        #expect(try fixture.server.command("LLEN", "jobq:{email}:completed").int == 600)
        let third = try #require(try fixture.purge(.completed))
        #expect(third.done == 500 && third.remaining == 100)
        #expect(try fixture.server.command("LLEN", "jobq:{email}:completed").int == 100)
        let fourth = try fixture.purge(.completed, cursor: third.cursor)
        #expect(fourth == BulkStep(done: 99, remaining: 0, cursor: nil))
        #expect(try fixture.server.command("EXISTS", "jobq:{email}:completed").int == 0)
    }

    /// Their records' time was over, or their ids began a new life.
    @Test func namesInTheHistoryWithoutAJobGoWhenTheyAreTheLast() throws {
        let fixture = try StoreFixture()
        try seven(fixture, .completed)
        for id in ["0", "1", "4"] { try fixture.server.command("DEL", "jobq:{email}:job:\(id)") }
        try fixture.enqueue(ids: "1")
        #expect(try fixture.purge(.completed, type: "none", dryRun: true)?.done == 0)
        #expect(try fixture.server.command("LLEN", "jobq:{email}:completed").int == 7)
        #expect(try fixture.purge(.completed, type: "none") == BulkStep(done: 0, remaining: 0, cursor: nil))
        #expect(
            try fixture.server.command("LRANGE", "jobq:{email}:completed", "0", "-1").strings == [
                "6", "5", "4", "3", "2",
            ])
        #expect(try fixture.record("1")["state"] == "queued")
    }

    @Test func nothingNoQueueAndJobsInWorkersHands() throws {
        let fixture = try StoreFixture()
        #expect(try fixture.purge(.dead) == nil)
        try fixture.enqueue(ids: "1")
        _ = try fixture.claim()
        let before = try fixture.keyspace()
        for state in JobState.allCases {
            #expect(try fixture.purge(state) == BulkStep(done: 0, remaining: 0, cursor: nil))
        }
        #expect(try fixture.keyspace() == before)
    }
}
