// The store over its links: a job's life from the outside, batching, resending, waking, closing. What each script does
// to the keys is told in the Script…Tests.

import Harness
import Reactor
import Redis
import Store
import Testing
import Wire

@Suite(.serialized, .timeLimit(.minutes(2)))
struct RedisStoreTests {
    @Test func jobIsEnqueuedClaimedAndCompleted() throws {
        let fixture = try StoreFixture()
        let job = NewJob(id: "1", payload: bytes("{\"a\": 1.10}"), type: "mail", meta: bytes("{\"m\":1}"))
        #expect(try fixture.enqueue(job) == [Enqueued(state: .queued, duplicate: false)])
        let claimed = try fixture.claim(10, worker: "w")
        #expect(claimed.count == 1)
        #expect(claimed[0].payload == bytes("{\"a\": 1.10}"))
        #expect(claimed[0].meta == bytes("{\"m\":1}"))
        #expect(claimed[0].type == "mail")
        #expect(claimed[0].attempt == 1)
        #expect(
            claimed[0].leaseUntil == claimed[0].enqueuedAt + 30_000 || claimed[0].leaseUntil > claimed[0].enqueuedAt)
        #expect(try fixture.complete([claimed[0].claim], result: "[1]") == [.done(.completed, runAt: nil)])
        let record = try #require(try fixture.get("1"))
        #expect(record.state == .completed)
        #expect(record.result == bytes("[1]"))
        #expect(record.history.map(\.outcome) == ["completed"])
        #expect(record.history.first?.worker == "w")
    }
}
