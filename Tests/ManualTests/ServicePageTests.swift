// jobqd(8) against what is installed with the daemon and what it logs, both ways: units, and fields of the journal.

import Harness
import Reactor
import Testing

@Suite struct ServicePageTests {
    private let page: ManualPage

    init() throws { page = try ManualPage("jobqd.8") }

    /// Of the modules that make the daemon.
    private static var sources: [String] {
        get throws {
            try ["Broker", "Reactor", "Redis", "Store", "jobqd"].flatMap {
                try TextFile.sources(below: "Sources/\($0)")
            }
        }
    }

    @Test func everyUnitIsDescribedAndNoOther() throws {
        let files = try TextFile.names(in: "systemd").filter {
            [".service", ".socket", ".target"].contains(where: $0.hasSuffix)
        }
        #expect(page.names("Pa", in: "THE SERVICE").sorted() == files)
    }

    @Test func everyMessageWithAnIdIsDescribedAndNoOther() {
        #expect(page.names("Li", in: "LOGGING") == MessageID.allCases.map(\.rawValue))
    }

    /// The keys of log metadata in a source: those of literals whose values are made of text, and of assignments of text.
    private func keys(in source: String) -> [String] {
        source.matches(of: /"(\w+)": (?:\.string\(|"\\\()/).map { String($0.1) }
            + source.matches(of: /\["(\w+)"\] = (?:\.string\(|")/).map { String($0.1) }
    }

    @Test func everyFieldOfTheJournalIsDescribedAndNoOther() throws {
        let logged = Set(try Self.sources.flatMap(keys)).union(["lines_lost"])
        let described = page.items("Va", in: "LOGGING").flatMap { $0.names.map(\.name) }.filter {
            $0.hasPrefix("JOBQD_")
        }
        #expect(Set(described) == Set(logged.map { "JOBQD_\($0.uppercased())" }))
    }

    @Test func everyDiagnosticIsSaidByTheDaemon() throws {
        let sources = try Self.sources.map { $0.replacing("\\(executable)", with: "redis-server") }
        let items = page.items("", in: "DIAGNOSTICS")
        #expect(!items.isEmpty)
        for message in items.map({ $0.names[0].name.filter { $0 != "\"" } }) {
            let pieces = message.split(separator: "...").map { $0.trimmingSpaces }.filter { !$0.isEmpty }
            #expect(sources.contains { text in pieces.allSatisfy { text.contains($0) } }, "\(message)")
        }
    }
}
