// Events as they stand in the log and go over the channel, read back as values. Scripts/tell.lua makes them.
//
// An entry of the log has its id, the seq of its last event, and a text of one line an event:
//
//     <kind> <id> <attempt>[ <run_at or -[ <reason>]]
//
// A message has the entry's id, a line's end and the same text. Anybody may write to a channel, so what is not exactly
// this is nothing at all: the caller drops it.

import Wire

enum EventText {
    /// The events of a message, nil when it is none of ours.
    static func events(message: UnsafeRawBufferPointer) -> [JobEvent]? {
        guard let end = message.firstIndex(of: Self.lineEnd), let seq = seq(message[..<end]) else { return nil }
        return events(message[(end + 1)...], seq: seq)
    }

    /// The events of an entry of the log, nil when it is none of ours.
    static func events(_ text: Slice<UnsafeRawBufferPointer>, seq last: EventID) -> [JobEvent]? {
        let lines = text.split(separator: lineEnd, omittingEmptySubsequences: false)
        // Those before the last count backwards.
        guard last.number >= UInt64(lines.count - 1) else { return nil }
        var seq = EventID(milliseconds: last.milliseconds, number: last.number - UInt64(lines.count - 1))
        var events: [JobEvent] = []
        events.reserveCapacity(lines.count)
        for line in lines {
            guard let event = event(line, seq: seq) else { return nil }
            events.append(event)
            seq.number += 1
        }
        return events
    }

    /// An id as streams have it: both parts, in decimal.
    static func seq(_ text: Slice<UnsafeRawBufferPointer>) -> EventID? {
        text.contains(UInt8(ascii: "-")) ? EventID(String(decoding: text, as: UTF8.self)) : nil
    }

    private static func event(_ line: Slice<UnsafeRawBufferPointer>, seq: EventID) -> JobEvent? {
        let words = line.split(separator: UInt8(ascii: " "), maxSplits: 4, omittingEmptySubsequences: false)
        guard words.count >= 3, let kind = EventKind(rawValue: String(decoding: words[0], as: UTF8.self)),
            let attempt = decimal(words[2], digits: 9)
        else { return nil }
        let id = String(decoding: words[1], as: UTF8.self)
        guard JobName.isID(id) else { return nil }
        var event = JobEvent(kind: kind, id: id, seq: seq, attempt: Int(attempt))
        if words.count > 3, !words[3].elementsEqual(CollectionOfOne(UInt8(ascii: "-"))) {
            guard let runAt = decimal(words[3], digits: 16) else { return nil }
            event.runAt = runAt
        }
        if words.count > 4 {
            guard !words[4].isEmpty else { return nil }
            event.reason = String(decoding: words[4], as: UTF8.self)
        }
        return event
    }

    private static func decimal(_ text: Slice<UnsafeRawBufferPointer>, digits: Int) -> Int64? {
        guard !text.isEmpty, text.count <= digits else { return nil }
        var value: Int64 = 0
        for byte in text {
            guard byte &- 48 < 10 else { return nil }
            value = value * 10 + Int64(byte &- 48)
        }
        return value
    }

    private static let lineEnd = UInt8(ascii: "\n")
}
