// One request's way back: who asked and under which id.
//
// A ticket is used exactly once, by whatever answers the request, in this turn or a later one. When the connection has
// ended meanwhile the reply goes nowhere, which is right: nobody waits for it.

import Wire

/// The right and duty to answer one request.
struct Ticket {
    let session: Session
    /// The request's `id` as raw JSON, or nil.
    let id: [UInt8]?
    /// What the request counts as of its session's memory until it is answered.
    let memory: Int
    /// What the log hears of an operation of administration; nil for all others.
    var audit: AuditEntry?

    /// Answers `ok`, with the members that `body` adds.
    func reply(_ body: (inout JSONWriter) -> Void) {
        audit?.ended("ok")
        session.answer(self) { writer, id in
            writer.beginReply(id: id)
            body(&writer)
            writer.endReply()
        }
    }

    /// Answers `ok` and nothing more.
    func reply() { reply { _ in } }

    /// Answers `ok` with a member whose JSON may be long: when much is unread already, behind that.
    func reply(_ name: StaticString, long json: [UInt8], others: @escaping (inout JSONWriter) -> Void = { _ in }) {
        audit?.ended("ok")
        session.answer(LongAnswer(ticket: self, name: name, json: json, others: others))
    }

    /// Answers with an error.
    func refuse(_ error: WireError) {
        session.count(error.code)
        audit?.ended(error.code.rawValue)
        session.answer(self) { writer, id in writer.errorReply(id: id, error) }
    }
}
