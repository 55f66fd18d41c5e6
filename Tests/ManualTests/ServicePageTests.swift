// jobqd(8) against what is installed with the daemon and what it logs, both ways: units, and fields of the journal.

import Harness
import Testing

@Suite struct ServicePageTests {
    private let page: ManualPage

    init() throws { page = try ManualPage("jobqd.8") }

    @Test func everyUnitIsDescribedAndNoOther() throws {
        let files = try TextFile.names(in: "systemd").filter { $0.hasSuffix(".service") || $0.hasSuffix(".socket") }
        #expect(page.names("Pa", in: "THE SERVICE").sorted() == files)
    }

    /// The keys of log metadata in the sources: in literals, and in assignments to a variable called metadata.
    private func keys(in source: String) -> [String] {
        let literals = source.matches(of: /(?s)metadata(?:: Logger\.Metadata)?(?::| =) \[(.*?)\]/).flatMap { literal in
            literal.1.matches(of: /(?:^|[\s,])"(\w+)":/).map { String($0.1) }
        }
        return literals + source.matches(of: /metadata\["(\w+)"\] =/).map { String($0.1) }
    }

    @Test func everyFieldOfTheJournalIsDescribedAndNoOther() throws {
        let sources = try ["Broker", "Reactor", "Redis", "Store", "jobqd"].flatMap {
            try TextFile.sources(below: "Sources/\($0)")
        }
        let logged = Set(sources.flatMap(keys)).subtracting(["message_id"]).union(["lines_lost"])
        let described = page.items("Va", in: "LOGGING").flatMap { $0.names.map(\.name) }.filter {
            $0.hasPrefix("JOBQD_")
        }
        #expect(Set(described) == Set(logged.map { "JOBQD_\($0.uppercased())" }))
    }
}
