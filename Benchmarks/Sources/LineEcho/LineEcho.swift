// The barest server of lines on the loop: each line that is read is written back. No JSON, no session, no store; what the
// daemon costs beyond this is its own doing. A line that came in pieces is put together, as any server of lines must.

import Glibc
import Reactor

/// Answers the lines of one connection with themselves.
public final class LineEcho: ByteStreamDelegate {
    private var partial: [UInt8] = []

    public init() {}

    public func streamDidRead(_ stream: ByteStream, _ bytes: UnsafeRawBufferPointer) {
        var start = 0
        while let newline = memchr(bytes.baseAddress! + start, 10, bytes.count - start) {
            let end = UnsafeRawPointer(newline) - bytes.baseAddress! + 1
            answer(stream, UnsafeRawBufferPointer(rebasing: bytes[start..<end]))
            start = end
            if start == bytes.count { return }
        }
        partial += bytes[start...]
    }

    private func answer(_ stream: ByteStream, _ line: UnsafeRawBufferPointer) {
        if !partial.isEmpty {
            stream.write(partial)
            partial = []
        }
        stream.write(line)
    }

    public func streamDidEndInput(_ stream: ByteStream) { stream.closeAfterFlush() }

    public func streamDidClose(_ stream: ByteStream, reason: CloseReason) {}
}
