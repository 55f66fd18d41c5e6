// Some events of one queue on their way to any number of subscribers: made into lines when the first one wants them, and
// only once.

import Reactor
import Store
import Wire

/// Events of one queue, oldest first, with their lines.
final class EventBatch {
    let queue: String
    let events: [JobEvent]
    /// The kinds that are among them.
    let kinds: EventKinds
    private var writer = JSONWriter()
    /// Where each event's line ends.
    private var ends: [Int] = []

    init(queue: String, events: [JobEvent]) {
        self.queue = queue
        self.events = events
        kinds = EventKinds(events.lazy.map(\.kind))
    }

    /// How many of a range are of these kinds.
    func count(_ range: Range<Int>, of wanted: EventKinds) -> Int {
        if kinds.isSubset(of: wanted) { return range.count }
        if kinds.isDisjoint(with: wanted) { return 0 }
        return events[range].count { wanted.contains(EventKinds($0.kind)) }
    }

    /// Writes those of a range that are of these kinds, neighbours together.
    func write(_ range: Range<Int>, of wanted: EventKinds, to stream: ByteStream) {
        if kinds.isSubset(of: wanted) { return write(range, to: stream) }
        var first = range.lowerBound
        for index in range where !wanted.contains(EventKinds(events[index].kind)) {
            write(first..<index, to: stream)
            first = index + 1
        }
        write(first..<range.upperBound, to: stream)
    }

    private func write(_ range: Range<Int>, to stream: ByteStream) {
        guard !range.isEmpty else { return }
        if ends.isEmpty { makeLines() }
        let start = range.lowerBound == 0 ? 0 : ends[range.lowerBound - 1]
        let end = ends[range.upperBound - 1]
        writer.bytes.withUnsafeBytes { stream.write(UnsafeRawBufferPointer(rebasing: $0[start..<end])) }
    }

    private func makeLines() {
        ends.reserveCapacity(events.count)
        for event in events {
            writer.event(event, queue: queue)
            ends.append(writer.bytes.count)
        }
    }
}

extension JSONWriter {
    /// The line of one event: `{"event":kind,"queue","job","seq","at","attempt"?,"run_at"?,"reason"?}`.
    mutating func event(_ event: JobEvent, queue: String) {
        beginObject()
        member("event", event.kind.rawValue)
        member("queue", queue)
        member("job", "\(queue)/\(event.id)")
        member("seq", event.seq.description)
        member("at", event.at)
        if event.attempt > 0 { member("attempt", event.attempt) }
        if let runAt = event.runAt { member("run_at", runAt) }
        if let reason = event.reason { member("reason", reason) }
        endObject()
        endLine()
    }

    /// The line that tells a subscriber of events it did not get.
    mutating func overflow(dropped: Int) {
        beginObject()
        member("event", "overflow")
        member("dropped", dropped)
        endObject()
        endLine()
    }
}
