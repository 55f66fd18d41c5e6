// What comes over the second link: events of queues, requests to cancel, and word of each subscription that holds.

import Harness
import Store
import Testing
import Wire

@Suite(.serialized, .timeLimit(.minutes(2)))
struct ListeningTests {
    /// A store that writes down what it is told.
    private final class Listener {
        let fixture: StoreFixture
        var store: RedisStore { fixture.store }
        private(set) var events: [String] = []
        private(set) var seqs: [EventID] = []
        private(set) var listening: [String] = []
        private(set) var cancels: [String] = []
        private(set) var watching: [String] = []

        init(_ server: RedisServer? = nil, prefix: String = "jobq") throws {
            fixture = try StoreFixture(server: server, keyPrefix: prefix)
            store.onEvents = { [unowned self] queue, events in
                self.events.append(queue + ": " + events.map { "\($0.kind) \($0.id)" }.joined(separator: ", "))
                seqs += events.map(\.seq)
            }
            store.onListening = { [unowned self] in listening.append($0.pattern) }
            store.onCancelRequest = { [unowned self] in cancels.append("\($0)/\($1): \($2)") }
            store.onWatchingCancels = { [unowned self] in watching.append($0) }
        }

        /// Listens, and waits until it does.
        func listen(_ globs: String...) throws {
            let before = listening.count
            for glob in globs { store.listen(to: Glob(glob)!) }
            try drive("listening") { $0.listening.count == before + globs.count }
        }

        func drive(_ what: String, until: (Listener) throws -> Bool) throws {
            try fixture.drive(what) { (try? until(self)) == true }
        }

        /// Everything that was published by now has arrived: behind it stands a message of the queue `end`, which it must
        /// listen to by one glob at least.
        func catchUp() throws {
            let count = events.count { $0.hasPrefix("end:") }
            try fixture.server.command("PUBLISH", "jobq:{end}:events", "1-0\ncompleted end 1")
            try drive("the last message") { $0.events.count { $0.hasPrefix("end:") } > count }
            events.removeAll { $0.hasPrefix("end:") }
        }
    }

    // MARK: Events

    @Test func eventsArriveAtEveryStoreThatListensWithTheSeqsOfTheLog() throws {
        let first = try Listener()
        let second = try Listener(first.fixture.server)
        try first.listen("email")
        try second.listen("e*")
        try first.fixture.server.tell("completed a 1", "dead b 2 - failed")
        try first.fixture.server.tell("claimed c 1", queue: "other")
        try first.fixture.server.tell("released d 1")
        let expected = ["email: completed a, dead b", "email: released d"]
        try first.drive("all") { $0.events == expected }
        try second.drive("all") { $0.events == expected }
        let log = try first.fixture.allEvents()
        #expect(first.seqs == log.map(\.seq))
        #expect(second.seqs == log.map(\.seq))
    }

    @Test func afterTheClockWentBackMessagesHaveTheSeqsOfTheLogToo() throws {
        let listener = try Listener()
        try listener.listen("email")
        try listener.fixture.server.command(
            "XADD", "jobq:{email}:events", "9999999999999-7", "events", "completed x 1")
        try listener.fixture.server.tell("completed a 1", "completed b 1")
        try listener.drive("the message") { $0.events == ["email: completed a, completed b"] }
        #expect(listener.seqs == (try listener.fixture.allEvents(after: EventID("9999999999999-7")!)).map(\.seq))
    }

