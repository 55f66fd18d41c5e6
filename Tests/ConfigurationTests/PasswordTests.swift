// A password is taken where only its owner can read it, and shown nowhere.

import Testing

@testable import jobqd

struct PasswordTests {
    @Test func passwordOnTheCommandLineIsRefusedWithTheWayOut() throws {
        let sandbox = try ConfigurationSandbox()
        try sandbox.write("")
        for arguments in [["--redis", "redis://:s3cret@host"], ["--redis=redis://u:s3cret@host/1"]] {
            let failure = try sandbox.failure(arguments)
            #expect(failure.exitCode == 64)
            #expect(failure.lines.count == 1)
            #expect(failure.lines[0].contains("--redis-password-file FILE"))
            #expect(!failure.lines[0].contains("s3cret"))
        }
    }

    @Test func passwordInFileOrEnvironmentIsTakenAndMaskedInTheDump() throws {
        let sandbox = try ConfigurationSandbox()
        try sandbox.write("[Redis]\nUrl=redis://u:s3:c/r@t@host/1\n")
        #expect(try sandbox.configuration().redisURL == "redis://u:s3:c/r@t@host/1")
        #expect(try sandbox.printed(["--dump-config"]).contains("\nUrl=redis://u:***@host/1\n"))

        let environment = ["JOBQD_REDIS": "redis://:s3cret@host"]
        #expect(try sandbox.configuration(environment: environment).redisURL == "redis://:s3cret@host")
        #expect(try !sandbox.printed(["--dump-config"], environment: environment).contains("s3cret"))
    }

    @Test func userWithoutPasswordMayStandOnTheCommandLine() throws {
        let sandbox = try ConfigurationSandbox()
        try sandbox.write("")
        for url in ["redis://user@host:6379", "redis://host:6379/3", "redis://[::1]:6379", "unix:///run/a:b@c"] {
            #expect(try sandbox.configuration(["--redis", url]).redisURL == url)
        }
    }

    @Test func mistypedURLWithAPasswordIsNotShownInTheError() throws {
        let sandbox = try ConfigurationSandbox()
        try sandbox.write("[Redis]\nUrl=redis:/u:s3cret@host\n")
        #expect(try !sandbox.failure().lines.joined().contains("s3cret"))
        let byOption = try sandbox.failure(["--redis", "redis//u:s3cret@host"])
        #expect(!byOption.lines.joined().contains("s3cret"))
    }

    @Test func passwordInURLAndFileTogetherIsRefused() throws {
        let sandbox = try ConfigurationSandbox()
        try sandbox.write("[Redis]\nUrl=redis://:pw@host\nPasswordFile=/run/secret\n")
        #expect(try sandbox.failure().exitCode == 78)
    }
}
