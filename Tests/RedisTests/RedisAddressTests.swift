// Addresses as users write them.

import Testing

@testable import Redis

@Suite struct RedisAddressTests {
    @Test(arguments: [
        ("unix:///run/redis.sock", "unix:///run/redis.sock"),
        ("unix:///run/my%20redis.sock?db=3", "unix:///run/my redis.sock?db=3"),
        ("redis://localhost", "redis://localhost:6379"),
        ("redis://localhost/", "redis://localhost:6379"),
        ("redis://10.0.0.1:7000/2", "redis://10.0.0.1:7000/2"),
        ("redis://[::1]:7000", "redis://[::1]:7000"),
        ("redis://[::1]", "redis://[::1]:6379"),
        ("redis://user:secret@host:1/5", "redis://host:1/5"),
    ])
    func addressIsReadAndDescribedWithoutSecrets(text: String, description: String) throws {
        #expect(try RedisAddress.parse(text).description == description)
    }

    @Test func userAndPasswordArePercentDecodedAndMayContainAt() throws {
        let address = try RedisAddress.parse("redis://wor%6Ber:p@ss%3A%2F@host")
        #expect(address.user == "worker")
        #expect(address.password == Array("p@ss:/".utf8))
        #expect(address.endpoint == .tcp(host: "host", port: 6379))
    }

    @Test func emptyUserMeansTheDefaultUser() throws {
        let address = try RedisAddress.parse("redis://:secret@host")
        #expect(address.user == nil)
        #expect(address.password == Array("secret".utf8))
    }

    @Test func passwordIsNeitherInDescriptionsNorInDumps() throws {
        let address = try RedisAddress.parse("redis://user:geheim@host")
        let configuration = RedisConfiguration(address: address, password: { Array("geheim".utf8) })
        var dumped = ""
        dump(address, to: &dumped)
        dump(configuration, to: &dumped)
        let texts = [
            dumped, "\(address)", "\(configuration)", String(reflecting: address), String(reflecting: configuration),
        ]
        for text in texts { #expect(!text.contains("geheim") && !text.contains("user")) }
    }

    @Test(arguments: [
        "", "localhost:6379", "http://host", "rediss://host", "redis://", "redis://host:0", "redis://host:99999",
        "redis://host:port", "redis://host/x", "redis://host/-1", "redis://::1", "redis://[::1]x", "redis://ho st",
        "redis://h%2", "unix://relative", "unix:///path?x=1", "unix:///" + String(repeating: "x", count: 107),
    ])
    func unusableAddressIsRefused(text: String) {
        #expect(throws: RedisAddressError.self) { try RedisAddress.parse(text) }
    }

    @Test func errorOfAnAddressDoesNotQuoteThePassword() {
        #expect {
            try RedisAddress.parse("redis://user:geheim@host:port")
        } throws: { !"\($0)".contains("geheim") }
    }

    @Test func pathOf107BytesIsTheLongest() throws {
        let path = "/" + String(repeating: "x", count: 106)
        #expect(try RedisAddress(unix: path).endpoint == .unix(path: path))
        #expect(SocketAddress(path: path) != nil)
        #expect(throws: RedisAddressError.self) { try RedisAddress(unix: path + "x") }
    }
}
