// The reader of HTTP heads: the same bytes in arbitrary chunks must be understood alike, and what is taken for a request must
// be one.
//
// Input: one byte for the chunk sizes (0: one byte at a time), then the stream.

import Wire

public enum HTTPRequestBody {
    /// Checks one input.
    public static func check(_ input: UnsafeRawBufferPointer) throws {
        guard input.count >= 1 else { return }
        let stream = UnsafeRawBufferPointer(rebasing: input[1...])
        let whole = outcome(stream, chunk: max(1, stream.count))
        let parts = outcome(stream, chunk: 1 + Int(input[0]))
        try require(whole == parts, "in chunks: \(String(describing: parts)) instead of \(String(describing: whole))")
        guard case .request(let request) = whole else { return }
        try require(
            !request.path.isEmpty && request.path.utf8.allSatisfy { 0x21...0x7E ~= $0 && $0 != 0x3F },
            "the path is \(request.path)")
        let word = request.isHead ? "HEAD " : "GET "
        let start = stream.drop { $0 == 0x0D || $0 == 0x0A }
        try require(start.starts(with: word.utf8), "taken for \(word)")
        try require(stream.lastIndex(of: 0x0A) != nil, "a head without an end")
    }

    private static func outcome(_ stream: UnsafeRawBufferPointer, chunk: Int) -> HTTPRequestReader.Outcome? {
        var reader = HTTPRequestReader()
        var start = 0
        while start < stream.count {
            let end = min(stream.count, start + chunk)
            if let outcome = reader.append(UnsafeRawBufferPointer(rebasing: stream[start..<end])) { return outcome }
            start = end
        }
        return nil
    }
}
