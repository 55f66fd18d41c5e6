// jobqd(8) against what is installed with the daemon and what it logs, both ways: units, and fields of the journal.

import Harness
import Reactor
import Testing

@Suite struct ServicePageTests {
    private let page: ManualPage

    init() throws { page = try ManualPage("jobqd.8") }

    @Test func everyUnitIsDescribedAndNoOther() throws {
        let files = try TextFile.names(in: "systemd").filter { $0.hasSuffix(".service") || $0.hasSuffix(".socket") }
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
        let sources = try ["Broker", "Reactor", "Redis", "Store", "jobqd"].flatMap {
            try TextFile.sources(below: "Sources/\($0)")
        }
        let logged = Set(sources.flatMap(keys)).union(["lines_lost"])
        let described = page.items("Va", in: "LOGGING").flatMap { $0.names.map(\.name) }.filter {
            $0.hasPrefix("JOBQD_")
        }
        #expect(Set(described) == Set(logged.map { "JOBQD_\($0.uppercased())" }))
    }
}
