// What the tests of the loop share: turning it until something holds, socket pairs, a delegate that remembers.
//
// A test runs its loop on its own thread, turn by turn, with a deadline. Signal masks changed on the way are put back,
// since the thread belongs to the test library. What would disturb the whole process (no descriptors left, a
// descriptor 3 of one's own) runs on a thread with a descriptor table of its own.

import Foundation
import Glibc
import Harness
import Reactor
import Testing

extension Loop {
    /// Turns until `condition` holds; throws when it does not within `seconds`.
    func turn(until what: String, within seconds: Double = 5, _ condition: () throws -> Bool) throws {
        let deadline = Deadline(after: seconds)
        while try !condition() {
            if deadline.hasPassed { throw HarnessError("\(what): not within \(seconds) s") }
            _ = try runOnce(timeout: 10_000)
        }
    }

    /// Turns while there is anything to do at once; gives the number of turns, at most `limit`.
    @discardableResult
    func turnWhileBusy(limit: Int = 1_000) throws -> Int {
        var turns = 0
        while turns < limit, try runOnce(timeout: 0) { turns += 1 }
        return turns
    }
}

/// Two connected non-blocking Unix sockets; the second is the test's end, closed with the object.
final class Pair {
    let ours: Int32
    private(set) var theirs: Int32

    init(type: __socket_type = SOCK_STREAM) throws {
        var ends: [Int32] = [-1, -1]
        let flags = Int32(type.rawValue | SOCK_CLOEXEC.rawValue | SOCK_NONBLOCK.rawValue)
        guard socketpair(AF_UNIX, flags, 0, &ends) == 0 else { throw HarnessError("socketpair: errno \(errno)") }
        (ours, theirs) = (ends[0], ends[1])
    }

    deinit { close() }

    func close() {
        if theirs >= 0 { Glibc.close(theirs) }
        theirs = -1
    }

    func send(_ text: String) { _ = Glibc.write(theirs, text, text.utf8.count) }

    /// Everything that can be read at once; nil at the end of input.
    func receive() -> [UInt8]? {
        var all: [UInt8] = []
        var chunk = [UInt8](repeating: 0, count: 65_536)
        while true {
            let n = read(theirs, &chunk, chunk.count)
            if n == 0 && all.isEmpty { return nil }
            if n <= 0 { return all }
            all += chunk[..<n]
        }
    }

    func receiveText() -> String { String(decoding: receive() ?? [], as: UTF8.self) }

    /// One read: a message when the pair keeps message boundaries.
    func receiveOnce() -> String {
        var chunk = [UInt8](repeating: 0, count: 65_536)
        let n = read(theirs, &chunk, chunk.count)
        return String(decoding: chunk[..<max(0, n)], as: UTF8.self)
    }
}

/// A delegate that writes down what happened and does what the test tells it to.
final class Recorder: ByteStreamDelegate {
    var received: [UInt8] = []
    var chunks: [Int] = []
    var events: [String] = []
    var reason: CloseReason?
    var onRead: ((ByteStream, UnsafeRawBufferPointer) -> Void)?
    var onEndInput: ((ByteStream) -> Void)?
    var onClose: ((ByteStream) -> Void)?

    var text: String { String(decoding: received, as: UTF8.self) }

    func streamDidRead(_ stream: ByteStream, _ bytes: UnsafeRawBufferPointer) {
        received += bytes
        chunks.append(bytes.count)
        onRead?(stream, bytes)
    }

    func streamDidEndInput(_ stream: ByteStream) {
        events.append("end of input")
        onEndInput?(stream)
    }

    func streamDidClose(_ stream: ByteStream, reason: CloseReason) {
        events.append("closed")
        self.reason = reason
        onClose?(stream)
    }

    func streamDidDrain(_ stream: ByteStream) { events.append("drained") }
}

/// A loop, a set and any number of streams in it.
final class Connections {
    let loop: Loop
    let set: ConnectionSet

    init() throws {
        loop = try Loop()
        set = try ConnectionSet(loop: loop)
    }

    func stream(type: __socket_type = SOCK_STREAM, limit: Int = 4 << 20) throws -> (Pair, ByteStream, Recorder) {
        let pair = try Pair(type: type)
        let stream = try set.adopt(fd: pair.ours, outputLimit: limit)
        let recorder = Recorder()
        stream.delegate = recorder
        return (pair, stream, recorder)
    }
}

/// Runs `body` and puts this thread's signal mask back.
func keepingSignalMask(_ body: () throws -> Void) rethrows {
    var before = sigset_t()
    pthread_sigmask(SIG_BLOCK, nil, &before)
    defer { pthread_sigmask(SIG_SETMASK, &before, nil) }
    try body()
}

/// Runs `body` on a new thread whose descriptors are its own: it starts with 0, 1 and 2 only, and all are gone after it.
func withOwnDescriptors<Value: Sendable>(_ body: @escaping @Sendable () throws -> Value) async throws -> Value {
    try await withCheckedThrowingContinuation { continuation in
        Thread {
            continuation.resume(
                with: Result {
                    // glibc has both, but shows them only to who asks for GNU extensions. 0x400 is CLONE_FILES.
                    let unshare = unsafeBitCast(
                        dlsym(nil, "unshare"), to: (@convention(c) (Int32) -> Int32).self)
                    let closeRange = unsafeBitCast(
                        dlsym(nil, "close_range"), to: (@convention(c) (UInt32, UInt32, Int32) -> Int32).self)
                    guard unshare(0x400) == 0, closeRange(3, UInt32.max, 0) == 0 else {
                        throw HarnessError("unshare: errno \(errno)")
                    }
                    return try body()
                })
        }.start()
    }
}
