// `publish`: one job into every queue that is bound to a topic.

/// The topic, and the job for each of its queues.
public struct PublishBody: Equatable, Sendable {
    public var topic: String
    /// Its `queue` is empty: the bindings say which.
    public var item: EnqueueItem

    init(_ members: borrowing MemberReader) throws(WireError) {
        topic = try members.text(.topic)
        item = try EnqueueItem(members, queue: "")
    }
}
