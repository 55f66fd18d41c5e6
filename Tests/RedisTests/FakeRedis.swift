// A server that says what it is told to say: for what a real Redis cannot be brought to (an old version, LOADING).
// Each connection gets the next of the canned answers when it has sent something, the last one for all later ones.

import Foundation
import Harness

/// Canned replies over a Unix socket.
final class FakeRedis: @unchecked Sendable {
    let directory: TemporaryDirectory
    var url: String { "unix://" + directory.file("fake.sock") }
    private let listener: Int32
    private let lock = NSLock()
    private var connections = 0

    /// How often somebody connected.
    var count: Int { lock.withLock { connections } }

    init(answers: [String]) throws {
        directory = try TemporaryDirectory()
        listener = socket(AF_UNIX, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
        guard withUnixAddress(directory.file("fake.sock"), { bind(listener, $0, $1) }) == 0, listen(listener, 16) == 0
        else { throw HarnessError("cannot listen") }
        Thread.detachNewThread { [self] in serve(answers) }
    }

    /// Ends the thread at its next accept. Connections stay open until the client closes them.
    func stop() {
        shutdown(listener, Int32(SHUT_RDWR))
    }

    private func serve(_ answers: [String]) {
        while true {
            let connection = accept(listener, nil, nil)
            guard connection >= 0 else { return }
            let index = lock.withLock {
                connections += 1
                return min(connections, answers.count) - 1
            }
            Thread.detachNewThread { Self.talk(connection, answers[index]) }
        }
    }

    private static func talk(_ connection: Int32, _ answer: String) {
        var buffer = [UInt8](repeating: 0, count: 65_536)
        if recv(connection, &buffer, buffer.count, 0) > 0 {
            let bytes = Array(answer.utf8)
            _ = send(connection, bytes, bytes.count, Int32(MSG_NOSIGNAL))
        }
        while recv(connection, &buffer, buffer.count, 0) > 0 {}
        close(connection)
    }

    /// The replies to CLIENT SETNAME, INFO and CONFIG GET save.
    static func handshake(version: String = "7.0.15", more: String = "role:master") -> String {
        let info = "redis_version:\(version)\r\naof_enabled:1\r\n\(more)\r\n"
        return "+OK\r\n$\(info.utf8.count)\r\n\(info)\r\n*2\r\n$4\r\nsave\r\n$0\r\n\r\n"
    }
}
