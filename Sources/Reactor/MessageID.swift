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
    /// Redis is connected, at the start or again.
    case redisBack = "a677bf29b0d648f7b8ae7a26239d42c0"
    /// Redis is set up so that jobs may get lost: it evicts keys, or does not keep them on disk.
    case redisRisk = "78b6836ac8dd4cd8a7ee53e534231cef"
    /// The daemon's own redis-server has ended by itself.
    case ownRedisEnded = "605c14c35a504ed59f0cccc76b547319"
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
    /// The process has no file descriptors left for connections.
    case noDescriptors = "7606d5f65c074d91a881553dc3a9b877"
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
