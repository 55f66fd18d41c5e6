// Standard input as bytes, whole or line by line.
//
// Read by descriptor, without stdio: a line is handed on as soon as it is there, so `jobqctl call -` can be driven through
// a pipe. A read error counts as the end.

import Glibc

enum StandardInput {
    static func readAll() -> [UInt8] {
        var bytes: [UInt8] = []
        while let chunk = readChunk() { bytes += chunk }
        return bytes
    }

    /// Calls `body` with each line that is not blank, as soon as it is there.
    static func eachLine(_ body: ([UInt8]) throws -> Void) rethrows {
        var rest: [UInt8] = []
        while let chunk = readChunk() {
            rest += chunk
            while let end = rest.firstIndex(of: 0x0A) {
                let line = Array(rest[..<end])
                rest.removeFirst(end + 1)
                if !isBlank(line) { try body(line) }
            }
        }
        if !isBlank(rest) { try body(rest) }
    }

    private static func isBlank(_ line: [UInt8]) -> Bool { line.allSatisfy { $0 <= 0x20 } }

    /// nil at the end of input or when it cannot be read.
    private static func readChunk() -> [UInt8]? {
        let capacity = 64 << 10
        let chunk = [UInt8](unsafeUninitializedCapacity: capacity) { buffer, count in
            repeat {
                count = max(-1, read(STDIN_FILENO, buffer.baseAddress, capacity))
            } while count < 0 && errno == EINTR
            count = max(0, count)
        }
        return chunk.isEmpty ? nil : chunk
    }
}
