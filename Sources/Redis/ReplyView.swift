// A reply as hiredis holds it, looked at in place: nothing is converted that nobody asks for.
//
// A view borrows a `redisReply`, which is freed as soon as the completion it was handed to returns. Whoever wants to
// keep something copies it (`string`, `array`). Types that came with RESP3 (hiredis 1.x) are `.other`: we
// never switch to RESP3, so one of them is an error and not nil.

import CHiredis

/// A borrowed view of one reply of Redis; valid only inside the completion that received it.
public struct ReplyView {
    /// What kind of reply it is.
    public enum Kind: Sendable { case string, array, integer, `nil`, status, error, other }

    // Non-null by contract of redisGetReply(), and for elements by that of hiredis's createArray: a reply is only
    // handed out when all its elements are there.
    private let reply: UnsafePointer<redisReply>

    init(_ reply: UnsafePointer<redisReply>) { self.reply = reply }

    /// Its kind.
    public var kind: Kind {
        switch reply.pointee.type {
        case REDIS_REPLY_STRING: .string
        case REDIS_REPLY_ARRAY: .array
        case REDIS_REPLY_INTEGER: .integer
        case REDIS_REPLY_NIL: .nil
        case REDIS_REPLY_STATUS: .status
        case REDIS_REPLY_ERROR: .error
        default: .other
        }
    }

    /// Whether it is nil (a missing value), which is not an empty string.
    public var isNil: Bool { kind == .nil }

    /// The number of an integer reply, 0 for all others.
    public var integer: Int64 { kind == .integer ? reply.pointee.integer : 0 }

    /// A number that came as an integer or as decimal text (Lua's integers lose digits, so scripts send text), or nil.
    public var number: Int64? {
        switch kind {
        case .integer: reply.pointee.integer
        case .string, .status: Int64(string)
        default: nil
        }
    }

    /// The bytes of a string, status or error; empty for all others.
    public var bytes: UnsafeRawBufferPointer {
        switch kind {
        case .string, .status, .error: UnsafeRawBufferPointer(start: reply.pointee.str, count: reply.pointee.len)
        default: UnsafeRawBufferPointer(start: nil, count: 0)
        }
    }

    /// A copy of `bytes`.
    public var array: [UInt8] { Array(bytes) }

    /// `bytes` as text; what is not UTF-8 is replaced by U+FFFD.
    public var string: String { String(decoding: bytes, as: UTF8.self) }

    /// Number of elements of an array, 0 for all others.
    public var count: Int { kind == .array ? reply.pointee.elements : 0 }

    /// An element of an array. An index outside is a bug of the caller and traps.
    public subscript(index: Int) -> ReplyView {
        precondition(index >= 0 && index < count, "no such element in the reply")
        return ReplyView(reply.pointee.element[index]!)
    }
}
