// Which queues a topic is bound to: the sets in Redis, repeated calls, and two stores at once.

import Harness
import Reactor
import Redis
import Store
import Testing
import Wire

@Suite(.serialized, .timeLimit(.minutes(2)))
struct TopicTests {
    @Test func boundQueuesAreListedUntilTheyAreUnbound() throws {
        let fixture = try StoreFixture()
        for (topic, queue) in [("news", "sms"), ("news", "email"), ("alerts", "sms")] {
            #expect(try fixture.bind(topic, queue))
        }
        #expect(try fixture.bind("news", "sms") == false)
        #expect(try fixture.bindings("news") == ["email", "sms"])
        #expect(try fixture.bindings("none") == [])
        #expect(
            try fixture.topics() == [
                TopicBinding(topic: "alerts", queues: ["sms"]), TopicBinding(topic: "news", queues: ["email", "sms"]),
            ])
        #expect(
            try fixture.keyspace() == """
                jobq:topic:alerts set sms
                jobq:topic:news set email|sms
                jobq:topics set alerts|news
                """)
        #expect(try fixture.unbind("news", "sms"))
        #expect(try fixture.unbind("news", "sms") == false)
        #expect(try fixture.unbind("none", "sms") == false)
        #expect(try fixture.bindings("news") == ["email"])
        #expect(try fixture.unbind("news", "email"))
        #expect(try fixture.unbind("alerts", "sms"))
        #expect(try fixture.topics() == [])
        #expect(try fixture.keyspace().isEmpty)
    }

    @Test func nameThatWasLeftBehindIsNotShown() throws {
        let fixture = try StoreFixture()
        try fixture.server.command("SADD", "jobq:topics", "ghost", "news")
        try fixture.server.command("SADD", "jobq:topic:news", "email")
        #expect(try fixture.topics() == [TopicBinding(topic: "news", queues: ["email"])])
    }

    @Test func manyTopicsAreListedInOrder() throws {
        let fixture = try StoreFixture()
        let topics = (0..<250).map { "t\(1000 + $0)" }
        for topic in topics.shuffled() {
            try fixture.server.command("SADD", "jobq:topics", topic)
            if topic != "t1007" { try fixture.server.command("SADD", "jobq:topic:\(topic)", "b", "a") }
        }
        let expected = topics.filter { $0 != "t1007" }.map { TopicBinding(topic: $0, queues: ["a", "b"]) }
        #expect(try fixture.topics() == expected)
    }

    /// The set of a topic is written when its name is there already: nothing is bound unseen at any moment.
    @Test func nameComesBeforeTheQueueAndGoesAfterIt() throws {
        let fixture = try StoreFixture()
        let monitor = try RedisClient(path: fixture.server.socketPath)
        _ = try monitor.command(["MONITOR"])
        _ = try fixture.bind("news", "email")
        _ = try fixture.unbind("news", "email")
        try fixture.server.command("PING", "end")
        var writes: [String] = []
        while let line = try monitor.receive().string, !line.contains("\"end\"") {
            let words = line.split(separator: "\"", omittingEmptySubsequences: true).map(String.init)
            if words.contains(where: { $0 == "SADD" || $0 == "SREM" }) { writes.append(words[1] + " " + words[3]) }
        }
        #expect(writes == ["SADD jobq:topics", "SADD jobq:topic:news", "SREM jobq:topic:news", "SREM jobq:topics"])
    }

    @Test func unbindThatWasMadeButNeverAnsweredIsAnsweredAsDone() throws {
        let fixture = try StoreFixture()
        try fixture.enqueue(heavyJob)
        #expect(try fixture.bind("news", "email"))
        var outcome: Bool?
        try fixture.executeUnanswered {
            fixture.store.unbind(topic: "news", queue: "email") { outcome = try? $0.get() }
        }
        #expect(outcome == nil)
        #expect(try fixture.server.command("EXISTS", "jobq:topic:news").int == 0)
        try fixture.drive { outcome != nil }
        #expect(outcome == true)
        #expect(try fixture.unbind("news", "email") == false)
    }

    @Test func bindThatWasMadeButNeverAnsweredIsAnsweredAsDone() throws {
        let fixture = try StoreFixture()
        try fixture.enqueue(heavyJob)
        var outcome: Bool?
        fixture.store.bind(topic: "news", queue: "email") { outcome = try? $0.get() }
        fixture.store.flush()
        fixture.link.flush()
        // Its first command is executed; the reply is read when the server stands still, so that the second one waits.
        try eventually { try fixture.server.command("SISMEMBER", "jobq:topics", "news").int == 1 }
        try fixture.executeUnanswered {
            for _ in 0..<3 { _ = try fixture.loop.runOnce(timeout: 5_000) }
        }
        #expect(outcome == nil)
        #expect(try fixture.server.command("SISMEMBER", "jobq:topic:news", "email").int == 1)
        try fixture.drive { outcome != nil }
        #expect(outcome == true)
        #expect(try fixture.bind("news", "email") == false)
    }

    @Test func withoutRedisNothingIsKnown() throws {
        let server = try RedisServer(start: false)
        let fixture = try StoreFixture(server: server, requestTimeoutMs: 100)
        let answers: [Bool] = [
            try fixture.result { $0.bind(topic: "t", queue: "q", then: $1) }.isUnavailable,
            try fixture.result { $0.unbind(topic: "t", queue: "q", then: $1) }.isUnavailable,
            try fixture.result { $0.bindings(of: "t", then: $1) }.isUnavailable,
            try fixture.result { $0.topics(then: $1) }.isUnavailable,
        ]
        #expect(answers == [true, true, true, true])
    }

    @Test func fullRedisRefusesToBindAndLetsUnbind() throws {
        let fixture = try StoreFixture()
        #expect(try fixture.bind("news", "email"))
        try fixture.server.command("CONFIG", "SET", "maxmemory", "1")
        guard case .failure(.full) = try fixture.result({ $0.bind(topic: "a", queue: "q", then: $1) }) else {
            Issue.record("not refused")
            return
        }
        #expect(try fixture.unbind("news", "email"))
        #expect(try fixture.keyspace().isEmpty)
    }

    @Test func storesThatBindAndUnbindAtOnceLeaveNoQueueBoundUnseen() throws {
        let first = try StoreFixture()
        let second = try StoreFixture(server: first.server, origin: "b")
        var random = Xoshiro(seed: 5)
        var left = 0
        for round in 0..<1500 {
            let store = round % 2 == 0 ? first.store : second.store
            let topic = "t\(Int.random(in: 0..<2, using: &random))"
            let queue = "q\(Int.random(in: 0..<2, using: &random))"
            left += 1
            if Bool.random(using: &random) {
                store.bind(topic: topic, queue: queue) { _ in left -= 1 }
            } else {
                store.unbind(topic: topic, queue: queue) { _ in left -= 1 }
            }
            _ = try first.loop.runOnce(timeout: 0)
            _ = try second.loop.runOnce(timeout: 0)
        }
        try first.drive {
            _ = try? second.loop.runOnce(timeout: 0)
            return left == 0
        }
        var bound: [TopicBinding] = []
        for topic in ["t0", "t1"] {
            let queues = try first.server.command("SMEMBERS", "jobq:topic:\(topic)").strings.sorted()
            if !queues.isEmpty { bound.append(TopicBinding(topic: topic, queues: queues)) }
        }
        #expect(try first.topics() == bound)
    }
}

