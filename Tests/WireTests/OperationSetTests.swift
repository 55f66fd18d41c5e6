// Sets of operations and their groups.

import Testing
import Wire

@Suite struct OperationSetTests {
    @Test func aSetHasWhatWasPutIntoIt() {
        let set = OperationSet([.hello, .check, .purge])
        #expect(OperationName.allCases.filter(set.contains) == [.hello, .purge, .check])
        #expect(OperationName.allCases.count <= 64)
    }

    @Test func everyOperationIsInAGroupBesideAll() {
        let groups = OperationGroup.allCases.filter { $0 != .all }
        for operation in OperationName.allCases {
            #expect(OperationGroup.all.operations.contains(operation))
            #expect(groups.contains { $0.operations.contains(operation) }, "\(operation)")
        }
    }

    @Test func administrationIsAllThatChangesQueuesAndWorkersOrShowsWorkers() {
        let admin = OperationName.allCases.filter(OperationGroup.admin.operations.contains)
        let expected: Set<OperationName> = [
            .workers, .requeue, .delete, .purge, .pause, .resume, .configure, .removeQueue, .reclaim, .quiet, .drain,
            .check,
            .metrics, .reload,
        ]
        #expect(Set(admin) == expected)
        for group in [OperationGroup.produce, .work, .watch] {
            #expect(group.operations.isDisjoint(with: OperationGroup.admin.operations))
        }
    }

    @Test func groupsHaveOtherNamesThanOperations() {
        let names = Set(OperationName.allCases.map { $0.text.description })
        #expect(names.isDisjoint(with: OperationGroup.allCases.map(\.rawValue)))
    }
}
