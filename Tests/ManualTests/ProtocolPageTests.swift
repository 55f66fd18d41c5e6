// jobqd-protocol(7) against the operation table and the words of the protocol, both ways: what is there is described, and
// what is described is there, with the same types, ranges and defaults.

import Harness
import Testing
import Wire

@Suite struct ProtocolPageTests {
    private let page: ManualPage

    init() throws { page = try ManualPage("jobqd-protocol.7") }

    /// Operations by their items' places.
    private var operations: [String: Int] {
        let found = page.items.enumerated().filter {
            $1.section == "OPERATIONS" && $1.depth == 1 && $1.names.first?.macro == "Cm"
        }
        return Dictionary(found.map { ($1.names[0].name, $0) }, uniquingKeysWith: { first, _ in first })
    }

    /// Members below an item, as `name (type, default)`.
    private func members(below parent: Int) -> [String] {
        page.items.filter { $0.parent == parent && $0.names.first?.macro == "Va" }.map {
            "\($0.names[0].name) (\($0.note))"
        }
    }

    private func described(_ specs: [MemberSpec]) -> [String] { specs.map { "\($0.name) (\($0.manualNote))" } }

    @Test func everyOperationIsDescribedAndNoOther() {
        #expect(Set(operations.keys) == Set(OperationTable.operations.map { $0.name.text.description }))
        let all = page.items("Cm", in: "OPERATIONS").filter { $0.depth == 1 }
        #expect(all.count == operations.count, "an operation is described twice")
    }

    @Test(arguments: OperationName.allCases)
    func membersOfAnOperationAreThoseOfTheTable(name: OperationName) throws {
        let place = try #require(operations[name.text.description], "\(name.text) is not described")
        let table = OperationTable.operations[Int(name.rawValue)].members.members
        var expected = described(table.filter { $0.name != "op" && $0.name != "id" })
        if name == .publish {
            #expect(page.items[place].body.contains("It also takes all members of a job, described with enqueue"))
            let shared = described(OperationTable.members(of: .job).members.filter { $0.name != "queue" })
            expected.removeAll { shared.contains($0) }
        }
        #expect(members(below: place).sorted() == expected.sorted())
    }

    @Test func requestsHaveTheEnvelopeThatIsDescribed() {
        let items = page.items("Va", in: "DESCRIPTION").filter { $0.subsection == "Requests and replies" }
        let envelope = OperationTable.operations[0].members.members.filter { $0.name == "op" || $0.name == "id" }
        #expect(items.map { "\($0.names[0].name) (\($0.note))" } == described(envelope))
    }

    @Test(arguments: [("backoff", ObjectShape.backoff), ("unique", .unique), ("failure", .failure)])
    func membersOfAnObjectAreThoseOfTheTable(mark: String, shape: ObjectShape) {
        let items = page.items.filter { $0.marks["object"] == mark }
        #expect(
            items.map { "\($0.names[0].name) (\($0.note))" } == described(OperationTable.members(of: shape).members))
    }

    /// Words of a list, in the subsection or section where it stands.
    private func words(_ title: String) -> Set<String> {
        Set(
            page.items("Dv").filter { ($0.subsection.isEmpty ? $0.section : $0.subsection) == title }
                .flatMap { $0.names.map(\.name) })
    }

    @Test func everyStateAndOutcomeIsDescribed() {
        let outcomes: Set = ["completed", "failed", "released", "lease_expired", "worker_gone"]
        #expect(words("A job's life") == Set(JobState.allCases.map(\.rawValue)).union(outcomes))
    }

    @Test func everyKindOfEventIsDescribed() {
        #expect(words("Events for a subscriber") == Set(EventKind.allCases.map(\.rawValue)).union(["overflow"]))
    }

    @Test func everyErrorCodeIsDescribedAndSaysWhetherToTryAgain() {
        let items = page.items("Er", in: "ERROR CODES")
        #expect(items.map { $0.names[0].name }.sorted() == ErrorCode.allCases.map(\.rawValue).sorted())
        for item in items {
            let code = ErrorCode(rawValue: item.names[0].name)
            #expect(item.body.hasSuffix("Retryable.") == code?.isRetryable, "\(item.names[0].name)")
        }
    }

    @Test func everyErrorThatIsNamedExists() {
        let codes = Set(ErrorCode.allCases.map(\.rawValue))
        for line in page.source.split(separator: "\n") where line.hasPrefix(".Er ") {
            #expect(codes.contains(line.split(separator: " ").dropFirst().first.map(String.init) ?? ""), "\(line)")
        }
    }
}
