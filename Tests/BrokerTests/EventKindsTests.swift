// Sets of kinds: each kind is a member of its own.

import Testing
import Wire

@testable import Broker

@Suite struct EventKindsTests {
    @Test func everyKindHasABitOfItsOwn() {
        #expect(Set(EventKind.allCases.map { EventKinds($0).rawValue }).count == EventKind.allCases.count)
        #expect(EventKind.allCases.allSatisfy { EventKinds($0).rawValue.nonzeroBitCount == 1 })
    }

    @Test func aSetHasWhatItWasMadeOf() {
        let kinds = EventKinds([.dead, .completed, .dead])
        #expect(EventKind.allCases.filter { kinds.contains(EventKinds($0)) } == [.completed, .dead])
    }
}
