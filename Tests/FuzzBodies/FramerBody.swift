// The framer against a naive reference: the same bytes in arbitrary chunks must give the same frames.
//
// Input: one byte for the limit, one for the chunk sizes, then the stream. The reference splits the whole stream at
// once, as the protocol's framing rules read.

import Wire

public enum FramerBody {
    enum Frame: Equatable {
        case line([UInt8])
        case tooLong(head: [UInt8])
    }

    /// Checks one input.
    public static func check(_ input: UnsafeRawBufferPointer) throws {
        guard input.count >= 2 else { return }
        let limit = 1 + Int(input[0] % 100)
        try check(UnsafeRawBufferPointer(rebasing: input[2...]), limit: limit, chunks: input[1])
    }

    /// Checks one stream with one limit. `chunks` chooses the sizes of the chunks: 0 is the whole at once.
    public static func check(_ stream: UnsafeRawBufferPointer, limit: Int, chunks: UInt8) throws {
        var framer = LineFramer(limit: limit)
        var frames: [Frame] = []
        var random = UInt32(chunks)
        var start = 0
        while start < stream.count {
            random = random &* 1_664_525 &+ 1_013_904_223
            let size = chunks == 0 ? stream.count : 1 + Int(random >> 16) % Int(chunks)
            let end = min(stream.count, start + size)
            framer.append(UnsafeRawBufferPointer(rebasing: stream[start..<end]))
            start = end
            // Every third chunk waits for the next one before it is looked at.
            if random >> 8 % 3 == 0 && start < stream.count { continue }
            try drain(&framer, into: &frames)
            try require(framer.bufferedBytes <= limit + 1, "\(framer.bufferedBytes) bytes wait, the limit is \(limit)")
        }
        try drain(&framer, into: &frames)
        let expected = reference(Array(stream), limit: limit)
        try require(frames == expected, "limit \(limit), chunks \(chunks): \(frames) instead of \(expected)")
    }

    private static func drain(_ framer: inout LineFramer, into frames: inout [Frame]) throws {
        var more = true
        while more {
            more = framer.next { frame in
                switch frame {
                case .line(let bytes): frames.append(.line(Array(bytes)))
                case .tooLong(let head): frames.append(.tooLong(head: Array(head)))
                }
            }
        }
    }

    /// The framing rules, said as simply as possible.
    static func reference(_ stream: [UInt8], limit: Int) -> [Frame] {
        var frames: [Frame] = []
        var lines = stream.split(separator: 0x0A, omittingEmptySubsequences: false)
        let unfinished = lines.removeLast()
        for line in lines {
            let content = line.last == 0x0D ? line.dropLast() : line
            if content.count > limit {
                frames.append(tooLong(content))
            } else if content.contains(where: { $0 != 0x20 && $0 != 0x09 && $0 != 0x0D }) {
                frames.append(.line(Array(content)))
            }
        }
        if unfinished.count > limit + 1 || (unfinished.count == limit + 1 && unfinished.last != 0x0D) {
            frames.append(tooLong(unfinished))
        }
        return frames

        func tooLong(_ line: ArraySlice<UInt8>) -> Frame {
            .tooLong(head: Array(line.prefix(min(limit, LineFramer.headBytes))))
        }
    }
}
