// What goes between the threads that ask and the one that runs the link: requests in, news out. A pipe wakes the link's thread.
// It outlives both sides.

import Glibc
import Synchronization
import Wire

/// Requests on their way to a link's thread, and what that thread has to tell.
final class LinkMailbox: Sendable {
    /// A request, and where its answer goes.
    struct Letter: Sendable {
        let line: RequestLine
        let waitMs: Int64
        let timeoutMs: Int64
        let answer: LinkAnswer
    }

    private struct Contents {
        var letters: [Letter] = []
        var events: [JSONDocument] = []
        var lostTokens: Set<String> = []
        var isClosed = false
    }

    private let pipe: WakeupPipe
    private let contents = Mutex(Contents())
    /// Beyond so many events that nobody took, the oldest are dropped.
    private static let mostEvents = 1_000

    init() throws(ConnectionError) { pipe = try WakeupPipe() }

    /// Readable when there is something for the link's thread.
    var wakeup: Int32 { pipe.descriptor }

    /// False when the link has ended.
    func put(_ letter: Letter) -> Bool {
        let isOpen = contents.withLock { contents in
            if !contents.isClosed { contents.letters.append(letter) }
            return !contents.isClosed
        }
        pipe.wake()
        return isOpen
    }

    func close() {
        contents.withLock { $0.isClosed = true }
        pipe.wake()
    }

    /// For the link's thread: what came since, and whether it shall end.
    func take() -> (letters: [Letter], isClosed: Bool) {
        _ = pipe.drain()
        return contents.withLock { contents in
            defer { contents.letters = [] }
            return (contents.letters, contents.isClosed)
        }
    }

    func tell(event: JSONDocument) {
        contents.withLock { contents in
            contents.events.append(event)
            if contents.events.count > Self.mostEvents { contents.events.removeFirst() }
        }
    }

    func tell(lost token: String) { _ = contents.withLock { $0.lostTokens.insert(token) } }

    func takeEvents() -> [JSONDocument] {
        contents.withLock { contents in
            defer { contents.events = [] }
            return contents.events
        }
    }

    func isLost(_ token: String) -> Bool { contents.withLock { $0.lostTokens.contains(token) } }
    func forget(_ token: String) { _ = contents.withLock { $0.lostTokens.remove(token) } }
}

/// An answer that one thread waits for and another one brings.
final class LinkAnswer: @unchecked Sendable {
    // Written before the semaphore is posted and read after it was waited for, which orders the two.
    private var result: JobqLink.Answer?
    private let semaphore = Semaphore()

    func bring(_ answer: JobqLink.Answer) {
        result = answer
        semaphore.post()
    }

    func wait() throws -> JSONDocument {
        semaphore.wait()
        return try result!.get()
    }
}
