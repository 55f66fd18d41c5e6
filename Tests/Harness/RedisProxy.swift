// A Redis that can lie: stands between a daemon and its server, hands everything on, and while it is told to, answers
// what it gets with a text of the test's.

import Foundation

/// A Unix socket in front of that of a `RedisServer`.
public final class RedisProxy: @unchecked Sendable {
    private let directory: TemporaryDirectory
    private let server: String
    private let listener: Int32
    private let lock = NSLock()
    private var canned = ""
    private var lies = 0

    /// As jobqd's `--redis` takes it.
    public var url: String { "unix://" + directory.file("proxy.sock") }
    /// What is sent from now on is answered with this text, as often as told, and does not reach the server.
    public func lie(_ text: String, times: Int) {
        lock.withLock {
            canned = text
            lies = times
        }
    }

    public init(_ server: RedisServer) throws {
        directory = try TemporaryDirectory()
        self.server = server.socketPath
        listener = socket(AF_UNIX, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
        guard withUnixAddress(directory.file("proxy.sock"), { bind(listener, $0, $1) }) == 0, listen(listener, 16) == 0
        else { throw HarnessError("cannot listen") }
        Thread.detachNewThread { [self] in
            while true {
                let client = accept(listener, nil, nil)
                guard client >= 0 else { return }
                Thread.detachNewThread { self.serve(client) }
            }
        }
    }

    /// Takes no further connection.
    public func stop() { shutdown(listener, Int32(SHUT_RDWR)) }

    private func serve(_ client: Int32) {
        let upstream = socket(AF_UNIX, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
        defer { close(client) }
        guard withUnixAddress(server, { connect(upstream, $0, $1) }) == 0 else {
            close(upstream)
            return
        }
        let ended = DispatchSemaphore(value: 0)
        Thread.detachNewThread {
            Self.copy(from: upstream, to: client)
            shutdown(client, Int32(SHUT_RDWR))
            ended.signal()
        }
        var buffer = [UInt8](repeating: 0, count: 65_536)
        while true {
            let count = recv(client, &buffer, buffer.count, 0)
            guard count > 0 else { break }
            if let lie = nextLie() {
                _ = send(client, lie, lie.utf8.count, Int32(MSG_NOSIGNAL))
            } else if send(upstream, buffer, count, Int32(MSG_NOSIGNAL)) != count {
                break
            }
        }
        shutdown(upstream, Int32(SHUT_RDWR))
        ended.wait()
        close(upstream)
    }

    private func nextLie() -> String? {
        lock.withLock {
            guard lies > 0 else { return nil }
            lies -= 1
            return canned
        }
    }

    private static func copy(from source: Int32, to target: Int32) {
        var buffer = [UInt8](repeating: 0, count: 65_536)
        while true {
            let count = recv(source, &buffer, buffer.count, 0)
            guard count > 0, send(target, buffer, count, Int32(MSG_NOSIGNAL)) == count else { return }
        }
    }
}
