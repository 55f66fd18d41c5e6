// The end of an append-only file whose server was killed while it wrote.

import Foundation
import Harness
import Testing

@testable import Redis

@Suite(.serialized, .timeLimit(.minutes(2))) struct AppendOnlyTailTests {
    private let set = "*3\r\n$3\r\nSET\r\n$1\r\na\r\n$1\r\n1\r\n"
    private let begin = "*1\r\n$5\r\nMULTI\r\n"
    private let end = "*1\r\n$4\r\nEXEC\r\n"

    private func cut(_ text: String) -> Int? {
        Array(text.utf8).withUnsafeBytes { AppendOnlyTail.unfinishedTransaction($0) }
    }

    @Test func finishedTransactionsStay() {
        #expect(cut("") == nil)
        #expect(cut(set) == nil)
        #expect(cut(begin + set + end) == nil)
        #expect(cut(begin + set + end + set) == nil)
        // Half a command behind it is for Redis to cut off, which it does.
        #expect(cut(begin + set + end + set.dropLast(4)) == nil)
    }

    @Test func anUnfinishedTransactionIsFoundAtItsBeginning() {
        let before = begin + set + end + set
        for tail in [begin, begin + set, begin + set.dropLast(3), begin + set + set + end.dropLast(2)] {
            #expect(cut(before + tail) == before.utf8.count)
            #expect(cut(tail) == 0)
        }
    }

    @Test func anUnfinishedTransactionIsNeverExecuted() throws {
        let folder = try TemporaryDirectory()
        let state = folder.file("state")
        func withServer(_ body: (Bench, RedisLink) throws -> Void) throws {
            let bench = try Bench()
            let server = try PrivateRedis(loop: bench.loop, stateDirectory: state, logger: bench.logger)
            let link = bench.link(try bench.configuration("\(server.address)"))
            server.start()
            link.start()
            try bench.run(until: "ready") { link.isReady }
            try body(bench, link)
            link.stop()
            var isGone = false
            server.stop { isGone = true }
            try bench.run(until: "the server ended") { isGone }
        }
        try withServer { bench, link in _ = try bench.ask(link, "SET", "kept", "1") }
        let files = try FileManager.default.contentsOfDirectory(atPath: state + "/appendonlydir")
        let name = try #require(files.first { $0.hasSuffix(".incr.aof") })
        let log = try #require(FileHandle(forWritingAtPath: state + "/appendonlydir/" + name))
        try log.seekToEnd()
        try log.write(contentsOf: Data((begin + set).utf8))
        try log.close()
        // The second start is the one in which Redis itself would execute it.
        for _ in 0..<2 {
            try withServer { bench, link in
                #expect(try bench.ask(link, "GET", "kept") == .value("1"))
                #expect(try bench.ask(link, "EXISTS", "a") == .number(0))
                _ = try bench.ask(link, "EVAL", "redis.call('SET', 'b', 1) redis.call('SET', 'c', 1)", "0")
            }
        }
        try withServer { bench, link in
            let both = try bench.ask(link, "MGET", "b", "c")
            #expect(both == .list([.value("1"), .value("1")]))
        }
    }
}
