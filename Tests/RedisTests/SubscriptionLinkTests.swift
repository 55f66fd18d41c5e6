// Listening to channels, over the loss of the server too.

import Harness
import Reactor
import Testing

@testable import Redis

@Suite(.serialized, .timeLimit(.minutes(2))) struct SubscriptionLinkTests {
    /// A started link that writes down what it is told.
    private final class Listener {
        let link: SubscriptionLink
        private(set) var subscribed: [String] = []
        private(set) var messages: [String] = []
        private(set) var losses = 0

        init(_ bench: Bench, _ configuration: RedisConfiguration) {
            link = SubscriptionLink(loop: bench.loop, configuration: configuration, logger: bench.logger)
            link.onSubscribed = { [weak self] in self?.subscribed.append($0) }
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
}