    @Test func globsChooseQueuesByTheirWholeName() throws {
        let listener = try Listener()
        try listener.listen("end", "report.*", "?-1")
        for queue in ["report.a", "report", "report.", "xreport.a", "a-1", "ab-1", "-1", "reports", "report.a.b"] {
            try listener.fixture.server.tell("completed \(queue) 1", queue: queue)
        }
        try listener.catchUp()
        #expect(
            listener.events == [
                "report.a: completed report.a", "report.: completed report.", "a-1: completed a-1",
                "report.a.b: completed report.a.b",
            ])
    }

    @Test func channelsThatBelongToNoQueueAreNotHeard() throws {
        let listener = try Listener()
        try listener.listen("end", "*")
        let long = String(repeating: "x", count: 65)
        for name in ["", "a}b", "a b", "-a", ".a", "a/b", "a}:job:x}", "ä", long, "a\n"] {
            try listener.fixture.server.command("PUBLISH", "jobq:{\(name)}:events", "1-0\ncompleted a 1")
        }
        try listener.fixture.server.command("PUBLISH", "jobq:{a}:events:b}:events", "1-0\ncompleted a 1")
        try listener.fixture.server.command("PUBLISH", "jobq:{a.b_-C9}:events", "1-0\ncompleted a 1")
        try listener.catchUp()
        #expect(listener.events == ["a.b_-C9: completed a"])
        #expect(listener.fixture.complaints.lines.isEmpty)
    }

    @Test func overlappingGlobsTellTwice() throws {
        let listener = try Listener()
        try listener.listen("end", "email", "e*l", "*")
        try listener.fixture.server.tell("completed a 1")
        try listener.catchUp()
        #expect(listener.events == Array(repeating: "email: completed a", count: 3))
        listener.store.unlisten(to: Glob("e*l")!)
        listener.store.unlisten(to: Glob("*")!)
        try listener.drive("the server knows") { try $0.fixture.server.command("PUBSUB", "NUMPAT").int == 0 }
        try listener.fixture.server.tell("completed b 1")
        try listener.catchUp()
        #expect(listener.events.suffix(1) == ["email: completed b"])
        #expect(listener.events.count == 4)
    }

    @Test(arguments: ["email", "em*"]) func listeningIsCounted(_ pattern: String) throws {
        let listener = try Listener()
        let glob = Glob(pattern)!
        try listener.listen("end", pattern)
        // Each call is answered, though the subscription holds already, and not from inside the call.
        listener.store.listen(to: glob)
        #expect(listener.listening.count == 2)
        try listener.drive("the second answer") { $0.listening.count == 3 }
        #expect(listener.listening.last == pattern)
        listener.store.unlisten(to: glob)
        try listener.fixture.server.tell("completed a 1")
        try listener.catchUp()
        #expect(listener.events == ["email: completed a"])
        listener.store.unlisten(to: glob)
        listener.store.unlisten(to: glob)
        try listener.drive("the server knows") {
            let server = $0.fixture.server
            let channels = try server.command("PUBSUB", "NUMSUB", "jobq:{email}:events").strings
            return try server.command("PUBSUB", "NUMPAT").int == 0 && channels.last == "0"
        }
        try listener.fixture.server.tell("completed b 1")
        try listener.catchUp()
        #expect(listener.events == ["email: completed a"])
        try listener.listen(pattern)
        try listener.fixture.server.tell("completed c 1")
        try listener.drive("the message") { $0.events.last == "email: completed c" }
    }

    @Test func afterALossEveryGlobIsListenedToAgainAndTheLogHasWhatWasMissed() throws {
        let server = try RedisServer(aof: .always)
        let listener = try Listener(server)
        try listener.listen("email", "e*")
        try server.tell("completed a 1")
        try listener.drive("both") { $0.events.count == 2 }
        let last = try #require(listener.seqs.last)
        server.kill()
        try listener.drive("the loss") { !$0.store.status.isReady }
        // While it is away this only counts: it holds when the server is back.
        listener.store.listen(to: Glob("email")!)
        listener.store.listen(to: Glob("new?")!)
        try server.start()
        try server.tell("completed b 1")
        try listener.drive("all again") { $0.listening.count >= 5 }
        #expect(listener.listening.suffix(3).sorted() == ["e*", "email", "new?"])
        #expect(try listener.fixture.allEvents(after: last).map(\.id) == ["b"])
        try server.tell("completed c 1")
        try listener.drive("both") { $0.events.suffix(2) == ["email: completed c", "email: completed c"] }
    }

    @Test func keyPrefixStandsForItself() throws {
        let prefix = "a*?[b]\\c"
        let listener = try Listener(prefix: prefix)
        try listener.listen("*", "email")
        let server = listener.fixture.server
        for other in ["axx[b]\\c", "a*?b\\c", "a*?[b]c", "jobq"] { try server.tell(["dead x 1"], prefix: other) }
        try server.tell(["completed a 1"], prefix: prefix)
        try listener.drive("the messages") { $0.events.count == 2 }
        #expect(listener.events == ["email: completed a", "email: completed a"])
    }

    @Test func messagesOfAnotherFormAreDroppedAndToldOfOnce() throws {
        let listener = try Listener()
        try listener.listen("email", "end")
        for text in ["", "x", "1-0", "1-0\n", "1-0\nhugged a 1", "{\"event\":\"completed\"}"] {
            try listener.fixture.server.command("PUBLISH", "jobq:{email}:events", text)
        }
        try listener.catchUp()
        #expect(listener.events.isEmpty)
        #expect(listener.fixture.complaints.lines.count == 1)
        try listener.fixture.server.tell("completed a 1")
        try listener.drive("the message") { $0.events == ["email: completed a"] }
    }

    // MARK: Requests to cancel

    @Test func requestsToCancelArriveForWatchedQueues() throws {
        let listener = try Listener()
        listener.store.watchCancels(queue: "email")
        listener.store.watchCancels(queue: "email")
        listener.store.watchCancels(queue: "sms")
        try listener.drive("the subscriptions") { $0.watching.sorted() == ["email", "sms"] }
        let server = listener.fixture.server
        try server.command("PUBLISH", "jobq:{other}:cancel", "a why")
        try server.command("PUBLISH", "jobq:{email}:cancel", "a no longer wanted")
        for text in ["", " ", "a/b x", " a", "a\n"] { try server.command("PUBLISH", "jobq:{email}:cancel", text) }
        try server.command("PUBLISH", "jobq:{email}:cancel", "01KA.:_-9 ")
        try server.command("PUBLISH", "jobq:{sms}:cancel", "c")
        try listener.drive("the requests") { $0.cancels.count == 3 }
        #expect(listener.cancels == ["email/a: no longer wanted", "email/01KA.:_-9: ", "sms/c: "])
        #expect(listener.fixture.complaints.lines.count == 1)
        #expect(listener.events.isEmpty)

        listener.store.unwatchCancels(queue: "email")
        try listener.drive("the server knows") {
            try $0.fixture.server.command("PUBSUB", "NUMSUB", "jobq:{email}:cancel").strings.last == "0"
        }
        try server.command("PUBLISH", "jobq:{email}:cancel", "d x")
        try server.command("PUBLISH", "jobq:{sms}:cancel", "e x")
        try listener.drive("the other request") { $0.cancels.last == "sms/e: x" }
        #expect(listener.cancels.count == 4)
    }

    @Test func afterALossQueuesAreWatchedAgain() throws {
        let server = try RedisServer(aof: .always)
        let listener = try Listener(server)
        listener.store.watchCancels(queue: "email")
        listener.store.watchCancels(queue: "sms")
        try listener.drive("the subscriptions") { $0.watching.count == 2 }
        server.kill()
        try listener.drive("the loss") { !$0.store.status.isReady }
        listener.store.unwatchCancels(queue: "sms")
        try server.start()
        try listener.drive("the subscription") { $0.watching.count == 3 }
        #expect(listener.watching.last == "email")
        try server.command("PUBLISH", "jobq:{email}:cancel", "a x")
        try listener.drive("the request") { $0.cancels == ["email/a: x"] }
    }

    @Test func wakeUpsEventsAndRequestsOfOneQueueDoNotMix() throws {
        let listener = try Listener()
        listener.store.watch(queue: "email")
        listener.store.watchCancels(queue: "email")
        try listener.listen("email")
        try listener.drive("all") { $0.watching == ["email"] && $0.fixture.wakes.contains("email") }
        listener.fixture.wakes = []
        let server = listener.fixture.server
        try server.command("PUBLISH", "jobq:{email}:queued", "+somebody")
        try server.command("PUBLISH", "jobq:{email}:cancel", "a x")
        try server.tell("completed a 1")
        try listener.drive("all") { $0.events.count == 1 && $0.cancels.count == 1 && $0.fixture.wakes == ["email"] }
        listener.store.unwatch(queue: "email")
        try server.tell("completed b 1")
        try listener.drive("the event") { $0.events.count == 2 }
        #expect(listener.fixture.wakes == ["email"])
    }
}
