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
        ("ERR unknown command", .other),
        ("NOPERM this user has no permissions to run the 'evalsha' command", .other),
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
}
