// A client that survives crashes of the daemon: it connects again and repeats its request until there is an answer that
// is not "try again". Every write of the protocol is safe to repeat, so that is what good clients do. It also says
// whether an effect is certain or only possible.

import Foundation
import Harness

/// A client that repeats. One thread uses it.
final class StubbornClient {
    /// How a request ended.
    struct Answer {
        /// Nil: there was none, or only such as say "try again".
        var reply: JSON?
        /// Whether an earlier try may have taken effect without an answer.
        var repeated: Bool

        /// What the client knows of the request's effect.
        var outcome: HistoryEvent.Outcome {
            guard let reply else { return .unknown }
            return reply["ok"] == true ? .acknowledged : repeated ? .unknown : .refused
        }
    }

    private static let bugs: Set<String> = ["internal", "bad_request", "bad_json", "unknown_op"]

    private let sockets: [String]
    private var socketIndex: Int
    private var client: LineClient?
    private let hello: JSON?
    private let stop: StopFlag
    /// Answers that no client should ever get.
    private(set) var surprises: [String] = []
    /// Events that came between the answers, since they were asked for last.
    private var events: [JSON] = []

    /// `sockets`: daemons to use, the next one after each loss. `hello`: sent on each new connection.
    init(_ sockets: [String], startingAt index: Int = 0, hello: JSON? = nil, stop: StopFlag) {
        self.sockets = sockets
        socketIndex = index
        self.hello = hello
        self.stop = stop
    }

    /// Asks until there is a final answer, it is told to stop, or `tries` are used up. `tolerating`: a code that is no
    /// surprise here.
    func request(
        _ request: JSON, tries: Int = .max, within seconds: Double = 12, tolerating tolerated: String = ""
    ) -> Answer {
        var answer = Answer(reply: nil, repeated: false)
        var left = tries
        while left > 0, !stop.isSet {
            left -= 1
            do {
                let reply = try ask(request, within: seconds)
                let code = reply["error"]["code"].string ?? ""
                if Self.bugs.contains(code), code != tolerated { surprises.append("\(request) → \(reply)") }
                if reply["ok"] == true || reply["error"]["retryable"] == false {
                    answer.reply = reply
                    return answer
                }
                // Full and draining refuse for certain; an unavailable store may have done it.
                if code == "store_unavailable" { answer.repeated = true }
                usleep(5000)
            } catch {
                answer.repeated = true
                client = nil
                socketIndex += 1
                usleep(2000)
            }
        }
        return answer
    }

    /// What the daemon told this worker of its own accord.
    func takeEvents() -> [JSON] {
        defer { events = [] }
        return events
    }

    /// Something is not as it should be.
    func isSurprised(by what: String) { surprises.append(what) }

    /// One request, and the next line that is no event.
    private func ask(_ request: JSON, within seconds: Double) throws -> JSON {
        let connection = try connection()
        try connection.send(request)
        while true {
            let line = try connection.receive(within: seconds)
            guard line.has("event") else { return line }
            events.append(line)
        }
    }

    private func connection() throws -> LineClient {
        if let client { return client }
        let new = try LineClient(sockets[socketIndex % sockets.count])
        if let hello { try new.call("hello", hello) }
        client = new
        return new
    }
}

/// Tells threads to stop.
final class StopFlag: @unchecked Sendable {
    private let lock = NSLock()
    private var value = false
    var isSet: Bool { lock.withLock { value } }
    func set() { lock.withLock { value = true } }
}
