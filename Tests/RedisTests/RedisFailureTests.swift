// What the error replies of Redis mean.

import Testing

@testable import Redis

@Suite struct RedisFailureTests {
    @Test(arguments: [
        ("LOADING Redis is loading the dataset in memory", RedisFailure.Kind.unavailable),
        ("READONLY You can't write against a read only replica.", .unavailable),
        ("MASTERDOWN Link with MASTER is down and replica-serve-stale-data is set to 'no'.", .unavailable),
        ("CLUSTERDOWN Hash slot not served", .unavailable),
        ("TRYAGAIN Multiple keys request during rehashing of slot", .unavailable),
        ("BUSY Redis is busy running a script.", .unavailable),
        ("OOM command not allowed when used memory > 'maxmemory'.", .full),
        ("MISCONF Redis is configured to save RDB snapshots, but it's currently unable to persist to disk.", .full),
        ("NOSCRIPT No matching script. Please use EVAL.", .noScript),
        ("WRONGTYPE Operation against a key holding the wrong kind of value", .other),
        ("NOREPLICAS Not enough good replicas to write.", .unavailable),
        ("MOVED 3999 127.0.0.1:6381", .unavailable),
        ("ERR unknown command 'EVALSHA', with args beginning with: 'ab' ", .unavailable),
        ("NOPERM this user has no permissions to run the 'evalsha' command", .unavailable),
        ("NOAUTH Authentication required.", .unavailable),
        ("ERR value is not an integer or out of range", .other),
        ("", .other),
    ])
    func errorReplyHasItsKind(text: String, kind: RedisFailure.Kind) {
        #expect(RedisFailure(errorReply: text).kind == kind)
    }

    @Test func errorInsideAScriptOfRedis62IsUnwrapped() {
        let text =
            "ERR Error running script (call to f_ab12): @user_script:12: @user_script: 12: "
            + "-OOM command not allowed when used memory > 'maxmemory'."
        let failure = RedisFailure(errorReply: text)
        #expect(failure == .reply(code: "OOM", message: "command not allowed when used memory > 'maxmemory'."))
        #expect(failure.kind == .full)
    }

    @Test func errorOfTheScriptItselfStaysAnError() {
        let text = "ERR Error running script (call to f_ab12): @user_script:1: user_script:1: attempt - failed"
        #expect(RedisFailure(errorReply: text).kind == .other)
    }

    @Test func onlyARoleChangeAsksForANewCheck() {
        #expect(RedisFailure(errorReply: "READONLY no").asksForNewCheck)
        #expect(RedisFailure(errorReply: "LOADING x").asksForNewCheck)
        #expect(!RedisFailure(errorReply: "OOM x").asksForNewCheck)
        #expect(!RedisFailure.timedOut.asksForNewCheck)
    }

    @Test func descriptionHasNoControlCharacters() {
        #expect(
            RedisFailure.reply(code: "ERR", message: "a\u{1b}[2J\nb").description
                == "Redis says: ERR a\\u{1b}[2J\\u{a}b")
    }

    @Test func lostAndUnsentCommandsAreUnavailable() {
        for failure in [RedisFailure.notReady("x"), .lost("x"), .timedOut] { #expect(failure.kind == .unavailable) }
    }

    @Test(arguments: [
        ("ERR The user executing the script can't run this command or subcommand", RedisFailure.MissingRight.command),
        (
            "ERR The user executing the script can't access at least one of the keys mentioned in the command arguments",
            .keys
        ),
        ("ERR The user executing the script can't publish to the channel mentioned in the command", .channels),
        ("ERR Unknown Redis command called from script", .unknownCommand),
        ("@user_script: 12: Unknown Redis command called from Lua script", .unknownCommand),
        ("ERR ACL failure in script: User jobq has no permissions to run the 'zadd' command", .command),
        ("ERR ACL failure in script: No permissions to access a key", .keys),
        ("ERR ACL failure in script: No permissions to access a channel", .channels),
        ("NOPERM User jobq has no permissions to run the 'zadd' command", .command),
        ("NOPERM this user has no permissions to run the 'script|load' command", .command),
        ("NOPERM this user has no permissions to access one of the keys used as arguments", .keys),
        ("NOPERM this user has no permissions to access one of the channels used as arguments", .channels),
        ("NOPERM No permissions to access the 'x' channel", .channels),
        ("ERR unknown command `EVAL`, with args beginning with: `return 1`, `0`, ", .unknownCommand),
        ("ERR Unknown subcommand or wrong number of arguments for 'LOAD'. Try SCRIPT HELP.", .unknownCommand),
        ("ERR unknown subcommand 'LOAD'. Try SCRIPT HELP.", .unknownCommand),
    ])
    func whatIsKeptFromUsIsTold(text: String, right: RedisFailure.MissingRight) {
        #expect(RedisFailure(errorReply: text).missingRight == right)
        #expect(RedisFailure(errorReply: text).kind == .unavailable)
    }

    @Test(arguments: [
        "OOM command not allowed when used memory > 'maxmemory'.", "NOREPLICAS Not enough good replicas to write.",
        "ERR wrong number of arguments for 'hset' command",
        "WRONGTYPE Operation against a key holding the wrong kind of value", "NOSCRIPT No matching script.",
    ])
    func otherErrorsAreNotAboutRights(text: String) {
        #expect(RedisFailure(errorReply: text).missingRight == nil)
    }

    @Test func whatRedisQuotesOfACommandIsCutOff() {
        for text in [
            "ERR unknown command 'EVALSHA', with args beginning with: 'ab12' '1' 'card 4111' ",
            "ERR unknown command `AUTH`, with args beginning with: `user`, `card 4111`, ",
        ] {
            let failure = RedisFailure(errorReply: text)
            #expect(!"\(failure)".contains("4111") && "\(failure)".contains("unknown command"))
        }
    }

    @Test func theScriptOfAnErrorIsCutOff() {
        let digest = "465a309f942770af25cacbdd3da14029c37a9988"
        let failure = RedisFailure(
            errorReply: "NOREPLICAS Not enough good replicas to write. script: \(digest), on @user_script:1.")
        #expect(failure == .reply(code: "NOREPLICAS", message: "Not enough good replicas to write."))
        let old = RedisFailure(
            errorReply: "ERR Error running script (call to f_\(digest)): @user_script:12: @user_script: 12: "
                + "Unknown Redis command called from Lua script")
        #expect(!"\(old)".contains(digest))
        let inner = RedisFailure(
            errorReply: "@user_script: 3: -OOM command not allowed when used memory > 'maxmemory'.\r\n")
        #expect(inner == .reply(code: "OOM", message: "command not allowed when used memory > 'maxmemory'."))
    }

    @Test func onlyWhatConcernsTheWholeServerIsARefusal() {
        for code in ["READONLY", "BUSY", "NOREPLICAS", "CLUSTERDOWN", "OOM", "MISCONF"] {
            #expect(RedisFailure(errorReply: "\(code) x").isRefusal)
        }
        for text in [
            "LOADING x", "NOPERM this user has no permissions to run the 'zadd' command", "ERR x", "WRONGTYPE x",
        ] {
            #expect(!RedisFailure(errorReply: text).isRefusal)
        }
    }
}
