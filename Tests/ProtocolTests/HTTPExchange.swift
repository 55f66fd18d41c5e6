// One HTTP exchange over a Unix socket, as bytes: also what no proper client would send.

import Foundation
import Harness

/// A reply, taken apart.
struct HTTPExchange {
    let status: Int
    /// By lower-case name.
    let fields: [String: String]
    let body: String

    /// Sends `text` and reads until the daemon closes.
    init(_ path: String, _ text: String, within seconds: Double = 10) throws {
        let socket = try UnixSocket(path: path)
        try socket.write(Array(text.utf8))
        try self.init(from: socket, within: seconds)
    }

    /// Reads until the daemon closes, or for as many bytes as the reply says it has.
    init(from socket: UnixSocket, within seconds: Double = 10) throws {
        let deadline = Deadline(after: seconds)
        var bytes: [UInt8] = []
        while let chunk = try socket.read(until: deadline) {
            bytes += chunk
            if !chunk.isEmpty, Self.length(bytes).map({ bytes.count < $0 }) ?? true { continue }
            let text = String(decoding: bytes, as: UTF8.self)
            let parts = text.split(separator: "\r\n\r\n", maxSplits: 1, omittingEmptySubsequences: false)
            let lines = parts[0].split(separator: "\r\n")
            let words = lines.first?.split(separator: " ", maxSplits: 2) ?? []
            guard parts.count == 2, words.count == 3, words[0] == "HTTP/1.1", let status = Int(words[1]) else {
                throw HarnessError("not an HTTP reply: \(text.debugDescription)")
            }
            self.status = status
            fields = Dictionary(
                uniqueKeysWithValues: lines.dropFirst().map { line in
                    let field = line.split(separator: ":", maxSplits: 1).map { $0.trimming(" ") }
                    return (field[0].lowercased(), field.count > 1 ? field[1] : "")
                })
            body = String(parts[1])
            return
        }
        throw HarnessError("no HTTP reply within \(seconds) s")
    }

    /// Bytes of the whole reply, once its head is there.
    private static func length(_ bytes: [UInt8]) -> Int? {
        let text = String(decoding: bytes, as: UTF8.self)
        guard let head = text.range(of: "\r\n\r\n") else { return nil }
        guard let field = text[..<head.lowerBound].firstMatch(of: #/Content-Length: (\d+)/#) else { return nil }
        return text[..<head.upperBound].utf8.count + (Int(field.1) ?? 0)
    }
}

extension Substring {
    fileprivate func trimming(_ sign: Character) -> String { String(drop { $0 == sign }) }
}

/// `GET path HTTP/1.1`.
func get(_ path: String) -> String { "GET \(path) HTTP/1.1\r\nHost: localhost\r\n\r\n" }
