// Clients that make the daemon hold memory: half lines, requests that wait for Redis, replies that nobody reads, claims of
// many queues. Whatever they do, the process stays within its budget, a small client is served meanwhile, and afterwards
// the memory is the kernel's again.

import Foundation
import Harness
import Testing

@Suite(.serialized, .timeLimit(.minutes(2))) struct MemoryTests {
    private static let budget = 64 << 20
    private let redis: RedisServer
    private let daemon: Daemon
    private let small: LineClient
    private let before: Int

    init() throws {
        redis = try RedisServer()
        daemon = try Daemon(.redis(redis), arguments: ["--memory-bytes", "64M"])
        small = try daemon.connect()
        before = try Self.resident(daemon.pid)
    }

    /// VmRSS in bytes.
    private static func resident(_ pid: Int32) throws -> Int {
        let status = try String(contentsOfFile: "/proc/\(pid)/status", encoding: .utf8)
        let line = status.split(separator: "\n").first { $0.hasPrefix("VmRSS:") }
        return (line?.split(separator: " ").dropFirst().first.flatMap { Int($0) } ?? 0) << 10
    }

    /// Sends to all clients by turns what their sockets take, until each took `bytes` or nothing more goes; returns the most
    /// memory that the daemon had.
    private func flood(_ clients: [LineClient], _ bytes: [UInt8], idle: Double = 1) throws -> Int {
        var sent = [Int](repeating: 0, count: clients.count)
        var isOver = [Bool](repeating: false, count: clients.count)
        var most = 0
        var deadline = Deadline(after: idle)
        while isOver.contains(false), !deadline.hasPassed {
            for (index, client) in clients.enumerated() where !isOver[index] {
                let count = client.socket.writeSome(bytes[sent[index]...])
                if count > 0 {
                    sent[index] += count
                    deadline = Deadline(after: idle)
                    isOver[index] = sent[index] == bytes.count
                } else if errno != EAGAIN && errno != EINTR {
                    isOver[index] = true
                }
            }
            most = max(most, try Self.resident(daemon.pid))
        }
        return most
    }

    /// The process stayed within the budget and a fifth of it, beside what it takes when it does nothing.
    private func expectWithinBudget(_ most: Int) {
        let allowed = before + Self.budget / 5 * 6
        #expect(most <= allowed, "\(most >> 20) MiB are resident, of \(allowed >> 20) that may be")
    }

    private func expectMemoryComesBack() throws {
        try eventually(within: 20, "the memory is given back") {
            try Self.resident(daemon.pid) < before + 12 << 20
        }
        try eventually(within: 10, "nothing is counted") {
            try small.call("info")["memory"]["held_bytes"].int! < 10_000
        }
    }

    @Test func halfLinesOfManyConnectionsStayWithinTheBudget() throws {
        let clients = try (0..<200).map { _ in try daemon.connect() }
        let half = Array(#"{"op":"ping","x":""#.utf8) + [UInt8](repeating: 0x61, count: 1_000_000)
        expectWithinBudget(try flood(clients, half))
        try small.call("ping", ["store": true])
        #expect(try small.call("info")["memory"]["paused"].int! > 0)
        // They wait for memory that does not come free: those who hold most are dropped, and never the small one.
        try eventually(within: 30, "some are dropped") { try small.call("info")["memory"]["dropped"].int! > 0 }
        #expect(daemon.log.contains("is dropped: it holds"))
        for client in clients { client.close() }
        try expectMemoryComesBack()
    }

    @Test func requestsThatWaitForRedisStayWithinTheBudget() throws {
        redis.suspend()
        defer { redis.resume() }
        let clients = try (0..<6).map { _ in try daemon.connect() }
        let payload = String(repeating: "x", count: 500_000)
        let lines = (0..<100).map { #"{"op":"enqueue","id":\#($0),"queue":"q\#($0 % 4)","payload":"\#(payload)"}"# }
        expectWithinBudget(try flood(clients, Array((lines.joined(separator: "\n") + "\n").utf8)))
        try small.call("ping")
        redis.resume()
        for client in clients { client.close() }
        try expectMemoryComesBack()
        try small.call("ping", ["store": true])
    }

    @Test func repliesThatNobodyReadsStayWithinTheBudget() throws {
        let job = try small.enqueue("q", ["payload": JSON(String(repeating: "x", count: 900_000))])
        let clients = try (0..<60).map { _ in try daemon.connect() }
        for client in clients {
            try client.sendRaw((0..<4).map { #"{"op":"get","id":\#($0),"job":"\#(job)"}\#n"# }.joined())
        }
        var most = 0
        let deadline = Deadline(after: 3)
        while !deadline.hasPassed {
            most = max(most, try Self.resident(daemon.pid))
            try small.call("ping", ["store": true])
        }
        expectWithinBudget(most)
        try eventually(within: 30, "those who do not read are dropped") {
            try small.call("info")["connections_dropped"].int! > 0
        }
        for client in clients { client.close() }
        try expectMemoryComesBack()
    }

    @Test func connectionsThatGoWhileRedisIsAwayLeaveNoMoreBehindThanTheBudget() throws {
        redis.suspend()
        defer { redis.resume() }
        let line = Array(
            #"{"op":"enqueue","queue":"q","payload":"\#(String(repeating: "x", count: 60_000))"}\#n"#.utf8)
        var most = 0
        let deadline = Deadline(after: 4)
        while !deadline.hasPassed {
            let client = try daemon.connect()
            _ = client.socket.writeSome(line[...])
            client.close()
            most = max(most, try Self.resident(daemon.pid))
        }
        expectWithinBudget(most)
        redis.resume()
        try expectMemoryComesBack()
        try small.call("ping", ["store": true])
    }
}
