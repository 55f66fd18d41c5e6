// Listening to channels and patterns, over the loss of the server too.

import Harness
import Reactor
import Testing

@testable import Redis

@Suite(.serialized, .timeLimit(.minutes(2))) struct SubscriptionLinkTests {
    /// A started link that writes down what it is told.
    private final class Listener {
        let link: SubscriptionLink
        private(set) var subscribed: [String] = []
        private(set) var patterns: [String] = []
        private(set) var messages: [String] = []
        private(set) var losses = 0

        init(_ bench: Bench, _ configuration: RedisConfiguration) {
            link = SubscriptionLink(loop: bench.loop, configuration: configuration, logger: bench.logger)
            link.onSubscribed = { [weak self] in self?.subscribed.append($0) }
            link.onPatternSubscribed = { [weak self] in self?.patterns.append($0) }
            link.onMessage = { [weak self] channel, payload in
                self?.messages.append("\(channel)=\(String(decoding: payload, as: UTF8.self))")
            }
            link.onLost = { [weak self] _ in self?.losses += 1 }
            link.start()
        }
    }

    @Test func messagesOfSubscribedChannelsArrive() throws {
        let server = try RedisServer()
        let bench = try Bench()
        let listener = Listener(bench, try bench.configuration(server.url))
        listener.link.subscribe("one")
        listener.link.subscribe("one")
        try bench.run(until: "the first") { listener.subscribed == ["one"] }
        listener.link.subscribe("two")
        try bench.run(until: "both") { listener.subscribed == ["one", "two"] }
        try server.command("PUBLISH", "one", "a")
        try server.command("PUBLISH", "two", "b\r\n")
        try bench.run(until: "the messages") { listener.messages == ["one=a", "two=b\r\n"] }
    }

    @Test func unsubscribedChannelIsSilent() throws {
        let server = try RedisServer()
        let bench = try Bench()
        let listener = Listener(bench, try bench.configuration(server.url))
        listener.link.subscribe("one")
        listener.link.subscribe("two")
        try bench.run(until: "both") { listener.subscribed.count == 2 }
        listener.link.unsubscribe("one")
        try bench.run(until: "the server knows") {
            try server.command("PUBSUB", "NUMSUB", "one").strings == ["one", "0"]
        }
        try server.command("PUBLISH", "one", "x")
        try server.command("PUBLISH", "two", "y")
        try bench.run(until: "the message") { listener.messages == ["two=y"] }
    }

    @Test func allChannelsAreSubscribedAgainAfterALoss() throws {
        let server = try RedisServer()
        let bench = try Bench()
        let listener = Listener(bench, try bench.configuration(server.url))
        let names = (0..<1_200).map { "channel\($0)" }
        for name in names { listener.link.subscribe(name) }
        try bench.run(until: "all") { listener.subscribed.count == names.count }
        server.kill()
        try bench.run(until: "the loss") { listener.losses == 1 }
        listener.link.unsubscribe("channel7")
        try server.start()
        try bench.run(until: "all but one again") { listener.subscribed.count == 2 * names.count - 1 }
        #expect(Set(listener.subscribed.suffix(names.count - 1)) == Set(names).subtracting(["channel7"]))
        #expect(listener.link.reconnects == 1)
        try server.command("PUBLISH", "channel8", "back")
        try bench.run(until: "a message") { listener.messages == ["channel8=back"] }
    }

    @Test func serverThatDoesNotConfirmIsLeft() throws {
        let server = try RedisServer()
        let bench = try Bench()
        let listener = Listener(bench, try bench.configuration(server.url, timeoutMs: 200))
        try bench.run(until: "ready") { listener.link.isReady }
        server.suspend()
        listener.link.subscribe("one")
        try bench.run(until: "the loss") { listener.losses == 1 }
        server.resume()
        try bench.run(until: "the subscription") { listener.subscribed.contains("one") }
    }

    @Test func stoppedLinkStaysSilent() throws {
        let server = try RedisServer()
        let bench = try Bench()
        let listener = Listener(bench, try bench.configuration(server.url))
        listener.link.subscribe("one")
        try bench.run(until: "the subscription") { !listener.subscribed.isEmpty }
        listener.link.stop()
        try eventually(within: 5, "the server sees it") {
            try server.command("PUBSUB", "NUMSUB", "one").strings == ["one", "0"]
        }
        #expect(!listener.link.isReady && listener.losses == 0)
    }

    // MARK: Patterns

    @Test func messagesOfAllChannelsThatMatchAPatternArrive() throws {
        let server = try RedisServer()
        let bench = try Bench()
        let listener = Listener(bench, try bench.configuration(server.url))
        listener.link.subscribe(pattern: "q:*:events")
        listener.link.subscribe(pattern: "q:*:events")
        listener.link.subscribe(pattern: "x\\[?]")
        try bench.run(until: "both") { listener.patterns.sorted() == ["q:*:events", "x\\[?]"] }
        for channel in ["q:a:events", "q:a:queued", "q:b:events", "x[1]", "x1"] {
            try server.command("PUBLISH", channel, "\n")
        }
        try server.command("PUBLISH", "q::events", "end")
        try bench.run(until: "the messages") { listener.messages.last == "q::events=end" }
        #expect(listener.messages == ["q:a:events=\n", "q:b:events=\n", "x[1]=\n", "q::events=end"])
        #expect(listener.subscribed.isEmpty)
    }

    @Test func messageComesOnceForItsChannelAndOnceForEachPattern() throws {
        let server = try RedisServer()
        let bench = try Bench()
        let listener = Listener(bench, try bench.configuration(server.url))
        listener.link.subscribe("aa")
        listener.link.subscribe(pattern: "a*")
        listener.link.subscribe(pattern: "*a")
        try bench.run(until: "all") { listener.patterns.count == 2 && listener.subscribed == ["aa"] }
        try server.command("PUBLISH", "aa", "1")
        try server.command("PUBLISH", "ab", "2")
        try bench.run(until: "the messages") { listener.messages.last == "ab=2" }
        #expect(listener.messages == ["aa=1", "aa=1", "aa=1", "ab=2"])
    }

    @Test func unsubscribedPatternIsSilent() throws {
        let server = try RedisServer()
        let bench = try Bench()
        let listener = Listener(bench, try bench.configuration(server.url))
        listener.link.subscribe(pattern: "a*")
        listener.link.subscribe(pattern: "b*")
        try bench.run(until: "both") { listener.patterns.count == 2 }
        listener.link.unsubscribe(pattern: "a*")
        try bench.run(until: "the server knows") { try server.command("PUBSUB", "NUMPAT").int == 1 }
        try server.command("PUBLISH", "a1", "x")
        try server.command("PUBLISH", "b1", "y")
        try bench.run(until: "the message") { listener.messages == ["b1=y"] }
    }

    @Test func patternsAreSubscribedAgainAfterALossAndReported() throws {
        let server = try RedisServer()
        let bench = try Bench()
        let listener = Listener(bench, try bench.configuration(server.url))
        let patterns = (0..<50).map { "p\($0):*" }
        for pattern in patterns { listener.link.subscribe(pattern: pattern) }
        listener.link.subscribe("one")
        try bench.run(until: "all") { listener.patterns.count == 50 && listener.subscribed == ["one"] }
        server.kill()
        try bench.run(until: "the loss") { listener.losses == 1 }
        listener.link.unsubscribe(pattern: "p7:*")
        listener.link.subscribe(pattern: "new*")
        try server.start()
        try bench.run(until: "all again") { listener.patterns.count == 100 && listener.subscribed == ["one", "one"] }
        #expect(Set(listener.patterns.suffix(50)) == Set(patterns).subtracting(["p7:*"]).union(["new*"]))
        try server.command("PUBLISH", "p7:x", "lost")
        try server.command("PUBLISH", "new", "back")
        try bench.run(until: "a message") { listener.messages == ["new=back"] }
    }

    @Test func patternWithoutConfirmationEndsTheLink() throws {
        let server = try RedisServer()
        let bench = try Bench()
        let listener = Listener(bench, try bench.configuration(server.url, timeoutMs: 200))
        try bench.run(until: "ready") { listener.link.isReady }
        server.suspend()
        listener.link.subscribe(pattern: "a*")
        try bench.run(until: "the loss") { listener.losses == 1 }
        server.resume()
        try bench.run(until: "the subscription") { listener.patterns.contains("a*") }
    }

    /// Redis's access lists compare a pattern as text with what is allowed.
    @Test func patternThatIsNotAllowedCostsOnlyItself() throws {
        let server = try RedisServer()
        try server.command("ACL", "SETUSER", "limited", "on", ">secret", "~*", "+@all", "resetchannels", "&q:*")
        let bench = try Bench()
        var configuration = try bench.configuration(server.url)
        configuration.username = "limited"
        configuration.password = { Array("secret".utf8) }
        let listener = Listener(bench, configuration)
        listener.link.subscribe("q:one")
        listener.link.subscribe(pattern: "q:*:events")
        listener.link.subscribe(pattern: "q:*")
        listener.link.subscribe("q:two")
        try bench.run(until: "what is allowed") {
            listener.patterns == ["q:*"] && listener.subscribed.sorted() == ["q:one", "q:two"]
        }
        #expect(listener.losses == 0)
        #expect(bench.log.text.contains("NOPERM"))
        listener.link.unsubscribe(pattern: "q:*")
        try bench.run(until: "the server knows") { try server.command("PUBSUB", "NUMPAT").int == 0 }
        try server.command("PUBLISH", "q:one", "a")
        try bench.run(until: "the message") { listener.messages == ["q:one=a"] }
    }
}
