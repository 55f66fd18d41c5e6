// Cuts a stream of bytes into lines, as the protocol's framing rules say, with bounded memory.
//
// Bytes are appended as they come from the socket, in chunks of any size; `next` hands out one complete line at a time,
// without its `\n` and without a `\r` before it. Each byte is copied once and looked at once: `searched` remembers how
// far the search for `\n` has come, and the consumed front is closed up only when it is the larger half of the buffer.
// A line beyond the limit is reported once, with its first bytes, as soon as the limit is passed, and skipped up to its `\n`
// without being kept. Nothing here knows JSON.

/// Splits incoming bytes into lines of at most `limit` bytes (not counting `\n`, or a `\r` before it).
public struct LineFramer {
    /// What `next` found.
    public enum Frame {
        /// A line, neither empty nor blank. The bytes are valid during the call of the body only.
        case line(UnsafeRawBufferPointer)
        /// A line passed the limit. Reported once for it; what is left of the line is skipped. `head` has its first bytes, at
        /// most `LineFramer.headBytes` and no more than the limit, and is valid during the call of the body only.
        case tooLong(head: UnsafeRawBufferPointer)
    }

    /// How much of a line that is too long is shown.
    public static let headBytes = RequestHead.maximumBytes

    /// Capacity an idle framer keeps; more is given back.
    private static let idleCapacity = 512

    private let limit: Int
    private var buffer: [UInt8] = []
    /// Where the first unconsumed byte is.
    private var head = 0
    /// Up to here there is no `\n` after `head`.
    private var searched = 0
    /// Inside a line that was reported as too long.
    private var isSkipping = false
    /// Bytes of memory that were touched: input that waits, and input that was consumed and not closed up yet.
    public private(set) var footprint = 0

    /// A framer for lines of at most `limit` bytes, which must be positive.
    public init(limit: Int) {
        precondition(limit > 0)
        self.limit = limit
    }

    /// How many bytes wait inside: never more than `limit` and one read, when `next` is called until it says false.
    public var bufferedBytes: Int { buffer.count - head }

    /// Takes what was read.
    public mutating func append(_ bytes: UnsafeRawBufferPointer) {
        var rest = bytes
        if isSkipping && head == buffer.count {
            // Nothing waits in front of these bytes, so the skipped line's part of them need not be stored.
            guard let end = ByteSearch.first(0x0A, in: rest, from: 0) else { return }
            isSkipping = false
            rest = UnsafeRawBufferPointer(rebasing: rest[(end + 1)...])
        }
        closeUp()
        buffer.append(contentsOf: rest)
        footprint = max(footprint, buffer.count)
    }

    /// Takes the next complete frame and shows it to `body`; false when there is none yet.
    ///
    /// `body` must not touch this framer: its bytes are lent out. The frame counts as taken also when `body` throws.
    public mutating func next(_ body: (Frame) throws -> Void) rethrows -> Bool {
        while head < buffer.count {
            guard let end = findLineEnd() else {
                if isSkipping {
                    discardAll()
                    return false
                }
                guard isBeyondLimit else { break }
                isSkipping = true
                defer { discardAll() }
                try report(head..<buffer.count, to: body)
                return true
            }
            let start = head
            head = end + 1
            searched = head
            defer { if head == buffer.count { giveBack() } }
            if isSkipping {
                isSkipping = false
                continue
            }
            let line = start..<(end > start && buffer[end - 1] == 0x0D ? end - 1 : end)
            if line.count > limit {
                try report(line, to: body)
                return true
            }
            if isBlank(line) { continue }
            try buffer.withUnsafeBytes { try body(.line(UnsafeRawBufferPointer(rebasing: $0[line]))) }
            return true
        }
        giveBack()
        return false
    }

    private func report(_ line: Range<Int>, to body: (Frame) throws -> Void) rethrows {
        let head = line.prefix(min(Self.headBytes, limit))
        try buffer.withUnsafeBytes { try body(.tooLong(head: UnsafeRawBufferPointer(rebasing: $0[head]))) }
    }

    private mutating func findLineEnd() -> Int? {
        let found = buffer.withUnsafeBytes { ByteSearch.first(0x0A, in: $0, from: searched) }
        if found == nil { searched = buffer.count }
        return found
    }

    /// Whether the unfinished line is too long whatever follows. One byte over may still be the `\r` before `\n`.
    private var isBeyondLimit: Bool {
        let length = buffer.count - head
        return length > limit + 1 || (length == limit + 1 && buffer[buffer.count - 1] != 0x0D)
    }

    private func isBlank(_ line: Range<Int>) -> Bool {
        for index in line {
            switch buffer[index] {
            case 0x20, 0x09, 0x0D: continue
            default: return false
            }
        }
        return true
    }

    private mutating func discardAll() {
        head = buffer.count
        giveBack()
    }

    /// Moves what is left to the front when at least as much was consumed: each byte moves at most once on average.
    private mutating func closeUp() {
        guard head > 0, head >= buffer.count - head else { return }
        buffer.removeSubrange(0..<head)
        searched -= head
        head = 0
    }

    /// After the last complete line: a buffer of which little is used does not keep its large storage.
    private mutating func giveBack() {
        let rest = buffer.count - head
        if buffer.capacity <= Self.idleCapacity {
            if rest == 0 {
                buffer.removeAll(keepingCapacity: true)
                head = 0
                searched = 0
            }
        } else if rest <= max(Self.idleCapacity / 2, footprint / 4) {
            buffer = Array(buffer[head...])
            searched -= head
            head = 0
            footprint = rest
        }
    }
}
