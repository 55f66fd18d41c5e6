// Which bytes the names of queues and jobs are made of (protocol, "Names and units").

/// A rule for names of ASCII letters, digits and a few signs, 1 to 64 bytes long.
enum NameRule {
    /// `[A-Za-z0-9_][A-Za-z0-9_.-]{0,63}`
    case queue
    /// `[A-Za-z0-9_.:-]{1,64}`
    case jobID

    static let maximumBytes = 64

    var phrase: String {
        switch self {
        case .queue: "1 to 64 of A-Z a-z 0-9 _ . - and no . or - at the beginning"
        case .jobID: "1 to 64 of A-Z a-z 0-9 _ . : -"
        }
    }

    func accepts(_ name: UnsafeRawBufferPointer) -> Bool {
        guard name.count >= 1, name.count <= Self.maximumBytes else { return false }
        for byte in name {
            switch byte {
            case 0x30...0x39, 0x41...0x5A, 0x61...0x7A, 0x5F, 0x2D, 0x2E: continue
            case 0x3A where self == .jobID: continue
            default: return false
            }
        }
        return self == .jobID || (name[0] != 0x2D && name[0] != 0x2E)
    }
}
