// What jobqd.conf(5) and jobqd-protocol(7) say of rights, against the groups of operations, both ways.

import Harness
import Testing
import Wire

@Suite struct AccessPageTests {
    private let page: ManualPage

    init() throws { page = try ManualPage("jobqd.conf.5") }

    private func operations(_ set: OperationSet) -> [String] {
        OperationName.allCases.filter { set.contains($0) }.map { $0.text.description }.sorted()
    }

    @Test func everyGroupOfOperationsIsDescribedWithItsOperationsAndNoOther() {
        let items = page.items.filter { $0.marks["access"] == "groups" }
        #expect(items.map { $0.names[0].name }.sorted() == OperationGroup.allCases.map(\.rawValue).sorted())
        for item in items where item.names[0].name != "all" {
            let described = item.body.split(separator: ".")[0].split(whereSeparator: { " ,".contains($0) })
            let group = OperationGroup(rawValue: item.names[0].name)
            #expect(
                described.map(String.init).sorted() == group.map { operations($0.operations) }, "\(item.names[0].name)")
        }
    }

    @Test func operationsBelowAdministrationAreForAdministratorsButForThoseThatThePageNames() throws {
        let protocolPage = try ManualPage("jobqd-protocol.7")
        let below = protocolPage.items.filter {
            $0.subsection == "Administration" && $0.depth == 1 && $0.names.first?.macro == "Cm"
        }
        let reserved = Set(below.map { $0.names[0].name }).subtracting(["queues", "stats", "list"])
        #expect(reserved == Set(operations(OperationGroup.admin.operations)))
    }
}
