// A blocking client for workers and producers that shall live longer than the daemon they talk to.
//
// A thread of its own drives a `JobqLink`: it renews the leases of what was claimed here, comes back after a restart with the
// session and the jobs it had, and repeats requests that had no answer. Callers wait; any thread may call. A request fails
// with a `ConnectionError` when the daemon was not there for as long as `patienceMs`.

import Glibc
public import Wire

/// A connection to jobqd that survives restarts of the daemon and keeps the leases of its jobs.
public final class ReconnectingConnection: JobqRequests, Sendable {
    /// How long a reply may take, beyond what the request itself asks to wait.
    public let timeoutMs: Int64
    private let mailbox: LinkMailbox

    /// Connects; throws when that does not succeed within `patienceMs`.
    ///
    /// - Parameters:
    ///   - identity: the worker's name and what it wants to hear; nil for a producer. With a name its jobs go back at once
    ///     when the process ends.
    ///   - patienceMs: how long a request puts up with having no connection at all.
    public init(
        path: String = JobqConnection.defaultPath, identity: JobqLink.Identity? = nil, patienceMs: Int64 = 10_000,
        timeoutMs: Int64 = 30_000
    ) throws {
        self.timeoutMs = timeoutMs
        mailbox = try LinkMailbox()
        let code = BackgroundThread.start { [mailbox] in
            let link = JobqLink(path: path, identity: identity)
            link.patienceMs = patienceMs
            Self.drive(link, mailbox)
        }
        guard code == 0 else { throw ConnectionError.system(call: "pthread_create", code: code) }
        _ = try request("ping", waitMs: 0) { _ in }
    }

    deinit { mailbox.close() }

    /// Ends the connection; what waits fails with `ConnectionError.closed`.
    public func close() { mailbox.close() }

    /// Asks one operation, over as many connections as it takes.
    public func request(
        _ operation: String, waitMs: Int64 = 0, _ members: (inout JSONWriter) -> Void
    ) throws -> JSONDocument {
        let line = RequestLine(operation, members)
        let answer = LinkAnswer()
        let letter = LinkMailbox.Letter(line: line, waitMs: waitMs, timeoutMs: timeoutMs, answer: answer)
        guard mailbox.put(letter) else { throw ConnectionError.closed }
        if let token = line["token"]?.string, operation != "extend" { mailbox.forget(token) }
        return try answer.wait()
    }

    /// Whether a job that was claimed here is known to belong to somebody else now: its work is in vain.
    public func hasLost(_ job: ClaimedJob) -> Bool { mailbox.isLost(job.token) }

    /// The worker's own events that came since the last call, oldest first.
    public func takeEvents() -> [JSONDocument] { mailbox.takeEvents() }

    /// The thread: until the mailbox is closed.
    private static func drive(_ link: JobqLink, _ mailbox: LinkMailbox) {
        link.onEvent = { mailbox.tell(event: $0) }
        link.onLeaseLost = { mailbox.tell(lost: $1) }
        while true {
            let (letters, isClosed) = mailbox.take()
            for letter in letters {
                link.request(letter.line, waitMs: letter.waitMs, timeoutMs: letter.timeoutMs) {
                    letter.answer.bring($0)
                }
            }
            if isClosed { return link.close() }
            var entries = [link.pollEntry, pollfd(fd: mailbox.wakeup, events: Int16(POLLIN), revents: 0)]
            poll(&entries, 2, link.pollTimeout)
            link.process(entries[0].revents)
        }
    }
}
