// systemd/jobqd.catalog: it has a text for every id of a message and no other, and journalctl takes it.

import Foundation
import Harness
import Testing

@testable import Reactor

@Suite(.timeLimit(.minutes(1))) struct CatalogTests {
    private struct Entry {
        var id: String
        var header: [String: String] = [:]
        var text: [String] = []
    }

    private static let path = BuiltProducts.packageDirectory + "/systemd/jobqd.catalog"

    /// The catalog taken apart: an id's line, headers, an empty line, the text.
    private static func entries() throws -> [Entry] {
        var entries: [Entry] = []
        var isHeader = false
        for line in try String(contentsOfFile: path, encoding: .utf8).components(separatedBy: "\n") {
            if line.hasPrefix("-- ") {
                entries.append(Entry(id: String(line.dropFirst(3))))
                isHeader = true
            } else if line.isEmpty {
                isHeader = false
            } else if let last = entries.indices.last, isHeader {
                let parts = line.components(separatedBy: ": ")
                entries[last].header[parts[0]] = parts.dropFirst().joined(separator: ": ")
            } else if let last = entries.indices.last {
                entries[last].text.append(line)
            }
        }
        return entries
    }

    @Test func everyIDHasATextAndEveryTextAnID() throws {
        let ids = try Self.entries().map(\.id)
        #expect(ids == MessageID.allCases.map(\.rawValue))
        #expect(Set(ids).count == ids.count)
        for id in ids { #expect(id.utf8.count == 32 && id.allSatisfy { "0123456789abcdef".contains($0) }) }
    }

    @Test func everyTextSaysWhatItMeansAndWhereToRead() throws {
        for entry in try Self.entries() {
            #expect(entry.header["Subject"]?.isEmpty == false)
            #expect(entry.header["Defined-By"] == "jobqd")
            #expect(entry.header["Documentation"]?.hasPrefix("man:jobq") == true)
            #expect(entry.text.count >= 2)
            #expect(entry.text.allSatisfy { $0.count <= 110 })
        }
    }

    @Test func journalctlTakesIt() throws {
        let root = try TemporaryDirectory()
        let folder = root.file("usr/lib/systemd/catalog")
        for path in [folder, root.file("var/lib/systemd/catalog")] {
            try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
        }
        try FileManager.default.copyItem(atPath: Self.path, toPath: folder + "/jobqd.catalog")
        let update = try Program.run("journalctl", ["--update-catalog", "--root=\(root.path)"])
        #expect(update.status == 0 && update.errors.isEmpty, "\(update.errors)")
        let shown = try Program.run("journalctl", ["--dump-catalog", "--root=\(root.path)"])
        for id in MessageID.allCases { #expect(shown.output.contains("-- \(id.rawValue)\n")) }
    }
}
