// The shapes every reply has: `{"id":7,"ok":true,…}` and `{"id":7,"ok":false,"error":{…}}`.
//
// What stands between `beginReply` and `endReply` is the broker's.

extension JSONWriter {
    /// Begins the line of a good reply: `{"id":7,"ok":true`. Without an id the member is left out.
    public mutating func beginReply(id: [UInt8]?) {
        beginObject()
        if let id { member("id", raw: id) }
        member("ok", true)
    }

    /// Ends a reply and its line.
    public mutating func endReply() {
        endObject()
        endLine()
    }

    /// What ends a reply, and its line, whose last member went its own way.
    public static let endOfLongReply: [UInt8] = [0x7D, 0x0A]

    /// The whole line of a refusal.
    public mutating func errorReply(id: [UInt8]?, _ error: WireError) {
        beginObject()
        if let id { member("id", raw: id) }
        member("ok", false)
        key("error")
        errorObject(error)
        endReply()
    }

    /// The value of `error`.
    public mutating func errorObject(_ error: WireError) {
        beginObject()
        member("code", error.code.rawValue)
        member("message", error.message)
        member("retryable", error.code.isRetryable)
        if let field = error.field { member("field", field) }
        if let index = error.index { member("index", index) }
        if let state = error.state { member("state", state.rawValue) }
        if let retryAfterMs = error.retryAfterMs { member("retry_after_ms", retryAfterMs) }
        if let supported = error.supported {
            key("supported")
            beginArray()
            for version in supported { integer(version) }
            endArray()
        }
        if let ref = error.ref { member("ref", ref) }
        endObject()
    }
}
