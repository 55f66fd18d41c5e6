// The order of replies on one connection: concurrent with ids, one after the other without, bounded by `in_flight`, and
// what happens when the client says "no more requests" (half-close). Clients that vanish altogether are in the suite on
// claiming.

import Harness
import Testing

@Suite(.stage, .timeLimit(.minutes(1))) struct PipeliningTests {
    @Test(arguments: Backend.allCases)
    func requestsWithIDsOvertakeAWaitingOne(on backend: Backend) throws {
        let client = try backend.connect()
        let queue = freshQueue()
        try client.startWaiting(queue)
        try client.sendRaw("{\"op\":\"enqueue\",\"id\":3,\"queue\":\"\(queue)\",\"payload\":\"x\"}\n")
        let replies = [try client.receive(), try client.receive()]
        #expect(Set(replies.compactMap { $0["id"].int }) == [1, 3])
        #expect(replies.first { $0["id"] == 1 }?["jobs"][0]["payload"] == "x")
    }

    @Test(arguments: Backend.allCases)
    func withoutIDsTheNextLineWaitsForTheAnswer(on backend: Backend) throws {
        let client = try backend.connect()
        let queue = freshQueue()
        try client.sendRaw("{\"op\":\"claim\",\"queue\":\"\(queue)\",\"wait_ms\":300}\n{\"op\":\"ping\"}\n")
        var order: [JSON] = []
        let seconds = try elapsed { () throws in order.append(try client.receive()) }
        order.append(try client.receive())
        #expect(order[0]["jobs"] == [])
        #expect(order[1].has("at"))
        #expect(seconds > 0.25)
    }

    @Test(arguments: Backend.allCases)
    func aLineAfterOneWithoutAnIDWaitsEvenIfItHasOne(on backend: Backend) throws {
        let client = try backend.connect()
        let queue = freshQueue()
        try client.sendRaw("{\"op\":\"claim\",\"queue\":\"\(queue)\",\"wait_ms\":200}\n{\"op\":\"ping\",\"id\":9}\n")
        #expect(try client.receive()["jobs"] == [])
        #expect(try client.receive()["id"] == 9)
    }

    @Test(arguments: Backend.allCases)
    func aRequestWithoutAnIDDoesNotWaitForOpenOnesWithIDs(on backend: Backend) throws {
        let client = try backend.connect()
        try client.sendRaw(
            "{\"op\":\"claim\",\"id\":1,\"queue\":\"\(freshQueue())\",\"wait_ms\":400}\n{\"op\":\"ping\"}\n{\"op\":\"info\"}\n"
        )
        #expect(try client.receive().has("at"))
        #expect(try client.receive().has("uptime_ms"))
        #expect(try client.receive()["id"] == 1)
    }

    @Test(arguments: Backend.allCases)
    func aScriptWithoutIDsSeesItsOwnWritesInOrder(on backend: Backend) throws {
        let client = try backend.connect()
        let queue = freshQueue()
        var script = ""
        for number in 0..<50 {
            script +=
                "{\"op\":\"enqueue\",\"queue\":\"\(queue)\",\"payload\":\(number)}\n{\"op\":\"claim\",\"queue\":\"\(queue)\"}\n"
        }
        try client.sendRaw(script)
        for number in 0..<50 {
            #expect(try client.receive()["state"] == "queued")
            #expect(try client.receive()["jobs"][0]["payload"] == JSON(number))
        }
    }

    @Test(arguments: Backend.allCases)
    func errorsKeepTheirPlaceAmongRequestsWithoutIDs(on backend: Backend) throws {
        let client = try backend.connect()
        try client.sendRaw(
            "{\"op\":\"get\",\"job\":\"a/b\"}\nnonsense\n{\"op\":\"nonsense\"}\n{\"op\":\"ping\",\"x\":1}\n{\"op\":\"ping\"}\n"
        )
        for code: JSON in ["not_found", "bad_json", "unknown_op", "bad_request"] {
            #expect(try client.receive()["error"]["code"] == code)
        }
        #expect(try client.receive()["ok"] == true)
    }

    @Test(arguments: Backend.allCases)
    func moreThanInFlightOpenRequestsAreNotReadUntilOneIsAnswered(on backend: Backend) throws {
        let client = try backend.connect()
        let other = try backend.connect()
        let queue = freshQueue()
        try client.sendRaw(
            (0..<256).map { "{\"op\":\"claim\",\"id\":\($0),\"queue\":\"\(queue)\",\"wait_ms\":60000}\n" }.joined()
                + "{\"op\":\"ping\",\"id\":\"late\"}\n")
        #expect(try client.staysSilent(for: 0.3))
        #expect(try other.call("ping")["ok"] == true)
        try other.enqueue(queue)
        let replies = [try client.receive(), try client.receive()]
        #expect(replies.contains { $0["jobs"].array.count == 1 })
        #expect(replies.contains { $0["id"] == "late" })
    }

    @Test(arguments: Backend.allCases)
    func afterAHalfCloseWhatWasAskedIsAnsweredAndThenTheDaemonCloses(on backend: Backend) throws {
        let client = try backend.connect()
        let queue = freshQueue()
        try client.sendRaw(
            "{\"op\":\"claim\",\"id\":1,\"queue\":\"\(queue)\",\"wait_ms\":5000}\n{\"op\":\"claim\",\"id\":2,\"queue\":\"none\",\"wait_ms\":50}\n"
        )
        client.shutdownWrite()
        #expect(try client.receive()["id"] == 2)
        try backend.connect().enqueue(queue, ["payload": "for the half closed"])
        #expect(try client.receive()["jobs"][0]["payload"] == "for the half closed")
        #expect(try client.readToEnd() == [])
    }

    @Test(arguments: Backend.allCases)
    func linesBehindOneWithoutAnIDAreStillAnsweredAfterAHalfClose(on backend: Backend) throws {
        let client = try backend.connect()
        try client.sendRaw(
            "{\"op\":\"claim\",\"queue\":\"\(freshQueue())\",\"wait_ms\":100}\n{\"op\":\"ping\"}\n{\"op\":\"ping\",\"id\":1}\n"
        )
        client.shutdownWrite()
        let lines = try client.readToEnd()
        #expect(lines.count == 3)
        #expect(lines.first?.contains("\"jobs\":[]") == true)
        #expect(lines.last?.hasPrefix("{\"id\":1,") == true)
    }

    @Test(arguments: Backend.allCases)
    func aLastLineWithoutNewlineIsNoRequest(on backend: Backend) throws {
        let client = try backend.connect()
        try client.sendRaw("{\"op\":\"ping\",\"id\":1}\n{\"op\":\"ping\",\"id\":2}")
        client.shutdownWrite()
        #expect(try client.readToEnd().count == 1)
    }

    @Test(arguments: Backend.allCases)
    func aConnectionThatSaysNothingAndEndsIsClosed(on backend: Backend) throws {
        let client = try backend.connect()
        client.shutdownWrite()
        #expect(try client.readToEnd() == [])
    }
}
