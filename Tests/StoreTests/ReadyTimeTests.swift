// Since when a claimed job could have been claimed, in Redis; the model is compared with it elsewhere.

import Harness
import Store
import Testing
import Wire

@Suite(.serialized, .timeLimit(.minutes(2)))
struct ReadyTimeTests {
    /// Further jobs of the queue make the claim script take its longer way.
    private func fixture(isSpecial: Bool) throws -> StoreFixture {
        let fixture = try StoreFixture()
        if isSpecial {
            try fixture.enqueue("other", unique: UniqueKey(key: "k"))
            _ = try fixture.complete(try fixture.claim().map(\.claim))
        }
        return fixture
    }

    private func claim(_ fixture: StoreFixture) throws -> ClaimedJob {
        _ = try fixture.sweep()
        return try #require(try fixture.claim().first)
    }

    @Test(arguments: [false, true]) func aNewJobIsReadyFromItsEnqueueOn(isSpecial: Bool) throws {
        let fixture = try fixture(isSpecial: isSpecial)
        try fixture.enqueue(ids: "1")
        let job = try claim(fixture)
        #expect(job.readyAt == job.enqueuedAt)
        #expect(job.claimedAt >= job.enqueuedAt)
    }

    @Test(arguments: [false, true]) func aDelayedOrRetriedJobIsReadyFromItsTimeOn(isSpecial: Bool) throws {
        let fixture = try fixture(isSpecial: isSpecial)
        let outcome = try fixture.enqueue(NewJob(id: "1", payload: bytes("1"), start: .delay(30)))
        try eventually { try fixture.sweep().promoted == 1 }
        var job = try claim(fixture)
        #expect(job.readyAt == outcome[0].runAt)
        guard case .done(_, let runAt?) = try fixture.fail([job.claim], retryInMs: 30)[0] else {
            Issue.record("no time")
            return
        }
        try eventually { try fixture.sweep().promoted == 1 }
        job = try claim(fixture)
        #expect(job.readyAt == runAt)
    }

    @Test(arguments: [false, true]) func ofAJobThatCameBackByItselfItIsNotKnown(isSpecial: Bool) throws {
        let fixture = try fixture(isSpecial: isSpecial)
        try fixture.enqueue(ids: "1")
        _ = try fixture.release([try claim(fixture).claim])
        let again = try claim(fixture)
        #expect(again.readyAt == nil)
        _ = try fixture.workerGone([again.claim])
        #expect(try claim(fixture).readyAt == nil)
    }

    @Test func theCheckpointStillComesWithTheJob() throws {
        let fixture = try fixture(isSpecial: true)
        try fixture.enqueue(ids: "1")
        let claim = try claim(fixture).claim
        let extended = try fixture.wait {
            $0.extend([ExtendRequest(claim: claim, checkpoint: bytes("{\"row\":7}"))], queue: fixture.queue, then: $1)
        }
        guard case .extended = extended[0] else { throw HarnessError("\(extended)") }
        _ = try fixture.release([claim])
        let again = try self.claim(fixture)
        #expect(again.checkpoint == bytes("{\"row\":7}") && again.readyAt == nil)
    }

    @Test func jobsThatAreHandedOverHaveNotWaited() throws {
        let fixture = try fixture(isSpecial: false)
        try fixture.enqueue(ids: "0")
        _ = try fixture.complete(try fixture.claim().map(\.claim))
        var given: [ClaimedJob]?
        fixture.store.enqueue([NewJob(id: "1", payload: bytes("1"))], queue: fixture.queue) { _ in }
        fixture.store.claim(ClaimRequest(max: 1), queue: fixture.queue, patient: false) { given = try? $0.get().jobs }
        try fixture.drive { given != nil }
        #expect(given?.first?.readyAt == given?.first?.claimedAt)
    }
}
