// Bytes from a descriptor, whole or line by line.
//
// Read without stdio: a line is handed on as soon as it is there, so jobqctl can be driven through a pipe, and `isReady`
// tells whether the next one would have to be waited for.

import Glibc

/// Reads lines from a descriptor, which it does not own.
struct LineReader {
    private let descriptor: Int32
    private var buffer: [UInt8] = []
    private var start = 0
    private var isAtEnd = false
    /// Bytes of the lines handed out, with their ends.
    private(set) var consumed = 0

    static let standardInput = LineReader(STDIN_FILENO)

    init(_ descriptor: Int32) { self.descriptor = descriptor }

    /// How many bytes there are in all; nil when that is not a file.
    var size: Int? {
        var status = stat()
        guard fstat(descriptor, &status) == 0, status.st_mode & S_IFMT == S_IFREG else { return nil }
        return Int(status.st_size)
    }

    /// Whether standard input is something that was given to be read: a pipe or a file, and no terminal, socket or
    /// /dev/null.
    static var isFed: Bool {
        var status = stat()
        guard fstat(STDIN_FILENO, &status) == 0 else { return false }
        return [S_IFIFO, S_IFREG].contains(status.st_mode & S_IFMT)
    }

    /// All that is left.
    func readAll() throws(InputProblem) -> [UInt8] {
        var bytes = Array(buffer[start...])
        while let chunk = try readChunk() { bytes += chunk }
        return bytes
    }

    /// The next line without its end, blank ones too; nil at the end.
    mutating func next() throws(InputProblem) -> [UInt8]? {
        var searched = start
        while true {
            if let end = buffer[searched...].firstIndex(of: 0x0A) {
                defer { start = end + 1 }
                consumed += end + 1 - start
                return Array(buffer[start..<end])
            }
            buffer.removeFirst(start)
            start = 0
            searched = buffer.count
            if !isAtEnd, let chunk = try readChunk() {
                buffer += chunk
                continue
            }
            isAtEnd = true
            // What stands there is half a line then.
            if Interruption.isRequested { return nil }
            defer { buffer = [] }
            consumed += buffer.count
            return buffer.isEmpty ? nil : buffer
        }
    }

    /// Whether `next` would return at once, as far as one can tell.
    var isReady: Bool {
        if isAtEnd || buffer[start...].contains(0x0A) { return true }
        var entry = pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0)
        return poll(&entry, 1, 0) != 0
    }

    /// nil at the end of input, or when Ctrl-C came.
    private func readChunk() throws(InputProblem) -> [UInt8]? {
        let capacity = 64 << 10
        var code: Int32 = 0
        let chunk = [UInt8](unsafeUninitializedCapacity: capacity) { buffer, count in
            repeat {
                count = max(-1, read(descriptor, buffer.baseAddress, capacity))
            } while count < 0 && errno == EINTR && !Interruption.isRequested
            if count < 0, errno != EINTR { code = errno }
            count = max(0, count)
        }
        if code != 0 {
            let source = descriptor == STDIN_FILENO ? "standard input" : "the file"
            throw InputProblem(description: "cannot read \(source): \(String(cString: strerror(code)))", status: .io)
        }
        return chunk.isEmpty ? nil : chunk
    }

    /// Whether a line has nothing but white space.
    static func isBlank(_ line: [UInt8]) -> Bool { line.allSatisfy { $0 <= 0x20 } }
}
