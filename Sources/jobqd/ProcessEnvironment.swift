// The environment of this process as a dictionary, without Foundation.
//
// `environ` is a global of libc that setenv(3) would change; the daemon calls that nowhere.

import Glibc

enum ProcessEnvironment {
    /// Read once at the start, before anything could change it. Of a name that stands twice the first counts, as
    /// with getenv(3); entries that are not UTF-8 are read with replacement characters.
    static func current() -> [String: String] {
        var result: [String: String] = [:]
        var cursor = environ
        while let entry = cursor.pointee {
            let text = String(cString: entry)
            if let equals = text.firstIndex(of: "=") {
                let name = String(text[..<equals])
                if result[name] == nil { result[name] = String(text[text.index(after: equals)...]) }
            }
            cursor += 1
        }
        return result
    }
}
