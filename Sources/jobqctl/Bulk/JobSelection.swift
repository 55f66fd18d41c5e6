// Which jobs of a queue a command is about, and how they are walked through.
//
// The daemon filters by state and type while it lists; the rest is looked at here, record by record.

import JobqClient
import Wire

/// Jobs of one queue in one state that pass all filters.
struct JobSelection {
    var queue: String
    var state: JobState
    var type: String?
    var reason: String?
    var error: TextPattern?
    var olderThan: TimeSpan?

    /// Only the daemon's own list has to be asked for these.
    var isWholeState: Bool { type == nil && reason == nil && error == nil && olderThan == nil }

    /// `dead letters of email`, with the right number: `1 dead letter of email`.
    func phrase(_ count: Int) -> String {
        "\(state == .dead ? count.of("dead letter") : count.of("\(state.rawValue) job")) of \(queue)"
    }

    /// Calls `body` with each record that passes, page after page, until it returns false. A queue that there is not is
    /// `not_found`.
    func each(_ jobqd: JobqConnection, _ body: (JSONDocument) throws -> Bool) throws {
        let before = try olderThan.map { try jobqd.ping(store: true) - $0.milliseconds }
        var cursor: String?
        repeat {
            let page = try jobqd.request("list") {
                $0.member("queue", queue)
                $0.member("state", state.rawValue)
                $0.member("limit", 500)
                if let type { $0.member("type", type) }
                if let cursor { $0.member("cursor", cursor) }
            }
            for job in page["jobs"]?.array ?? [] where passes(job, before: before) {
                if try !body(job) { return }
            }
            cursor = page["cursor"]?.string
        } while cursor != nil && !Interruption.isRequested
    }

    private func passes(_ job: JSONDocument, before: Int64?) -> Bool {
        if let reason, job["reason"]?.string != reason { return false }
        if let error, !error.matches(ErrorText.line(job["error"])) { return false }
        if let before {
            let since = job["finished_at"]?.integer ?? job["enqueued_at"]?.integer ?? 0
            if since > before { return false }
        }
        return true
    }
}

/// The `error` of a job, which is text or an object of type, message and trace.
enum ErrorText {
    /// On one line, without the trace.
    static func line(_ error: JSONDocument?) -> String {
        guard let error else { return "" }
        if let text = error.string { return text }
        let parts = [error["type"]?.string, error["message"]?.string].compactMap { $0 }
        return parts.isEmpty ? error.description : parts.joined(separator: ": ")
    }
}
