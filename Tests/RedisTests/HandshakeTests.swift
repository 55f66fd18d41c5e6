// The opening talk with Redis, reply by reply and without a socket.

import Testing

@testable import Redis

@Suite struct HandshakeTests {
    private static let info = """
        # Server\r
        redis_version:7.0.15\r
        # Persistence\r
        loading:0\r
        aof_enabled:1\r
        maxmemory_policy:noeviction\r
        role:master\r

        """

    private func full() -> Handshake {
        Handshake(steps: Handshake.commands(authenticates: true, database: 2, name: "jobqd", scripts: 2))
    }

    private func error(_ text: String) -> HandshakeReply { .error(RedisFailure(errorReply: text)) }

    private func verdict(info: String, save: HandshakeReply = .list(["save", ""])) -> (Handshake.Verdict, ServerFacts) {
        var talk = Handshake(steps: [.information, .snapshots])
        var verdict = talk.receive(.text(info))
        if verdict == .goOn { verdict = talk.receive(save) }
        return (verdict, talk.facts)
    }

    @Test func stepsAreInTheOrderInWhichRedisMustSeeThem() {
        #expect(
            Handshake.commands(authenticates: true, database: 2, name: "n", scripts: 2)
                == [.authenticate, .select(2), .setName("n"), .information, .snapshots, .load(0), .load(1)])
        #expect(
            Handshake.commands(authenticates: false, database: 0, name: "n", scripts: 1, triesRights: true)
                == [
                    .setName("n"), .information, .snapshots, .rights, .digest, .subscribe, .unsubscribe,
                    .patternSubscribe, .patternUnsubscribe, .load(0),
                ])
        #expect(
            Handshake.subscriptions(authenticates: false, name: "n", triesRights: true)
                == [.setName("n"), .subscribe, .unsubscribe])
        #expect(Handshake.commands(authenticates: false, database: 0, name: "n", scripts: 0).first == .setName("n"))
        #expect(Handshake.subscriptions(authenticates: true, name: "n") == [.authenticate, .setName("n")])
    }

    @Test func goodRepliesEndInReadyWithDigestsAndFacts() {
        var talk = full()
        let replies: [HandshakeReply] = [
            .text("OK"), .text("OK"), .text("OK"), .text(Self.info), .list(["save", "3600 1"]), .text("aaaa"),
        ]
        for reply in replies { #expect(talk.receive(reply) == .goOn) }
        #expect(talk.receive(.text("bbbb")) == .ready)
        #expect(talk.digests == ["aaaa", "bbbb"])
        #expect(talk.facts.version == "7.0.15")
        #expect(talk.facts.role == "master")
        #expect(talk.facts.warnings.isEmpty)
    }

    @Test func wrongPasswordIsRefusedInWords() {
        var talk = full()
        let verdict = talk.receive(error("WRONGPASS invalid username-password pair or user is disabled."))
        guard case .refused(let why) = verdict else {
            Issue.record("not refused")
            return
        }
        #expect(why.contains("WRONGPASS"))
    }

    @Test func missingPasswordIsRefusedAtTheFirstStep() {
        var talk = Handshake(steps: Handshake.subscriptions(authenticates: false, name: "n"))
        guard case .refused(let why) = talk.receive(error("NOAUTH Authentication required.")) else {
            Issue.record("not refused")
            return
        }
        #expect(why.contains("wants a password"))
    }

    @Test func forbiddenInformationIsToleratedWithAWarning() {
        var talk = Handshake(steps: [.setName("n"), .information, .snapshots])
        #expect(talk.receive(error("NOPERM no")) == .goOn)
        #expect(talk.receive(error("NOPERM no")) == .goOn)
        #expect(talk.receive(error("ERR unknown command 'CONFIG'")) == .ready)
        #expect(talk.facts.warnings.count == 1)
    }

    @Test(arguments: ["6.0.16", "5.0.14", "6.1.240"])
    func oldVersionIsRefused(version: String) {
        let (verdict, _) = verdict(info: "redis_version:\(version)\r\nrole:master\r\n")
        #expect(verdict == .refused("Redis \(version) is too old; 6.2 or later is needed"))
    }

    @Test(arguments: ["6.2.0", "7.0.15", "8.2.1", "10.0.0", "255.255.255"])
    func newVersionIsTaken(version: String) {
        #expect(verdict(info: "redis_version:\(version)\r\nrole:master\r\n").0 == .ready)
    }

    @Test func replicaIsRefusedAndNamesItsPrimary() {
        let (verdict, _) = verdict(
            info: "redis_version:7.0.15\r\nrole:slave\r\nmaster_host:10.0.0.9\r\nmaster_port:6379\r\n")
        #expect(verdict == .refused("READONLY this Redis is a replica of 10.0.0.9:6379; the primary is needed"))
    }

    @Test func loadingServerIsRefused() {
        let (verdict, _) = verdict(info: "redis_version:7.0.15\r\nloading:1\r\nrole:master\r\n")
        #expect(verdict == .refused("LOADING Redis is loading its data"))
    }

    @Test func evictionPolicyIsALoudWarning() {
        let (verdict, facts) = verdict(
            info: "redis_version:7.0.15\r\nrole:master\r\naof_enabled:1\r\nmaxmemory_policy:allkeys-lru\r\n")
        #expect(verdict == .ready)
        #expect(facts.warnings.count == 1 && facts.warnings[0].contains("LOSE JOBS"))
    }

    @Test func noPersistenceIsAWarningOnlyWhenBothAreKnownToBeOff() {
        let info = "redis_version:7.0.15\r\nrole:master\r\naof_enabled:0\r\n"
        #expect(verdict(info: info).1.warnings.count == 1)
        #expect(verdict(info: info, save: .list(["save", "3600 1"])).1.warnings.isEmpty)
        #expect(verdict(info: info, save: error("NOPERM no")).1.warnings.isEmpty)
    }

    @Test func scriptThatCannotBeLoadedIsRefused() {
        var talk = Handshake(steps: [.load(0)])
        guard case .refused(let why) = talk.receive(error("ERR Error compiling script")) else {
            Issue.record("not refused")
            return
        }
        #expect(why.contains("Error compiling script"))
    }

    @Test func replyThatWasNotAskedForIsRefused() {
        var talk = Handshake(steps: [.setName("n")])
        #expect(talk.receive(.text("OK")) == .ready)
        #expect(talk.receive(.text("OK")) == .refused("Redis answered what was not asked"))
    }

    // MARK: Rights

    private static let probe = RightsProbe(
        script: Script(name: "probe", source: []), key: "jobq:{}:probe", channel: "jobq:{}:probe", prefix: "jobq")
    private static let noScript = "NOSCRIPT No matching script. Please use EVAL."
    private static let noChannel = "NOPERM this user has no permissions to access one of the channels used as arguments"

    /// The verdict on replies to the steps that try rights, and to loading one script.
    private func verdict(
        rights: HandshakeReply = .list([]), digest: String = noScript, subscribe: HandshakeReply = .list([]),
        pattern: HandshakeReply = .list([]), load: HandshakeReply = .text("ab")
    ) -> (Handshake.Verdict, Handshake) {
        var talk = Handshake(
            steps: [
                .rights, .digest, .subscribe, .unsubscribe, .patternSubscribe, .patternUnsubscribe, .load(0),
            ], rights: Self.probe, user: "worker")
        for reply in [rights, error(digest), subscribe, .list([]), pattern, .list([])] {
            let verdict = talk.receive(reply)
            if verdict != .goOn { return (verdict, talk) }
        }
        return (talk.receive(load), talk)
    }

    @Test func aServerThatPermitsAllIsReady() {
        let (verdict, talk) = verdict()
        #expect(verdict == .ready && talk.findings?.isEmpty == true && talk.findings?.refusal == nil)
    }

    @Test func allThatIsMissingIsNamedInOneSentence() {
        let (verdict, _) = verdict(
            rights: .list([
                "ZADD", "ERR The user executing the script can't run this command or subcommand",
                "XADD", "ERR Unknown Redis command called from script",
                "GET",
                "ERR The user executing the script can't access at least one of the keys mentioned in the command",
                "HSET", "ERR wrong number of arguments for 'hset' command",
            ]), digest: "ERR unknown command 'EVALSHA', with args beginning with: '00' ",
            subscribe: error(Self.noChannel),
            load: error("NOPERM this user has no permissions to run the 'script|load' command"))
        #expect(
            verdict
                == .refused(
                    "Redis does not let jobqd work: it does not know the commands XADD EVALSHA (renamed, disabled or too "
                        + "old); its user worker lacks the right to the commands ZADD SCRIPT, keys ~jobq:*, channels "
                        + "&jobq:*; see jobqd-redis(7)"))
    }

    @Test func aPatternThatIsNotPermittedIsDoneWithout() {
        #expect(verdict(pattern: error(Self.noChannel)).0 == .ready)
        guard case .refused(let why) = verdict(pattern: error("ERR unknown command 'PSUBSCRIBE'")).0 else {
            Issue.record("not refused")
            return
        }
        #expect(why.contains("PSUBSCRIBE"))
    }

    @Test func aServerThatOnlyRefusesWritesIsReadyAndSaysSo() {
        let (verdict, talk) = verdict(
            rights: .list(["SET", "OOM command not allowed when used memory > 'maxmemory'."]))
        #expect(verdict == .ready)
        #expect(talk.findings?.refusal?.kind == .full)
    }

    @Test func anAnswerOfAnotherShapeIsRefused() {
        guard case .refused = verdict(rights: .list(["odd"])).0, case .refused = verdict(rights: .text("OK")).0 else {
            Issue.record("not refused")
            return
        }
    }
}
