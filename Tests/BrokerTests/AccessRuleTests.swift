// Who may do what by the rules, without sockets: a peer is three numbers and a unit.

import Reactor
import Testing
import Wire

@testable import Broker

@Suite struct AccessRuleTests {
    private func rule(
        _ verdict: AccessRule.Verdict, user: UInt32? = nil, group: UInt32? = nil, unit: String? = nil,
        op: OperationSet? = nil, queue: String? = nil
    ) -> AccessRule {
        var rule = AccessRule(verdict)
        rule.users = user.map { [$0] }
        rule.groups = group.map { [$0] }
        rule.units = unit.map { [Glob(unit: $0)!] }
        rule.operations = op
        rule.queues = queue.map { $0.split(separator: ",").map { Glob(String($0))! } }
        return rule
    }

    private let peer = PeerFacts(
        PeerCredentials(pid: 1, uid: 10, gid: 20), groups: { [30, 31] }, unit: { .named("mailer.service") })

    private func isAllowed(
        _ operation: OperationName, _ queues: [QueueScope] = [], _ rules: AccessRule..., by peer: PeerFacts? = nil
    ) -> Bool {
        let target = OperationTarget(operation: operation, queues: queues)
        return AccessRules(rules)!.refusal(of: target, by: peer ?? self.peer) == nil
    }

    @Test func withoutAMatchAdministrationIsRefusedAndTheRestAllowed() {
        let other = rule(.allow, user: 99)
        #expect(isAllowed(.claim, [.name("a")], other))
        #expect(!isAllowed(.pause, [.name("a")], other))
        #expect(!isAllowed(.drain, [], other))
    }

    @Test func theFirstMatchDecides() {
        #expect(isAllowed(.pause, [], rule(.allow, op: [.init(.pause)]), rule(.deny)))
        #expect(!isAllowed(.claim, [], rule(.deny, op: [.init(.claim)]), rule(.allow)))
        #expect(isAllowed(.claim, [], rule(.deny, op: [.init(.pause)]), rule(.allow)))
    }

    @Test func everyConditionMustHold() {
        #expect(isAllowed(.pause, [.name("a")], rule(.allow, user: 10, group: 30, unit: "mail*", queue: "a")))
        #expect(!isAllowed(.pause, [.name("a")], rule(.allow, user: 11, group: 30, unit: "mail*", queue: "a")))
        #expect(!isAllowed(.pause, [.name("a")], rule(.allow, user: 10, group: 32, unit: "mail*", queue: "a")))
        #expect(!isAllowed(.pause, [.name("a")], rule(.allow, user: 10, group: 30, unit: "x*", queue: "a")))
        #expect(!isAllowed(.pause, [.name("b")], rule(.allow, user: 10, group: 30, unit: "mail*", queue: "a")))
    }

    @Test(arguments: [20, 30, 31]) func primaryAndSupplementaryGroupsCount(group: UInt32) {
        #expect(isAllowed(.pause, [], rule(.allow, group: group)))
    }

    @Test func aPeerWithoutAUnitMatchesNoRuleOfUnits() {
        let none = PeerFacts(PeerCredentials(pid: 0, uid: 10, gid: 20))
        #expect(!isAllowed(.pause, [], rule(.allow, unit: "*"), by: none))
        #expect(isAllowed(.claim, [], rule(.deny, unit: "*"), by: none))
    }

    @Test func aPeerWhoseUnitCannotBeFoundOutIsDeniedByRulesOfUnitsAndAllowedByNone() {
        let gone = PeerFacts(PeerCredentials(pid: 9, uid: 10, gid: 20), unit: { .unknown })
        #expect(!isAllowed(.pause, [], rule(.allow, unit: "*"), by: gone))
        #expect(!isAllowed(.enqueue, [.name("a")], rule(.deny, unit: "web.service"), by: gone))
        #expect(isAllowed(.enqueue, [.name("b")], rule(.deny, unit: "web.service", queue: "a"), by: gone))
        #expect(isAllowed(.enqueue, [.name("a")], rule(.allow, user: 10), rule(.deny, unit: "*"), by: gone))
    }

    @Test func rulesKnowWhetherTheyAskForUnits() {
        #expect(AccessRules([rule(.allow, user: 1), rule(.deny, unit: "a")])!.asksForUnits)
        #expect(!AccessRules([rule(.allow, user: 1)])!.asksForUnits)
    }

    @Test func theUnitIsLookedUpOnceAndOnlyForARuleThatAsks() {
        var lookUps = 0
        let counting = PeerFacts(
            PeerCredentials(pid: 1, uid: 10, gid: 20),
            unit: {
                lookUps += 1
                return .named("a.service")
            })
        #expect(
            !isAllowed(.pause, [], rule(.allow, user: 11, unit: "*"), rule(.allow, unit: "*", op: []), by: counting))
        #expect(lookUps == 0)
        for _ in 0..<3 { #expect(isAllowed(.pause, [], rule(.allow, unit: "*"), by: counting)) }
        #expect(lookUps == 1)
    }

    @Test func everyQueueMustBeAllowed() {
        let mail = rule(.allow, queue: "mail.*,post")
        #expect(isAllowed(.pause, [.name("mail.a"), .name("post")], mail))
        #expect(!isAllowed(.pause, [.name("mail.a"), .name("web")], mail))
        #expect(!isAllowed(.enqueue, [.name("a"), .name("secret")], rule(.deny, queue: "secret")))
    }

    @Test func aPatternIsAllowedWhereAllOfItIsAndDeniedWhereSomeOfItIs() {
        let mail = QueueScope.pattern(Glob("mail.*")!)
        #expect(isAllowed(.subscribe, [mail], rule(.allow, queue: "mail*"), rule(.deny)))
        #expect(!isAllowed(.subscribe, [mail], rule(.allow, queue: "mail.a*"), rule(.deny)))
        #expect(!isAllowed(.subscribe, [mail], rule(.deny, queue: "*.secret")))
        #expect(isAllowed(.subscribe, [mail], rule(.deny, queue: "web*")))
        #expect(!isAllowed(.stats, [.all], rule(.deny, queue: "secret")))
        #expect(isAllowed(.check, [.all], rule(.allow, queue: "*")))
    }

    @Test func anOperationWithoutQueuesMatchesNoRuleOfQueues() {
        #expect(!isAllowed(.drain, [], rule(.allow, queue: "*")))
        #expect(isAllowed(.ping, [], rule(.deny, queue: "*")))
    }

    @Test func refusalsAreToldOnceASecondForEachUserAndCounted() {
        var valve = RefusalValve()
        #expect(valve.pass(1, at: 0) == 0)
        #expect(valve.pass(2, at: 1) == 0)
        for time in 1..<10 { #expect(valve.pass(1, at: UInt64(time)) == nil) }
        #expect(valve.pass(1, at: 999_999) == nil)
        #expect(valve.pass(1, at: 1_000_000) == 10)
        #expect(valve.pass(1, at: 2_000_000) == 0)
        for user in 0..<10_000 { _ = valve.pass(UInt32(user), at: 3_000_000 + UInt64(user) * 1_000_000) }
        #expect(valve.pass(9_999, at: 3_000_000 + 9_999 * 1_000_000) == nil)
    }
}
