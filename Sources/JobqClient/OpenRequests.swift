// The requests of a link that have no answer yet, and which of them a reply belongs to.
//
// A reply carries the `id` of its request. A refusal without one is about a line that the daemon could not read: too long, or no
// JSON. Then it answers the longest request, or the oldest; one that waits on purpose (a claim) was read before, so it is
// the last to be meant.

import Wire

/// What was asked and has no answer.
struct OpenRequests {
    struct Request {
        let line: RequestLine
        let startedAt: Int64
        let deadline: Int64?
        let then: (JobqLink.Answer) -> Void
        var wasSent = false
        /// It was sent over a connection that is gone.
        var wasLost = false
        /// How long its line was when it was sent.
        var bytes = 0
        var retryAt: Int64?
        var pause: ReconnectPause
        var refusal: ProtocolError?
        /// It cannot be sent at all: what it is answered with at the next turn.
        var failure: ProtocolError?

        init(_ line: RequestLine, startedAt: Int64, deadline: Int64?, then: @escaping (JobqLink.Answer) -> Void) {
            self.line = line
            self.startedAt = startedAt
            self.deadline = deadline
            self.then = then
            // A renewal must come before the lease is over, which may be soon.
            pause = ReconnectPause(shortestMs: 100, longestMs: line.operation == "extend" ? 250 : 1_000)
        }

        /// The daemon has it, or had it last.
        fileprivate var isAtDaemon: Bool { wasSent && retryAt == nil && failure == nil }
    }

    private var byNumber: [Int: Request] = [:]

    var count: Int { byNumber.count }
    var isEmpty: Bool { byNumber.isEmpty }
    /// Oldest first.
    var numbers: [Int] { byNumber.keys.sorted() }
    var all: some Collection<Request> { byNumber.values }

    subscript(number: Int) -> Request? {
        get { byNumber[number] }
        set { byNumber[number] = newValue }
    }

    @discardableResult
    mutating func remove(_ number: Int) -> Request? { byNumber.removeValue(forKey: number) }

    /// The number of the request that a reply answers; nil: nobody waits for it any more.
    func addressee(of reply: JSONDocument) -> Int? {
        if let id = reply["id"], !id.isNull {
            return id.integer.map { Int($0) }.flatMap { byNumber[$0] == nil ? nil : $0 }
        }
        let candidates = byNumber.filter { $0.value.isAtDaemon }
        if reply["error"]?["code"]?.string == ErrorCode.lineTooLong.rawValue {
            return candidates.max { ($0.value.bytes, $1.key) < ($1.value.bytes, $0.key) }?.key
        }
        let prompt = candidates.filter { !$0.value.line.waitsOnPurpose }
        return (prompt.isEmpty ? candidates : prompt).keys.min()
    }
}
