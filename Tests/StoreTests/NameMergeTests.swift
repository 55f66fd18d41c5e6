import Testing

@testable import Store

@Suite struct NameMergeTests {
    @Test(arguments: [1, 3, 1_000]) func runsAreMergedInOrderAndEachNameComesOnce(atOnce: Int) {
        var merge = NameMerge()
        for run in [["c", "a"], [], ["b", "a", "d"], ["e"]] { merge.add(run) }
        var steps = 1
        while merge.goOn(atOnce) { steps += 1 }
        #expect(merge.names == ["a", "b", "c", "d", "e"])
        #expect(steps <= 7 / atOnce + 1)
    }

    @Test func nothingIsMergedToNothing() {
        var merge = NameMerge()
        #expect(!merge.goOn(1) && merge.names.isEmpty)
    }
}
