// Names that nobody else gives: job ids (ULIDs) and session ids.
//
// A ULID is 48 bits of milliseconds and 80 bits of chance in Crockford's base 32, so ids sort by the time they were
// made (github.com/ulid/spec). Within one millisecond the previous id is counted up, as that specification's
// "monotonicity" asks, which also saves asking for randomness for every job.

/// Makes ids from a clock and a source of randomness that are given.
public struct IdentifierSource {
    private let wallClockMs: () -> Int64
    private var generator: any RandomNumberGenerator
    private var lastMs: Int64 = -1
    private var high: UInt16 = 0
    private var low: UInt64 = 0

    /// - Parameter wallClockMs: milliseconds since the Unix epoch; need not be monotonic.
    public init(
        wallClockMs: @escaping () -> Int64, generator: any RandomNumberGenerator = SystemRandomNumberGenerator()
    ) {
        self.wallClockMs = wallClockMs
        self.generator = generator
    }

    /// A new ULID: 26 characters, greater than the one before.
    public mutating func ulid() -> String {
        let now = wallClockMs()
        if now > lastMs {
            lastMs = now
            // The top bit stays free, so counting up within a millisecond does not run over.
            high = UInt16.random(in: 0...0x7fff, using: &generator)
            low = UInt64.random(in: 0...UInt64.max, using: &generator)
        } else {
            let (sum, overflow) = low.addingReportingOverflow(1)
            low = sum
            if overflow { high &+= 1 }
        }
        return Self.text(milliseconds: UInt64(lastMs), high: high, low: low)
    }

    /// 128 bits of chance as 32 hexadecimal digits.
    public mutating func sessionID() -> String {
        let digits = Array("0123456789abcdef".utf8)
        return String(unsafeUninitializedCapacity: 32) { buffer in
            for word in 0..<2 {
                var bits = UInt64.random(in: 0...UInt64.max, using: &generator)
                for position in 0..<16 {
                    buffer[word * 16 + position] = digits[Int(bits & 15)]
                    bits >>= 4
                }
            }
            return 32
        }
    }

    /// 128 bits, five at a time from the right, in Crockford's alphabet.
    static func text(milliseconds: UInt64, high: UInt16, low: UInt64) -> String {
        var upper = (milliseconds << 16) | UInt64(high)
        var lower = low
        return String(unsafeUninitializedCapacity: 26) { buffer in
            for position in stride(from: 25, through: 0, by: -1) {
                buffer[position] = crockford[Int(lower & 31)]
                lower = (lower >> 5) | (upper << 59)
                upper >>= 5
            }
            return 26
        }
    }

    private static let crockford = Array("0123456789ABCDEFGHJKMNPQRSTVWXYZ".utf8)
}
