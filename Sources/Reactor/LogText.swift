// Text for the log: whatever a client sent, a line of the log stays one line and a terminal is not told to do things.

/// Makes text safe to print.
public enum LogText {
    /// Control characters (C0, DEL and C1) as `\n`, `\t`, `\r` or `\x1b`; a backslash stays, since it does no harm.
    public static func escaped(_ text: String) -> String {
        if !text.unicodeScalars.contains(where: isControl) { return text }
        var result = ""
        result.reserveCapacity(text.utf8.count + 16)
        for scalar in text.unicodeScalars {
            switch scalar {
            case "\n": result += "\\n"
            case "\r": result += "\\r"
            case "\t": result += "\\t"
            case _ where isControl(scalar):
                let digits = String(scalar.value, radix: 16)
                result += "\\x" + (digits.utf8.count < 2 ? "0" : "") + digits
            default: result.unicodeScalars.append(scalar)
            }
        }
        return result
    }

    private static func isControl(_ scalar: Unicode.Scalar) -> Bool {
        scalar.value < 0x20 || (0x7F...0x9F).contains(scalar.value)
    }
}
