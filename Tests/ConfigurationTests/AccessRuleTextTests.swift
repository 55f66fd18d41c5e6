// `[Access]`: rules as lines of a file, in their order, with names that exist, and back as text.

import Broker
import Logging
import Testing
import Wire

@testable import jobqd

struct AccessRuleTextTests {
    private func rules(_ text: String, dropIn: String? = nil) throws -> [AccessRule] {
        let sandbox = try ConfigurationSandbox()
        try sandbox.write(text)
        if let dropIn { try sandbox.write(dropIn, to: "jobqd.conf.d/1.conf") }
        return try sandbox.configuration().access
    }

    @Test func aRuleHasAllItsConditions() throws {
        let rule = try rules(
            "[Access]\nAllow=user=root,7 \t group=root,8 unit=a@*.service op=watch,pause queue=a.*,b\n")[0]
        #expect(rule.verdict == .allow)
        #expect(rule.users == [0, 7] && rule.groups == [0, 8])
        #expect(rule.units == [Glob(unit: "a@*.service")!] && rule.queues == [Glob("a.*")!, Glob("b")!])
        #expect(rule.operations == OperationGroup.watch.operations.union(OperationSet(.pause)))
        #expect(rule.text == "user=root,7 group=root,8 unit=a@*.service op=watch,pause queue=a.*,b")
    }

    @Test func rulesKeepTheirOrderOverKeysAndFiles() throws {
        let found = try rules(
            "[Access]\nAllow=user=1\nDeny=user=2\nAllow=user=3\n", dropIn: "[Access]\nDeny=user=4\nAllow=user=5\n")
        #expect(found.map(\.users) == [[1], [2], [3], [4], [5]])
        #expect(found.map(\.verdict) == [.allow, .deny, .allow, .deny, .allow])
    }

    @Test func anEmptyRuleForgetsAllBeforeIt() throws {
        let found = try rules("[Access]\nAllow=user=1\nDeny=user=2\n", dropIn: "[Access]\nDeny=\nAllow=user=3\n")
        #expect(found.map(\.users) == [[3]])
        #expect(try rules("[Access]\nAllow=user=1\nAllow=\n").isEmpty)
    }

    @Test(arguments: [
        ("user=no-such-user-x", "names an unknown user: \"no-such-user-x\""),
        ("user=-1", "names an unknown user: \"-1\""), ("user=4294967295", "names an unknown user: \"4294967295\""),
        ("group=root,no-such-group-x", "names an unknown group: \"no-such-group-x\""),
        ("op=clam", "names an unknown operation: \"clam\" (did you mean \"claim\"?)"),
        ("op=admn", "names an unknown operation: \"admn\" (did you mean \"admin\"?)"),
        ("queue=a/b", "has no pattern of queues: \"a/b\""), ("unit=a/b", "has no pattern of units: \"a/b\""),
        ("user", "must be words like user=mailer op=claim, \"user\" is none"), ("user=", "has user= without a value"),
        ("user=1,,2", "has user= without a value"),
        ("user=1 user=2", "has user= twice; put the values into one, with commas"),
        ("usr=1", "has an unknown word \"usr=\" (did you mean \"user=\"?)"),
    ])
    func whatIsWrongWithARuleIsSaidWithItsLine(_ text: String, _ problem: String) throws {
        let sandbox = try ConfigurationSandbox()
        try sandbox.write("[Access]\nAllow=user=1\nDeny=\(text)\n")
        let failure = try sandbox.failure(["--check-config"])
        #expect(failure.lines == ["jobqd.conf:3: Deny \(problem)"])
        #expect(failure.exitCode == 78)
    }

    @Test func dumpHasTheRulesWithTheirLinesAndIsReadBack() throws {
        let sandbox = try ConfigurationSandbox()
        #expect(try emptyDump(sandbox).contains("\n[Access]\n# none\n#Allow=\n# none\n#Deny=\n"))
        try sandbox.write("[Access]\nDeny=user=1\nAllow=op=admin  queue=*\nDeny=group=2\n")
        let dump = try sandbox.printed(["--dump-config"])
        let file = sandbox.mainFile
        #expect(
            dump.contains(
                "\n[Access]\n# \(file):2\nDeny=user=1\n# \(file):3\nAllow=op=admin queue=*\n# \(file):4\nDeny=group=2\n\n"
            ))
        let before = try sandbox.configuration().access
        try sandbox.write(dump)
        #expect(try sandbox.configuration().access == before)
    }

    private func emptyDump(_ sandbox: ConfigurationSandbox) throws -> String {
        try sandbox.write("")
        return try sandbox.printed(["--dump-config"])
    }

    @Test func rulesStandInFilesOnly() throws {
        let sandbox = try ConfigurationSandbox()
        try sandbox.write("")
        #expect(try sandbox.failure(["--access-allow", "user=1"]).exitCode == 64)
        #expect(try sandbox.configuration(environment: ["JOBQD_ACCESS_ALLOW": "user=1"]).access.isEmpty)
    }

    @Test func aReloadSeesWhatChangedAndTakesOverWhatItMay() throws {
        let sandbox = try ConfigurationSandbox()
        try sandbox.write("[Access]\nAllow=user=1\nDeny=user=2\n[Limits]\nLineBytes=2K\n")
        var old = try sandbox.configuration()
        #expect(old.changes(to: old).taken.isEmpty && old.changes(to: old).left.isEmpty)
        try sandbox.write("[Access]\nDeny=user=2\nAllow=user=1\n[Log]\nLevel=error\n[Server]\nAdminSocket=/a\n")
        let new = try sandbox.configuration()
        #expect(old.changes(to: new).taken == ["access", "log-level"])
        #expect(old.changes(to: new).left == ["admin-socket", "line-bytes"])
        old.takeOver(new)
        #expect(old.access == new.access && old.logLevel == .error && old.adminSocket == nil)
        // What needs a restart goes on being said.
        #expect(old.changes(to: new).taken.isEmpty && old.changes(to: new).left == ["admin-socket", "line-bytes"])
    }

    @Test func everyReloadableSettingIsTakenOver() throws {
        let sandbox = try ConfigurationSandbox()
        try sandbox.write("")
        var old = try sandbox.configuration()
        try sandbox.write(
            "[Access]\nAllow=user=1\nDeny=user=1\n[Limits]\nMaxConnections=5\nMaxConnectionsPerUser=3\nMemoryBytes=64M\n"
                + "[Log]\nLevel=error\n")
        let new = try sandbox.configuration()
        let reloadable = Set(Setting.all.filter(\.isReloadable).map(\.changeName))
        #expect(Set(old.changes(to: new).taken) == reloadable)
        old.takeOver(new)
        #expect(old == new)
    }
}
