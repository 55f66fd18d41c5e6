// The words of the command line as the kernel gave them: any bytes but 0.
//
// Swift's `CommandLine.arguments` repairs what is not UTF-8, so a payload or a command's argument would become another one. A
// command (behind `--`) is taken from here; anything else must be UTF-8, which is checked before it is used.

import Glibc

enum RawArguments {
    /// Without the program's own name.
    static let all: [[UInt8]] = (1..<max(1, Int(CommandLine.argc))).compactMap { index in
        CommandLine.unsafeArgv[index].map { text in
            UnsafeBufferPointer(start: text, count: strlen(text)).map(UInt8.init(bitPattern:))
        }
    }

    static func last(_ count: Int) -> [[UInt8]] { Array(all.suffix(count)) }

    /// Refuses what is not UTF-8, up to the first `--`; behind it stand a command's words, or nothing.
    static func check() throws(DataProblem) {
        for (index, word) in all.enumerated() {
            if word == Array("--".utf8), all.contains(Array("run".utf8)) { return }
            guard String(validating: word, as: UTF8.self) == nil else { continue }
            throw DataProblem(description: "argument \(index + 1) is not UTF-8: \(shown(word))")
        }
    }

    /// With `\xE9` for bytes beyond ASCII.
    private static func shown(_ word: [UInt8]) -> String {
        let text = word.prefix(60).map { byte in
            if (0x20..<0x7F).contains(byte) { return String(UnicodeScalar(byte)) }
            let digits = String(byte, radix: 16, uppercase: true)
            return "\\x\(digits.count < 2 ? "0" : "")\(digits)"
        }
        return text.joined() + (word.count > 60 ? "…" : "")
    }
}
