// Time passes in the model test without anybody waiting: every time that is kept somewhere is moved into the past, in Redis
// and in the model alike.
//
// `pass` moves what the scripts compare with their clock, `age` what ends the keeping of records and keys. Redis ends some
// of these by itself, so `age` moves in great steps (see ModelGenerator+Parts.swift).

import Harness
import Wire

@testable import Store

enum ModelClock {
    /// What waits for a time waits so much less.
    static func pass(_ milliseconds: Int64, _ model: MemoryModel, _ server: RedisServer) throws {
        for (name, queue) in model.queues {
            try run(passing, name, milliseconds, server)
            queue.pass(milliseconds)
        }
    }

    private static let passing = """
        local base, shift = ARGV[1], -ARGV[2]
        for _, set in ipairs({'scheduled', 'retrying', 'processing', 'expiry'}) do
          for _, id in ipairs(redis.call('ZRANGE', base .. set, 0, -1)) do
            redis.call('ZINCRBY', base .. set, shift, id)
          end
        end
        for _, key in ipairs(redis.call('KEYS', base .. 'job:*')) do
          for _, field in ipairs({'enqueued_at', 'run_at', 'expires_at'}) do
            if redis.call('HEXISTS', key, field) == 1 then
              redis.call('HINCRBY', key, field, shift)
            end
          end
        end
        local policy = base .. 'policy'
        local paused = redis.call('HGET', policy, 'paused')
        if paused and paused ~= '1' then
          redis.call('HINCRBY', policy, 'paused', shift)
        end
        if redis.call('HEXISTS', policy, 'listened') == 1 then
          redis.call('HINCRBY', policy, 'listened', shift)
        end
        """

    /// What is kept ends so much earlier.
    static func age(_ milliseconds: Int64, _ model: MemoryModel, _ server: RedisServer, now: ServerTime) throws {
        for (name, queue) in model.queues {
            try run(ageing, name, milliseconds, server)
            queue.age(milliseconds)
            queue.dropExpired(now)
            queue.uniques = queue.uniques.filter { $0.value.until ?? .max >= now }
        }
    }

    /// The stream of dead letters is written anew, since the ids of its entries are their times.
    private static let ageing = """
        local base, shift = ARGV[1], -ARGV[2]
        for _, set in ipairs({'cancelled', 'expired'}) do
          for _, id in ipairs(redis.call('ZRANGE', base .. set, 0, -1)) do
            redis.call('ZINCRBY', base .. set, shift, id)
          end
        end
        for _, pattern in ipairs({'job:*', 'unique:*'}) do
          for _, key in ipairs(redis.call('KEYS', base .. pattern)) do
            if pattern == 'job:*' and redis.call('HEXISTS', key, 'finished_at') == 1 then
              redis.call('HINCRBY', key, 'finished_at', shift)
            end
            local ends = redis.call('PEXPIRETIME', key)
            if ends > 0 then
              redis.call('PEXPIREAT', key, string.format('%.0f', ends + shift))
            end
          end
        end
        local dead = base .. 'dead'
        local letters = redis.call('XRANGE', dead, '-', '+')
        if #letters > 0 then
          redis.call('DEL', dead)
          for _, letter in ipairs(letters) do
            local ms, number = string.match(letter[1], '^(%d+)(%-%d+)$')
            local entry = string.format('%.0f', ms + shift) .. number
            redis.call('XADD', dead, entry, unpack(letter[2]))
            local job = string.match(letter[2][2], '/(.*)$')
            redis.call('HSET', base .. 'job:' .. job, 'dead_entry', entry)
          end
        end
        """

    private static func run(_ script: String, _ queue: String, _ milliseconds: Int64, _ server: RedisServer) throws {
        let reply = try server.command(["EVAL", script, "0", "jobq:{\(queue)}:", "\(milliseconds)"])
        if reply.isError { throw ModelMismatch(description: "\(reply)") }
    }
}

extension MemoryQueue {
    fileprivate func pass(_ milliseconds: Int64) {
        for path in [\MemoryQueue.scheduled, \.retrying, \.processing] {
            move(path, by: milliseconds) { $0.placeScore -= milliseconds }
        }
        move(\.expiry, by: milliseconds) { _ in }
        for record in records.values {
            record.enqueuedAt -= milliseconds
            record.runAt = record.runAt.map { $0 - milliseconds }
            record.expiresAt = record.expiresAt.map { $0 - milliseconds }
        }
        if case .until(let end) = policy.paused { policy.paused = .until(end - milliseconds) }
        policy.listened = policy.listened.map { $0 - milliseconds }
    }

    fileprivate func age(_ milliseconds: Int64) {
        for path in [\MemoryQueue.cancelled, \.expired] {
            move(path, by: milliseconds) { $0.placeScore -= milliseconds }
        }
        move(\.dead, by: milliseconds << 20) { $0.placeScore -= milliseconds << 20 }
        move(\.expiring, by: milliseconds) { $0.keptUntil = $0.keptUntil.map { $0 - milliseconds } }
        for record in records.values { record.finishedAt = record.finishedAt.map { $0 - milliseconds } }
        uniques = uniques.mapValues { MemoryUnique(id: $0.id, until: $0.until.map { $0 - milliseconds }) }
    }

    private func move(
        _ path: ReferenceWritableKeyPath<MemoryQueue, ScoredSet>, by milliseconds: Int64, record: (MemoryRecord) -> Void
    ) {
        var moved = ScoredSet()
        for entry in self[keyPath: path].entries(limit: .max) {
            moved.insert(entry.id, score: entry.score - milliseconds)
            if let found = records[entry.id] { record(found) }
        }
        self[keyPath: path] = moved
    }
}
