// What the fail script does to the keys.

import Harness
import Store
import Testing
import Wire

@Suite(.serialized, .timeLimit(.minutes(2)))
struct ScriptFailTests {
    @Test func failedJobRetriesAfterItsBackoff() throws {
        let fixture = try StoreFixture(random: { 0.5 })
        try fixture.enqueue(NewJob(id: "1", payload: bytes("1"), priority: 2))
        let job = try #require(try fixture.claim(worker: "w\"\\").first)
        let outcome = try #require(try fixture.fail([job.claim], error: "{\"type\": \"E\"}").first)
        guard case .done(.retrying, let runAt?) = outcome else {
            Issue.record("\(outcome)")
            return
        }
        let record = try fixture.record("1")
        // exponential 1000, attempt 1, half of the half taken away
        #expect(String(runAt) == record["run_at"])
        let history = try #require(try fixture.get("1")).history
        #expect(runAt - history[0].endedAt == 751)
        #expect(
            history == [
                AttemptRecord(
                    attempt: 1, worker: "w\"\\", startedAt: Int64(record["claimed_at"]!)!, endedAt: history[0].endedAt,
                    outcome: "failed", error: bytes("{\"type\": \"E\"}"))
            ])
        #expect(
            try fixture.keyspace() == """
                counters hash claimed=1|enqueued=1|failed=1|retried=1|seq=1|token=N
                events stream [[ENTRY, [events, retrying 1 1 T]]]
                job:1 hash attempts=1|claimed_at=T|enqueued_at=T|error={"type": "E"}|\
                history={"attempt":1,"worker":"w\\"\\\\","started_at":T,"ended_at":T,"outcome":"failed",\
                "error":{"type": "E"}}|max_attempts=3|outcome=failed|payload=1|priority=2|run_at=T|\
                score=-70368744177663|state=retrying|token=TOKEN|worker=w"\\
                jobq:queues set email
                retrying zset 1|T
                """)
    }

    @Test func lastAttemptMakesADeadLetter() throws {
        let fixture = try StoreFixture()
        try fixture.enqueue(NewJob(id: "1", payload: bytes("[7]"), type: "t", maxAttempts: 1))
        try fixture.tellAll(false)
        let listener = try ChannelListener(fixture.server, channel: "jobq:{email}:events")
        let job = try #require(try fixture.claim().first)
        #expect(try fixture.fail([job.claim], error: "\"boom\"") == [.done(.dead, runAt: nil)])
        #expect(
            try fixture.keyspace() == """
                counters hash claimed=1|dead=1|enqueued=1|failed=1|seq=1|token=N
                dead stream [[ENTRY, [job, email/1, type, t, reason, failed, attempts, 1, error, "boom", payload, [7]]]]
                events stream [[ENTRY, [events, dead 1 1 - failed]]]
                job:1 hash attempts=1|claimed_at=T|dead_entry=ENTRY|enqueued_at=T|error="boom"|finished_at=T|\
                history={"attempt":1,"started_at":T,"ended_at":T,"outcome":"failed","error":"boom"}|max_attempts=1|\
                outcome=failed|payload=[7]|reason=failed|score=1|state=dead|token=TOKEN|type=t
                jobq:queues set email
                """)
        let event = try listener.next()
        let entry = try #require(
            try fixture.server.command("XRANGE", "jobq:{email}:events", "-", "+").array.last?.array.first?.string)
        #expect(event == "\(entry)\ndead 1 1 - failed")
        let page = try #require(try fixture.list(.dead))
        #expect(page.jobs.map(\.reason) == ["failed"])
    }

    @Test func failWithoutRetryIsDeadAtOnce() throws {
        let fixture = try StoreFixture()
        try fixture.enqueue(ids: "1")
        let job = try #require(try fixture.claim().first)
        #expect(try fixture.fail([job.claim], retry: false, retryInMs: 5) == [.done(.dead, runAt: nil)])
        #expect(try fixture.get("1")?.error == nil)
        #expect(try fixture.counters()["retried"] == nil)
    }

    @Test func sameFailAgainGetsTheSameAnswerAndChangesNothing() throws {
        let fixture = try StoreFixture()
        try fixture.enqueue(NewJob(id: "1", payload: bytes("1")), NewJob(id: "2", payload: bytes("1"), maxAttempts: 1))
        let claims = try fixture.claim(2).map(\.claim)
        let first = try fixture.fail(claims, retryInMs: 60_000)
        let before = try fixture.keyspace()
        #expect(try fixture.fail(claims, error: "\"other\"", retryInMs: 1) == first)
        #expect(try fixture.keyspace() == before)
        // Also after it was promoted: the time it was given then.
        try fixture.shift("1", in: "retrying", by: -100_000)
        #expect(try fixture.sweep().promoted == 1)
        #expect(try fixture.fail([claims[0]]) == [first[0]])
        #expect(try fixture.claim().map(\.attempt) == [2])
        #expect(try fixture.fail([claims[0]]) == [.leaseLost(.processing)])
    }

    @Test func completedJobCannotFailWithTheSameToken() throws {
        let fixture = try StoreFixture()
        try fixture.enqueue(ids: "1")
        let first = try #require(try fixture.claim().first)
        _ = try fixture.fail([first.claim], retryInMs: 0)
        _ = try fixture.sweep()
        let second = try #require(try fixture.claim().first)
        _ = try fixture.complete([second.claim])
        let before = try fixture.keyspace()
        #expect(try fixture.fail([second.claim]) == [.leaseLost(.completed)])
        #expect(try fixture.release([second.claim]) == [.leaseLost(.completed)])
        #expect(try fixture.workerGone([second.claim]) == [.leaseLost(.completed)])
        #expect(try fixture.extend([second.claim]) == [.leaseLost(.completed)])
        #expect(try fixture.keyspace() == before)
    }

    @Test(
        arguments: [
            (Backoff(kind: .exponential, baseMs: 100, maxMs: 350, jitter: 0), [100, 200, 350, 350]),
            (Backoff(kind: .linear, baseMs: 100, maxMs: 250, jitter: 0), [100, 200, 250, 250]),
            (Backoff(kind: .fixed, baseMs: 100, maxMs: 1_000, jitter: 1), [37, 37, 37, 37]),
            (Backoff(kind: .fixed, baseMs: 0, maxMs: 0, jitter: 1), [0, 0, 0, 0]),
        ])
    func backoffOfTheJobIsThatOfTheModel(backoff: Backoff, delays: [Int64]) throws {
        let random = 0.625_000_000_1
        let fixture = try StoreFixture(random: { random })
        try fixture.enqueue(NewJob(id: "1", payload: bytes("1"), maxAttempts: 10, backoff: backoff))
        for (index, delay) in delays.enumerated() {
            let job = try #require(try fixture.claim().first)
            guard case .done(.retrying, let runAt?)? = try fixture.fail([job.claim]).first else {
                Issue.record("no retry")
                return
            }
            let ended = try #require(try fixture.get("1")?.history.last?.endedAt)
            // What is waited for at all begins with the next millisecond.
            let due = delay == 0 ? 0 : delay + 1
            #expect(runAt - ended == due)
            #expect(delay == backoff.delayMs(afterAttempt: index + 1, random: random))
            try fixture.shift("1", in: "retrying", by: -10_000)
            #expect(try fixture.sweep().promoted == 1)
        }
    }

    @Test func backoffOfTheQueueIsUsedWhenTheJobHasNone() throws {
        let fixture = try StoreFixture()
        try fixture.server.command("HSET", "jobq:{email}:policy", "backoff", "fixed 40 100 0")
        try fixture.enqueue(ids: "1")
        let job = try #require(try fixture.claim().first)
        guard case .done(.retrying, let runAt?)? = try fixture.fail([job.claim]).first else {
            Issue.record("no retry")
            return
        }
        #expect(runAt - (try #require(try fixture.get("1")?.history.last?.endedAt)) == 41)
    }

    @Test func batchWithMixedOutcomesAndADoubleFailsEachOnce() throws {
        let fixture = try StoreFixture()
        try fixture.enqueue(
            NewJob(id: "1", payload: bytes("1")), NewJob(id: "2", payload: bytes("1"), maxAttempts: 1),
            NewJob(id: "3", payload: bytes("1")))
        let jobs = try fixture.claim(3).map(\.claim)
        let outcomes = try fixture.fail([
            jobs[0], jobs[1], Claim(id: "3", token: "no"), jobs[1], Claim(id: "9", token: "no"), jobs[0],
        ])
        #expect(outcomes[1] == .done(.dead, runAt: nil))
        #expect(outcomes[3] == .done(.dead, runAt: nil))
        #expect(outcomes[0] == outcomes[5])
        #expect(outcomes[2] == .leaseLost(.processing))
        #expect(outcomes[4] == .notFound)
        let counters = try fixture.counters()
        #expect(counters["failed"] == "2")
        #expect(counters["retried"] == "1")
        #expect(counters["dead"] == "1")
        #expect(try fixture.get("1")?.history.count == 1)
    }

    @Test func historyKeepsTheLastTenAttempts() throws {
        let fixture = try StoreFixture()
        try fixture.enqueue(NewJob(id: "1", payload: bytes("1"), maxAttempts: 50))
        for attempt in 1...12 {
            let job = try #require(try fixture.claim(worker: "w\(attempt)").first)
            _ = try fixture.fail([job.claim], error: "\"e\(attempt)\"", retryInMs: 0)
            _ = try fixture.sweep()
        }
        let history = try #require(try fixture.get("1")).history
        #expect(history.map(\.attempt) == Array(3...12))
        #expect(history.map { $0.error.map { String(decoding: $0, as: UTF8.self) } } == (3...12).map { "\"e\($0)\"" })
        let last = try #require(try fixture.claim().first)
        _ = try fixture.complete([last.claim])
        #expect(try #require(try fixture.get("1")).history.map(\.attempt) == Array(4...13))
    }

    @Test func errorOfAnEarlierFailureStaysWhenALaterOneHasNone() throws {
        let fixture = try StoreFixture()
        try fixture.enqueue(ids: "1")
        let first = try #require(try fixture.claim().first)
        _ = try fixture.fail([first.claim], error: "\"old\"", retryInMs: 0)
        _ = try fixture.sweep()
        let second = try #require(try fixture.claim().first)
        _ = try fixture.fail([second.claim], retry: false)
        #expect(try fixture.get("1")?.error == bytes("\"old\""))
        #expect(try fixture.get("1")?.history.map(\.error) == [bytes("\"old\""), nil])
        #expect(
            try fixture.server.command("XRANGE", "jobq:{email}:dead", "-", "+").description.contains("error, \"old\""))
    }
}
