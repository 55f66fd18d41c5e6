// The ids of important messages, by which the journal finds what its catalog says of them (`journalctl -x`), and other
// programs find the messages, whatever their words (`journalctl MESSAGE_ID=…`).
//
// Each has a text in systemd/jobqd.catalog; a test compares the two. An id is never used for another message.

public import Logging

/// What a message in the log is about; the raw value stands in its field MESSAGE_ID (systemd.journal-fields(7)).
public enum MessageID: String, Sendable, CaseIterable {
    /// The sockets serve.
    case ready = "5ee1851df3e8491dbdfd885bfd402785"
    /// The daemon has ended cleanly.
    case stopped = "8799d2dfb0554f47a8500260a08c165e"
    /// Redis cannot be reached or used.
    case redisAway = "219e271e4691420e94a9534295908235"
    /// Redis answers, but cannot be used as it is: it refuses writes, or rights are missing.
    case redisRefuses = "f5d11fd65c02408994840301ac828c02"
    /// A Redis that refused writes takes them again.
    case redisAccepts = "a1728df91fd04a328f038aaca0640a82"
    /// Redis is connected, at the start or again.
    case redisBack = "a677bf29b0d648f7b8ae7a26239d42c0"
    /// Redis is set up so that jobs may get lost: it evicts keys, or does not keep them on disk.
    case redisRisk = "78b6836ac8dd4cd8a7ee53e534231cef"
    /// The daemon's own redis-server has ended by itself.
    case ownRedisEnded = "605c14c35a504ed59f0cccc76b547319"
    /// Nobody was connected to Redis for a while: expired leases stay until workers had time to renew them.
    case reclaimingPaused = "2f4ed0a3c58b4e6fb1d6a7c09e35d814"
    /// The clock of the Redis server was set.
    case clockSet = "c64b1f0d7e9a4f0c9a3fd5b8217e60ab"
    /// The store cannot be had at all, and the daemon ends.
    case storeFailed = "167348a281af4cdb86ad0b9c03feb719"
    /// No new work is taken until a restart.
    case draining = "989279024c2f4d6f81711e8d8539d098"
    /// The configuration was read anew.
    case reloaded = "a8e55e63d2ee49c09f5c8931ab28cd77"
    /// The new configuration has mistakes; the old one holds on.
    case reloadRefused = "a143624587604a5bbd25d41a2ed9b067"
    /// Somebody asked for an operation of administration.
    case administration = "309b3d80a26d45888d171b4f14ac5e95"
    /// Somebody asked for what is not allowed to them.
    case forbidden = "5466132cca7345ecb53b256d7aff3154"
    /// All places for connections are taken.
    case connectionsFull = "fb2037a18b3b4d4fb794a2427ff68ab7"
    /// The daemon's listening addresses do not lead to its sockets.
    case unreachable = "6f14a9c56a7042368a4b2d952770e02b"
    /// The process has no file descriptors left for connections.
    case noDescriptors = "7606d5f65c074d91a881553dc3a9b877"
    /// The limit of open files leaves room for fewer connections than are configured.
    case fewDescriptors = "ed563596baa143008e3c4ac3d8153fb1"
    /// A user has as many connections as one user may have.
    case userFull = "091b538da980428e84eaeba384746872"
    /// A connection was closed because all of them together held too much memory.
    case memoryDrop = "f726563a3f2a4affa034de6b53d89e46"
    /// A worker has ended with jobs in its hands.
    case workerGone = "f812c90132e34e4a8f129a9e61b98f37"
    /// A request met a bug, of the daemon or of what it keeps in Redis.
    case internalError = "3210bdbace114e09a47eff27c02dbb26"

    /// The metadata of a message with this id.
    public func with(_ metadata: Logger.Metadata = [:]) -> Logger.Metadata {
        var result = metadata
        result[Self.key] = .string(rawValue)
        return result
    }

    /// The key of the id among a message's metadata.
    static let key = "message_id"
}
