// The one owner of a `redisContext`: made from a connected socket, freed (and the socket closed) in `deinit`.
//
// The context is the plain non-blocking one, used as buffer, parser and formatter only; connecting, deadlines and
// reconnecting are ours. Errors of a context are final, and its owner drops it; only after a failed write one may still
// read, since what the server said before it closed (why, or the last replies) is still there.

import CHiredis
import Glibc

/// Why a context is of no more use, in hiredis's words.
struct HiredisError: Error, CustomStringConvertible {
    let description: String
}

/// A connected link at the level of bytes and replies.
final class HiredisContext {
    // Never null: the initialiser traps on out of memory, as Swift itself does.
    private let context: UnsafeMutablePointer<redisContext>

    /// Takes over a connected, non-blocking socket.
    init(adopting socket: Descriptor) {
        guard let context = jobqd_redis_adopt(socket.release()), context.pointee.err == 0 else {
            fatalError("out of memory in redisConnectFd")
        }
        self.context = context
    }

    deinit { redisFree(context) }

    var fd: Int32 { context.pointee.fd }

    /// Adds bytes in RESP to what waits to be written. Any part of a command may be added: hiredis only appends
    /// (hiredis.h: "Write a formatted command to the output buffer").
    func append(_ bytes: [UInt8]) throws(HiredisError) {
        let result = bytes.withUnsafeBytes {
            redisAppendFormattedCommand(context, $0.baseAddress?.assumingMemoryBound(to: CChar.self), $0.count)
        }
        guard result == REDIS_OK else { throw error() }
    }

    /// Bytes that wait to be written.
    var unsentBytes: Int { jobqd_redis_unsent(context) }

    /// Writes what waits, once; false: the socket took only a part.
    func write() throws(HiredisError) -> Bool {
        var done: Int32 = 0
        guard redisBufferWrite(context, &done) == REDIS_OK else {
            // redisBufferRead() "returns early when the context has seen an error", so the mark is taken off.
            defer { context.pointee.err = 0 }
            throw error()
        }
        return done == 1
    }

    /// Reads once, at most 16 KiB (hiredis's own buffer); how much there was, 0: nothing more for now.
    func read() throws(HiredisError) -> Int {
        let before = jobqd_redis_buffered(context)
        guard redisBufferRead(context) == REDIS_OK else { throw error() }
        return jobqd_redis_buffered(context) - before
    }

    /// Hands the next complete reply to `body` and frees it afterwards; false: there is none yet.
    func takeReply(_ body: (ReplyView) -> Void) throws(HiredisError) -> Bool {
        var reply: UnsafeMutableRawPointer?
        guard redisGetReply(context, &reply) == REDIS_OK else { throw error() }
        guard let reply else { return false }
        defer { freeReplyObject(reply) }
        // redisGetReply() hands out what the default reply functions made, and those make redisReply.
        body(ReplyView(UnsafePointer(reply.assumingMemoryBound(to: redisReply.self))))
        return true
    }

    /// The larger of hiredis's reads: a read of this size may have left more behind.
    static let readSize = 16 * 1024

    private func error() -> HiredisError {
        let text = String(cString: jobqd_redis_error(context))
        // 0.14 fills errstr by strerror_r() for I/O errors, so it is never empty there; 1.x the same.
        return HiredisError(description: text.isEmpty ? "error \(context.pointee.err)" : text)
    }
}
