// Two stores in two databases of one server: Pub/Sub knows no databases, so channels are told apart by their names.

import Harness
import Testing
import Wire

@testable import Store

@Suite(.timeLimit(.minutes(1))) struct DatabaseChannelTests {
    private let server: RedisServer
    private let zero: StoreFixture
    private let five: StoreFixture
    private let fiveToo: StoreFixture

    init() throws {
        server = try RedisServer()
        zero = try StoreFixture(server: server, origin: "a")
        five = try StoreFixture(server: server, origin: "b", url: server.url + "?db=5")
        fiveToo = try StoreFixture(server: server, origin: "c", url: server.url + "?db=5")
    }

    /// All subscribe and hold; what was heard until then is forgotten.
    private func listen(_ pattern: String) throws -> Heard {
        let heard = Heard()
        for (name, fixture) in [("zero", zero), ("five", five)] {
            let glob = try #require(Glob(pattern))
            var holds = 0
            fixture.store.onListening = { _ in holds += 1 }
            fixture.store.onWatchingCancels = { _ in holds += 1 }
            fixture.store.onEvents = { _, events in heard.words += events.map { "\(name) \($0.kind) \($0.id)" } }
            fixture.store.onCancelRequest = { _, id, _ in heard.words.append("\(name) cancel \(id)") }
            fixture.wakes = []
            fixture.store.listen(to: glob)
            fixture.store.watch(queue: "email")
            fixture.store.watchCancels(queue: "email")
            try fixture.drive("subscriptions") { holds == 2 && fixture.wakes.contains("email") }
            fixture.wakes = []
        }
        return heard
    }

    private final class Heard { var words: [String] = [] }

    @Test(arguments: ["email", "e*"])
    func whatHappensInOneDatabaseIsHeardThereOnly(pattern: String) throws {
        let heard = try listen(pattern)
        try fiveToo.enqueue(ids: "x")
        try five.drive("the event and the wake-up") {
            heard.words.contains("five enqueued x") && five.wakes.contains("email")
        }
        let claimed = try #require(try fiveToo.claim().first)
        _ = try fiveToo.wait { $0.cancel("x", reason: nil, queue: "email", then: $1) }
        try five.drive("the request to cancel") { heard.words.contains("five cancel x") }
        #expect(try fiveToo.complete([claimed.claim]).count == 1)
        // Messages come in order: what is said last in database 0 is behind all that could have come there.
        try server.command("PUBLISH", "jobq:{email}:cancel", "end ")
        try zero.drive("the last message") { heard.words.contains("zero cancel end") }
        #expect(!heard.words.contains { $0.hasPrefix("zero") && $0 != "zero cancel end" }, "\(heard.words)")
        #expect(zero.wakes.isEmpty)
    }

    @Test func theChannelsOfDatabaseZeroHaveTheNamesOfKeys() throws {
        _ = try listen("email")
        let channels = try server.command("PUBSUB", "CHANNELS").strings.sorted()
        #expect(
            channels == [
                "jobq:{email}:cancel", "jobq:{email}:cancel@5", "jobq:{email}:events", "jobq:{email}:events@5",
                "jobq:{email}:queued", "jobq:{email}:queued@5",
            ])
    }
}
