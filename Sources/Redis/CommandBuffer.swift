// The arguments of one command, already in the form in which they go over the line.
//
// RESP has each argument as `$<length>\r\n<bytes>\r\n` behind a head that only counts them (`*<n>\r\n`). So a buffer
// is one flat array to which arguments are appended in place, and a count: no allocation an argument, no second pass
// that formats, and hiredis gets the bytes by redisAppendFormattedCommand() (its own redisAppendCommandArgv() would
// allocate, format and copy the same once more; see the numbers at `RedisLink.run`). Buffers can be joined, so a batch
// may gather its parts apart. No verb is needed: arguments of a script are a buffer too.

/// Arguments of a command, appended one after the other.
public struct CommandBuffer: Sendable {
    /// The arguments in RESP, without the head that counts them.
    private(set) var bytes: [UInt8] = []
    /// How many arguments there are.
    public private(set) var count = 0

    public init() {}

    /// A command of fixed words: `CommandBuffer("SCRIPT", "FLUSH")`.
    public init(_ words: StaticString...) {
        for word in words { append(word) }
    }

    /// Makes room for that many bytes, for one who knows.
    public mutating func reserve(bytes: Int) { self.bytes.reserveCapacity(bytes) }

    /// Forgets the arguments and keeps the capacity.
    public mutating func removeAll() {
        bytes.removeAll(keepingCapacity: true)
        count = 0
    }

    public mutating func append(_ word: StaticString) {
        word.withUTF8Buffer { append(UnsafeRawBufferPointer($0)) }
    }

    public mutating func append(_ text: String) {
        var text = text
        text.withUTF8 { append(UnsafeRawBufferPointer($0)) }
    }

    public mutating func append(bytes argument: [UInt8]) {
        argument.withUnsafeBytes { append($0) }
    }

    /// In decimal, as Redis and Lua read numbers.
    public mutating func append(integer: Int64) {
        let magnitude = integer.magnitude
        head(length: Self.digits(magnitude) + (integer < 0 ? 1 : 0))
        if integer < 0 { bytes.append(UInt8(ascii: "-")) }
        decimal(magnitude)
        endOfLine()
    }

    public mutating func append(_ argument: UnsafeRawBufferPointer) {
        head(length: argument.count)
        bytes.append(contentsOf: argument)
        endOfLine()
    }

    /// All arguments of the other one, in order.
    public mutating func append(_ other: CommandBuffer) {
        bytes.append(contentsOf: other.bytes)
        count += other.count
    }

    /// Overwrites the arguments: for one that held a secret.
    mutating func wipe() {
        bytes.wipe()
        removeAll()
    }

    /// Puts `*<n>\r\n` there, the head of a whole command of n arguments. Not an argument itself.
    mutating func begin(arguments: Int) {
        bytes.append(UInt8(ascii: "*"))
        decimal(UInt64(arguments))
        endOfLine()
    }

    private mutating func head(length: Int) {
        bytes.append(UInt8(ascii: "$"))
        decimal(UInt64(length))
        endOfLine()
        count += 1
    }

    private mutating func endOfLine() {
        bytes.append(UInt8(ascii: "\r"))
        bytes.append(UInt8(ascii: "\n"))
    }

    private static func digits(_ number: UInt64) -> Int {
        var rest = number
        var digits = 1
        while rest >= 10 {
            rest /= 10
            digits += 1
        }
        return digits
    }

    /// From the first digit to the last, so that nothing is turned round.
    private mutating func decimal(_ number: UInt64) {
        var weight: UInt64 = 1
        while number / weight >= 10 { weight *= 10 }
        while weight > 0 {
            bytes.append(UInt8(ascii: "0") + UInt8(truncatingIfNeeded: number / weight % 10))
            weight /= 10
        }
    }
}