private let heavyJob = NewJob(
    id: "heavy", payload: bytes("\"\(String(repeating: "x", count: 100_000))\""), start: .delay(90_000))

extension StoreFixture {
    fileprivate func bind(_ topic: String, _ queue: String) throws -> Bool {
        try wait { $0.bind(topic: topic, queue: queue, then: $1) }
    }
    fileprivate func unbind(_ topic: String, _ queue: String) throws -> Bool {
        try wait { $0.unbind(topic: topic, queue: queue, then: $1) }
    }
    fileprivate func bindings(_ topic: String) throws -> [String] {
        try wait { $0.bindings(of: topic, then: $1) }
    }
    fileprivate func topics() throws -> [TopicBinding] { try wait { $0.topics(then: $1) } }

    /// Redis executes what `calls` sends and hangs up instead of answering, since the reply behind it is beyond its limit;
    /// the job `heavy` must be there.
    fileprivate func executeUnanswered(_ calls: () throws -> Void) throws {
        try server.command("CONFIG", "SET", "client-output-buffer-limit", "normal 65536 0 0")
        server.suspend()
        try calls()
        store.flush()
        store.get("heavy", queue: queue) { _ in }
        for _ in 0..<3 { _ = try loop.runOnce(timeout: 5_000) }
        server.resume()
        try drive { !store.status.isReady }
        try server.command("CONFIG", "SET", "client-output-buffer-limit", "normal 0 0 0")
    }
}

extension Result where Failure == StoreFailure {
    fileprivate var isUnavailable: Bool { if case .failure(.unavailable) = self { true } else { false } }
}
