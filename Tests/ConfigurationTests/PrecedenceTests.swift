// Which layer wins, and what the daemon's own rules add (credentials, STATE_DIRECTORY).

import Logging
import Testing

@testable import jobqd

struct PrecedenceTests {
    @Test func withoutAnythingTheTableDefaultsHold() throws {
        let sandbox = try ConfigurationSandbox()
        try sandbox.write("")
        var expected = Configuration()
        expected.configFile = sandbox.mainFile
        expected.socket = "/run/jobqd/jobqd.sock"
        expected.socketMode = 0o660
        expected.stateDirectory = "/var/lib/jobqd"
        expected.maxConnections = 10_000
        expected.memoryBytes = 256 << 20
        expected.lineBytes = 1_048_576
        expected.inFlight = 256
        expected.storeKind = .redis
        expected.redisFsync = "everysec"
        expected.keyPrefix = "jobq"
        expected.requestTimeoutMs = 5000
        expected.logLevel = .info
        let found = try sandbox.configuration()
        expected.settings = found.settings
        #expect(found == expected)
    }

    @Test func eachLayerHidesTheOneBelow() throws {
        let sandbox = try ConfigurationSandbox()
        try sandbox.write("[Limits]\nInFlight=1\n")
        #expect(try sandbox.configuration().inFlight == 1)
        try sandbox.write("[Limits]\nInFlight=2\n", to: "jobqd.conf.d/20.conf")
        #expect(try sandbox.configuration().inFlight == 2)
        let environment = ["JOBQD_IN_FLIGHT": "3"]
        #expect(try sandbox.configuration(environment: environment).inFlight == 3)
        #expect(try sandbox.configuration(["--in-flight", "4"], environment: environment).inFlight == 4)
    }

    @Test func dropInsAreReadInTheOrderOfTheirNames() throws {
        let sandbox = try ConfigurationSandbox()
        try sandbox.write("")
        try sandbox.write("[Limits]\nInFlight=20\n", to: "jobqd.conf.d/20.conf")
        try sandbox.write("[Limits]\nInFlight=10\n", to: "jobqd.conf.d/10.conf")
        try sandbox.write("nonsense", to: "jobqd.conf.d/30.conf.bak")
        try sandbox.write("nonsense", to: "jobqd.conf.d/.hidden.conf")
        #expect(try sandbox.configuration().inFlight == 20)
    }

    @Test func emptyValueInADropInGoesBackToTheDefault() throws {
        let sandbox = try ConfigurationSandbox()
        try sandbox.write("[Limits]\nInFlight=1\n[Redis]\nUrl=unix:///run/redis.sock\n")
        try sandbox.write("[Limits]\nInFlight=\n[Redis]\nUrl=\n", to: "jobqd.conf.d/20.conf")
        let configuration = try sandbox.configuration()
        #expect(configuration.inFlight == 256)
        #expect(configuration.redisURL == nil)
    }

    @Test func emptyEnvironmentVariableCountsAsUnset() throws {
        let sandbox = try ConfigurationSandbox()
        try sandbox.write("[Server]\nSocket=/run/a.sock\n")
        #expect(try sandbox.configuration(environment: ["JOBQD_SOCKET": ""]).socket == "/run/a.sock")
    }

    @Test func stateDirectoryOfTheServiceManagerYieldsToOurOwnVariable() throws {
        let sandbox = try ConfigurationSandbox()
        try sandbox.write("")
        var environment = ["STATE_DIRECTORY": "/var/lib/one:/var/lib/two"]
        #expect(try sandbox.configuration(environment: environment).stateDirectory == "/var/lib/one")
        environment["JOBQD_STATE_DIR"] = "/srv/jobqd"
        #expect(try sandbox.configuration(environment: environment).stateDirectory == "/srv/jobqd")
    }

    @Test func everySettingOfAFileArrivesInItsField() throws {
        let sandbox = try ConfigurationSandbox()
        try sandbox.write(
            """
            ; all of them
            [Server]
            Socket=/a  \r
              AdminSocket = /b
            SocketMode=600
            SocketGroup=mail
            StateDirectory=/c
            [Limits]
            MaxConnections=5
            MaxConnectionsPerUser=4
            MemoryBytes=8M
            LineBytes=64K
            InFlight=7
            [Store]
            Kind=memory
            [Redis]
            Url=redis://host:6379/2
            PasswordFile=/d
            Fsync=always
            MaxMemory=1G
            KeyPrefix=my-jobs
            RequestTimeoutSec=1.5
            [Log]
            Level=debug
            """)
        var expected = Configuration(
            configFile: sandbox.mainFile, socket: "/a", adminSocket: "/b", socketMode: 0o600, socketGroup: "mail",
            stateDirectory: "/c", maxConnections: 5, maxConnectionsPerUser: 4, memoryBytes: 8 << 20, lineBytes: 65_536,
            inFlight: 7, storeKind: .memory,
            redisURL: "redis://host:6379/2", redisPasswordFile: "/d", redisFsync: "always", redisMaxMemory: 1 << 30,
            keyPrefix: "my-jobs", requestTimeoutMs: 1500,
            logLevel: .debug)
        let found = try sandbox.configuration()
        expected.settings = found.settings
        #expect(found == expected)
        #expect(found.settings["in-flight"] == [.number(7)])
    }

    @Test func missingDefaultFileIsNoErrorButAMissingNamedOneIs() throws {
        let sandbox = try ConfigurationSandbox()
        let byOption = try sandbox.failure()
        #expect(byOption.lines == ["jobqd.conf: No such file or directory"])
        #expect(byOption.exitCode == 78)
        let outcome = Configuration.load(arguments: [], environment: ["JOBQD_CONFIG": sandbox.mainFile])
        #expect(outcome == .failure("\(sandbox.mainFile): No such file or directory", exitCode: 78))

        var layers = ConfigurationLayers()
        layers.addBuiltIn()
        layers.addFiles(defaultFile: sandbox.mainFile)
        #expect(layers.problems.isEmpty)
    }

    @Test func aNamedFileMayBeMissingWhenItSaysSoAndIsReadWhenItIsThere() throws {
        let sandbox = try ConfigurationSandbox()
        let arguments = ["--config", "-\(sandbox.mainFile)"]
        let without = try sandbox.configuration(arguments)
        #expect(without.configFile == sandbox.mainFile && without.inFlight == 256)
        try sandbox.write("[Limits]\nInFlight=7\n")
        #expect(try sandbox.configuration(arguments).inFlight == 7)
    }

    @Test func credentialIsThePasswordFileUnlessAnotherOrAURLPasswordIsSet() throws {
        let sandbox = try ConfigurationSandbox()
        try sandbox.write("")
        let environment = ["CREDENTIALS_DIRECTORY": sandbox.directory]
        #expect(try sandbox.configuration(environment: environment).redisPasswordFile == nil)
        try sandbox.write("secret", to: "jobqd.redis-password")
        let path = sandbox.directory + "/jobqd.redis-password"
        #expect(try sandbox.configuration(environment: environment).redisPasswordFile == path)
        let other = ["--redis-password-file", "/other"]
        #expect(try sandbox.configuration(other, environment: environment).redisPasswordFile == "/other")
        try sandbox.write("[Redis]\nUrl=redis://:pw@host\n")
        #expect(try sandbox.configuration(environment: environment).redisPasswordFile == nil)
    }
}
