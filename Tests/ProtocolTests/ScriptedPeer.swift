// A peer in the place of a daemon, for what no daemon can be made to say.

import Foundation
import Glibc
import Harness
import Synchronization

/// A peer that follows a script: each line that comes is answered with the next line of it, whatever it asks;
/// over one connection after the other.
final class ScriptedPeer: Sendable {
    let folder: TemporaryDirectory
    var path: String { folder.file("s") }
    private let lines = Mutex(0)
    /// Lines that came.
    var heard: Int { lines.withLock { $0 } }

    init(_ script: [String]) throws {
        folder = try TemporaryDirectory()
        let listener = socket(AF_UNIX, Int32(SOCK_STREAM.rawValue), 0)
        let bound = withUnixAddress(folder.file("s")) { bind(listener, $0, $1) }
        guard bound == 0, listen(listener, 1) == 0 else { throw HarnessError("no listener") }
        Thread.detachNewThread { [self] in
            defer { close(listener) }
            var answers = script[...]
            while !answers.isEmpty {
                let peer = accept(listener, nil, nil)
                guard peer >= 0 else { return }
                defer { close(peer) }
                var byte: UInt8 = 0
                while read(peer, &byte, 1) == 1 {
                    guard byte == 0x0A, let answer = answers.popFirst() else { continue }
                    lines.withLock { $0 += 1 }
                    _ = send(peer, answer, answer.utf8.count, Int32(MSG_NOSIGNAL))
                }
            }
        }
    }
}
