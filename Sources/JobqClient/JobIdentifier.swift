// Ids that a client gives to the jobs it enqueues, so that an `enqueue` whose answer was lost can be repeated without
// making a second job. They have the shape of those the daemon gives (github.com/ulid/spec): 26 characters that sort by
// time, with 80 bits of chance.

import Glibc

package enum JobIdentifier {
    /// What the member with an id made here adds to a job: `,"job_id":"…"`.
    package static let memberBytes = 38

    private static let alphabet = Array("0123456789ABCDEFGHJKMNPQRSTVWXYZ".utf8)

    /// One made now.
    static func make() -> String {
        var time = timespec()
        clock_gettime(CLOCK_REALTIME, &time)
        let now = UInt64(time.tv_sec) * 1000 + UInt64(time.tv_nsec) / 1_000_000
        return make(milliseconds: now, high: .random(in: 0...0x7fff), low: .random(in: 0...UInt64.max))
    }

    /// 48 bits of time, 16 and 64 bits of chance, five bits a character from the right.
    static func make(milliseconds: UInt64, high: UInt16, low: UInt64) -> String {
        var upper = (milliseconds << 16) | UInt64(high)
        var lower = low
        var characters = [UInt8](repeating: 0, count: 26)
        for position in characters.indices.reversed() {
            characters[position] = alphabet[Int(lower & 31)]
            lower = (lower >> 5) | (upper << 59)
            upper >>= 5
        }
        return String(decoding: characters, as: UTF8.self)
    }
}
