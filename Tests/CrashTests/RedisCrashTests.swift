// Redis dies and comes back on its append-only file. With `appendfsync always` every acknowledged write is there. When
// it lost its last writes, only those may be missing, and tokens of claims it no longer knows must change nothing. A
// crash of the machine is played by cutting the file.

import Foundation
import Harness
import Testing

@Suite(.serialized, .timeLimit(.minutes(2))) struct RedisCrashTests {
    @Test(arguments: [RedisServer.AppendOnly.always, .everysec])
    func killedAndRestartedOnItsFileNothingAcknowledgedIsMissing(_ fsync: RedisServer.AppendOnly) throws {
        let seed = SeededRandom.seed(#function)
        var random = SeededRandom(seed)
        let redis = try RedisServer(aof: fsync)
        let daemon = try Daemon(.redis(redis))
        let load = Load(queue: "aof", sockets: [daemon.socketPath], seed: seed)
        var lost: [Verdict.Span] = []
        for _ in 0..<6 {
            try pass(Double.random(in: 0.2...0.8, using: &random))
            let before = History.now()
            redis.kill()
            // `everysec` may hold writes back for up to two seconds while the disk is busy.
            if fsync == .everysec { lost.append((before - 2_000_000_000)...History.now()) }
            try redis.start()
        }
        try load.drain(through: daemon.socketPath)
        try Verdict(load: load, lost: lost).check(daemon, redis)
    }

    @Test func whenRedisLostItsLastWritesOnlyThoseAreMissing() throws {
        let seed = SeededRandom.seed(#function)
        var random = SeededRandom(seed)
        let redis = try RedisServer(aof: .always)
        let daemon = try Daemon(.redis(redis))
        let load = Load(queue: "cut", sockets: [daemon.socketPath], seed: seed)
        var lost: [Verdict.Span] = []
        for _ in 0..<6 {
            try pass(Double.random(in: 0.3...0.8, using: &random))
            // All that was answered by now stands in the first `size` bytes.
            let safe = History.now()
            let file = try incrementalFile(redis)
            let size = try byteCount(file)
            try pass(Double.random(in: 0.05...0.3, using: &random))
            redis.kill()
            try cut(file, after: size, &random)
            lost.append(safe...History.now())
            try redis.start()
        }
        try load.drain(through: daemon.socketPath)
        try Verdict(load: load, lost: lost).check(daemon, redis)
    }

    /// Cuts the file off behind one of the transactions that begin at or after `size`.
    ///
    /// Not in the midst of one: that the server's `start()` would cut off.
    private func cut(_ path: String, after size: Int, _ random: inout SeededRandom) throws {
        let data = try Data(contentsOf: URL(fileURLWithPath: path))
        var ends = [size]
        var from = size
        while let found = data.range(of: Data("\r\n$4\r\nEXEC\r\n".utf8), in: from..<data.count) {
            ends.append(found.upperBound)
            from = found.upperBound
        }
        guard truncate(path, off_t(ends.randomElement(using: &random)!)) == 0 else {
            throw HarnessError("truncate \(path)")
        }
    }

    private func incrementalFile(_ redis: RedisServer) throws -> String {
        let folder = redis.directory.file("appendonlydir")
        let names = try FileManager.default.contentsOfDirectory(atPath: folder).filter { $0.hasSuffix(".incr.aof") }
        guard let name = names.max(by: { $0.count == $1.count ? $0 < $1 : $0.count < $1.count }) else {
            throw HarnessError("no append-only file")
        }
        return folder + "/" + name
    }

    private func byteCount(_ path: String) throws -> Int {
        (try FileManager.default.attributesOfItem(atPath: path)[.size] as? NSNumber)?.intValue ?? 0
    }
}
