// What a ready link does with commands, and what becomes of them when the server goes, hangs, refuses or forgets.

import Foundation
import Harness
import Testing

@testable import Redis

@Suite(.serialized, .timeLimit(.minutes(2))) struct RedisLinkTests {
    private let add = Script(
        name: "add", source: Array("return redis.call('INCRBY', KEYS[1], ARGV[1])".utf8))
    private let echo = Script(name: "echo", source: Array("return {KEYS[1], ARGV[1], ARGV[2], #ARGV}".utf8))

    @Test func repliesAreViewedInPlaceWhateverTheirKind() throws {
        let server = try RedisServer()
        let bench = try Bench()
        let kinds = Script(
            name: "kinds",
            source: Array("return {1, 'text', false, {'a', {}}, redis.status_reply('FINE'), {err='ERR inner'}}".utf8))
        let link = try bench.readyLink(try bench.configuration(server.url), scripts: [kinds])
        #expect(
            try bench.ask(link, kinds)
                == .list([
                    .number(1), .value("text"), .none, .list([.value("a"), .list([])]), .value("FINE"),
                    .value("error ERR inner"),
                ]))
        var numbers: [Int64?] = []
        link.run(kinds, keys: [], CommandBuffer()) { result in
            if case .success(let reply) = result { numbers = [reply[0].number, reply[1].number, reply[2].number] }
        }
        link.flush()
        try bench.run(until: "an answer") { !numbers.isEmpty }
        #expect(numbers == [1, nil, nil])
    }

    @Test func argumentsArriveByteForByte() throws {
        let server = try RedisServer()
        let bench = try Bench()
        let link = try bench.readyLink(try bench.configuration(server.url), scripts: [echo])
        #expect(
            try bench.ask(link, echo, keys: ["schlüssel\r\n"], "\0\r\n$5", "")
                == .list([.value("schlüssel\r\n"), .value("\0\r\n$5"), .value(""), .number(2)]))
    }

    @Test func pipelinedCommandsAreAnsweredInOrderBeyondTheCap() throws {
        let server = try RedisServer()
        let bench = try Bench()
        var configuration = try bench.configuration(server.url)
        configuration.pipelineCap = 7
        let link = try bench.readyLink(configuration)
        var answers: [Int64] = []
        for _ in 0..<100 {
            link.send(CommandBuffer("INCR", "n")) { if case .success(let reply) = $0 { answers.append(reply.integer) } }
        }
        #expect(link.load == 100)
        link.flush()
        try bench.run(until: "all answers") { answers.count == 100 }
        #expect(answers == Array(1...100))
        #expect(link.load == 0)
    }

    @Test func moreThanTheSocketTakesIsWrittenBitByBit() throws {
        let server = try RedisServer()
        let bench = try Bench()
        let link = try bench.readyLink(try bench.configuration(server.url, timeoutMs: 20_000))
        let value = [UInt8](repeating: UInt8(ascii: "x"), count: 1 << 20)
        var lengths: [Int64] = []
        for _ in 0..<40 {
            var command = CommandBuffer("APPEND", "big")
            command.append(bytes: value)
            link.send(command) { if case .success(let reply) = $0 { lengths.append(reply.integer) } }
        }
        link.flush()
        try bench.run(within: 30, until: "all appended") { lengths.count == 40 }
        #expect(lengths.last == 40 << 20)
        var size = 0
        link.send(CommandBuffer("GET", "big")) { if case .success(let reply) = $0 { size = reply.bytes.count } }
        link.flush()
        try bench.run(within: 30, until: "it was read") { size == 40 << 20 }
    }

    @Test func commandSentFromACompletionIsAnswered() throws {
        let server = try RedisServer()
        let bench = try Bench()
        let link = try bench.readyLink(try bench.configuration(server.url))
        var second: Outcome?
        link.send(CommandBuffer("PING")) { _ in link.send(CommandBuffer("PING")) { second = Outcome($0) } }
        link.flush()
        try bench.run(until: "the second answer") { second == .value("PONG") }
    }

    @Test func forgottenScriptIsSentAgainWithItsSourceEachTime() throws {
        let server = try RedisServer()
        let bench = try Bench()
        let link = try bench.readyLink(try bench.configuration(server.url), scripts: [add, echo])
        for round in 1...50 {
            try server.command("SCRIPT", "FLUSH")
            #expect(try bench.ask(link, add, keys: ["sum"], "2") == .number(Int64(2 * round)))
        }
        #expect(link.reconnects == 0)
    }

    @Test func eachPipelinedCallOfAForgottenScriptRunsExactlyOnce() throws {
        let server = try RedisServer()
        let bench = try Bench()
        let link = try bench.readyLink(try bench.configuration(server.url), scripts: [add])
        var sums: [Int64] = []
        for call in 0..<300 {
            if call % 20 == 0 { link.send(CommandBuffer("SCRIPT", "FLUSH")) { _ in } }
            var arguments = CommandBuffer()
            arguments.append(integer: 1)
            link.run(add, keys: ["sum"], arguments) { if case .success(let reply) = $0 { sums.append(reply.integer) } }
        }
        link.flush()
        try bench.run(until: "all answers") { sums.count == 300 }
        #expect(sums.sorted() == Array(1...300))
    }

    @Test func killedServerFailsWhatIsUnderWayAndTheLinkComesBack() throws {
        let server = try RedisServer(aof: .always)
        let bench = try Bench()
        let link = try bench.readyLink(try bench.configuration(server.url), scripts: [add])
        var lost: [String] = []
        link.onLost = { lost.append($0) }
        #expect(try bench.ask(link, add, keys: ["sum"], "5") == .number(5))
        var outcome: Outcome?
        link.send(CommandBuffer("BLPOP", "nothing", "0")) { outcome = Outcome($0) }
        link.flush()
        server.kill()
        try bench.run(until: "the loss") { outcome != nil }
        guard case .failure(.lost) = outcome else {
            Issue.record("\(outcome!)")
            return
        }
        #expect(lost.count == 1)
        guard case .failure(.notReady) = try bench.ask(link, "PING") else {
            Issue.record("sent")
            return
        }
        try server.start()
        try bench.run(until: "ready again") { link.isReady }
        #expect(link.reconnects == 1)
        #expect(try bench.ask(link, add, keys: ["sum"], "1") == .number(6))
    }

    @Test func hangingServerIsLeftAfterTheTimeAllowed() throws {
        let server = try RedisServer()
        let bench = try Bench()
        let link = try bench.readyLink(try bench.configuration(server.url, timeoutMs: 200))
        server.suspend()
        var outcomes: [Outcome] = []
        let took = try elapsed {
            for _ in 0..<3 { link.send(CommandBuffer("PING")) { outcomes.append(Outcome($0)) } }
            link.flush()
            try bench.run(until: "the deadline") { outcomes.count == 3 }
        }
        #expect(outcomes.allSatisfy { $0 == .failure(.timedOut) })
        #expect(took >= 0.19 && took < 2)
        #expect(!link.isReady)
        server.resume()
        try bench.run(until: "ready again") { link.isReady }
        #expect(try bench.ask(link, "PING") == .value("PONG"))
    }

    @Test func commandBeyondTheCapFailsUnsentWhenItsTimeIsOver() throws {
        let server = try RedisServer()
        let bench = try Bench()
        var configuration = try bench.configuration(server.url, timeoutMs: 300)
        configuration.pipelineCap = 1
        let link = try bench.readyLink(configuration)
        server.suspend()
        var outcomes: [Outcome] = []
        for _ in 0..<2 { link.send(CommandBuffer("PING")) { outcomes.append(Outcome($0)) } }
        link.flush()
        try bench.run(until: "both ended") { outcomes.count == 2 }
        #expect(outcomes[0] == .failure(.timedOut))
        guard case .failure(.notReady) = outcomes[1] else {
            Issue.record("\(outcomes)")
            return
        }
        server.resume()
    }

    @Test func fullServerRefusesWritesAndTheLinkStays() throws {
        let server = try RedisServer()
        let bench = try Bench()
        let link = try bench.readyLink(try bench.configuration(server.url), scripts: [add])
        try server.command("CONFIG", "SET", "maxmemory", "1")
        #expect(try bench.ask(link, "SET", "a", "b").failure?.kind == .full)
        #expect(try bench.ask(link, add, keys: ["sum"], "1").failure?.kind == .full)
        #expect(link.isReady && link.reconnects == 0)
    }

    @Test func serverThatBecameAReplicaIsFoundOutByAWrite() throws {
        let server = try RedisServer()
        let bench = try Bench()
        let link = try bench.readyLink(try bench.configuration(server.url), scripts: [add])
        try server.command("REPLICAOF", "127.0.0.1", "1")
        let refused = try bench.ask(link, add, keys: ["sum"], "1").failure
        #expect(refused?.kind == .unavailable)
        try bench.run(until: "the new check") { link.problem?.contains("is a replica") == true }
        try server.command("REPLICAOF", "NO", "ONE")
        try bench.run(until: "ready again") { link.isReady }
        #expect(try bench.ask(link, add, keys: ["sum"], "1") == .number(1))
    }

    @Test func allThatWasSentHasItsAnswerBeforeTheNewCheck() throws {
        let server = try RedisServer()
        let bench = try Bench()
        let link = try bench.readyLink(try bench.configuration(server.url))
        try server.command("REPLICAOF", "127.0.0.1", "1")
        var outcomes: [Outcome] = []
        link.send(CommandBuffer("SET", "a", "b")) { result in
            outcomes.append(Outcome(result))
            link.send(CommandBuffer("SET", "later", "1")) { outcomes.append(Outcome($0)) }
        }
        for _ in 0..<3 { link.send(CommandBuffer("PING")) { outcomes.append(Outcome($0)) } }
        link.flush()
        try bench.run(until: "all ended") { outcomes.count == 5 }
        #expect(outcomes[0].failure?.kind == .unavailable)
        #expect(outcomes[1...3].allSatisfy { $0 == .value("PONG") })
        guard case .failure(.notReady) = outcomes[4] else {
            Issue.record("\(outcomes)")
            return
        }
    }

    @Test func stopFailsWhatIsUnderWayInALaterTurn() throws {
        let server = try RedisServer()
        let bench = try Bench()
        let link = try bench.readyLink(try bench.configuration(server.url))
        var outcome: Outcome?
        link.send(CommandBuffer("PING")) { outcome = Outcome($0) }
        link.stop()
        #expect(outcome == nil)
        try bench.run(until: "the failure") { outcome != nil }
        guard case .failure(.lost) = outcome else {
            Issue.record("\(outcome!)")
            return
        }
        #expect(link.state == .stopped)
    }

    @Test func linkThatNobodyHoldsIsGone() throws {
        let server = try RedisServer()
        let bench = try Bench()
        weak var gone: RedisLink?
        do {
            let link = try bench.readyLink(try bench.configuration(server.url), scripts: [add])
            _ = try bench.ask(link, add, keys: ["a"], "1")
            gone = link
        }
        #expect(gone == nil)
        try eventually(within: 5, "the server sees it") {
            try server.command("CLIENT", "LIST").string?.contains("link-test") == false
        }
    }
}
