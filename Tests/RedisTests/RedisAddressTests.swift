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
        ("redis://host?db=3", "redis://host:6379/3"), ("redis://host/?db=3", "redis://host:6379/3"),
        ("redis://host/3?db=3", "redis://host:6379/3"), ("redis://host?", "redis://host:6379"),
        ("REDIS://host", "redis://host:6379"), ("Unix:///run/r.sock", "unix:///run/r.sock"),
        ("unix://:secret@/run/r.sock?db=2", "unix:///run/r.sock?db=2"),
        ("unix:///run/a:b@c.sock", "unix:///run/a:b@c.sock"), ("unix:///run/a%23%3F.sock", "unix:///run/a#?.sock"),
        ("redis://[fe80::1%25eth0]:7000/1", "redis://[fe80::1%eth0]:7000/1"),
        ("redis://[::ffff:127.0.0.1]", "redis://[::ffff:127.0.0.1]:6379"),
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

    @Test(arguments: [
        ("host:6379", "begins with a scheme"), ("/run/redis.sock", "unix:///"), ("http://host", "scheme"),
        ("redis:host", "begins with a scheme"), ("rediss://host", "TLS"), ("REDISS://host", "TLS"),
        ("redis://", "no host"), ("redis://:6379", "no host"), ("redis://:geheim@", "no host"),
        ("redis://:geheim@:6379", "no host"), ("redis://ho st", "host name"), ("redis://h%2", "host"),
        ("redis://host:", "port"), ("redis://host:+1", "port"), ("redis://host:0", "port"),
        ("redis://host:65536", "port"), ("redis://host:6379x/1", "port"), ("redis://::1", "brackets"),
        ("redis://[::1", "]"), ("redis://[::1]6379", "]"), ("redis://[host]:1", "no IPv6 address"),
        ("redis://host/x", "path"), ("redis://host/+1", "path"), ("redis://host/1/2", "path"),
        ("redis://host/65536", "path"), ("redis://host?db=x", "parameter db"), ("redis://host?db=", "parameter db"),
        ("redis://host?db=-1", "parameter db"), ("redis://host?db=1&db=2", "twice"),
        ("redis://host/1?db=2", "two databases"), ("redis://host?timeout=5", "unknown parameter timeout="),
        ("redis://host/1?DB=1", "unknown parameter"), ("redis://host/1#x", "fragment"),
        ("redis://us%er:geheim@host", "user"), ("redis://user:gehei%m@host", "password"),
        ("redis://user:geheim%2@host", "password"), ("redis://u%0a:geheim@host", "user"),
        ("unix://run/redis.sock", "absolute"), ("unix://host/run/redis.sock", "absolute"), ("unix://", "absolute"),
        ("unix://user:geheim@run/redis.sock", "absolute"), ("unix:///run/r?x=1", "unknown parameter x="),
        ("unix:///run/r#1", "fragment"), ("unix:///run/%zz", "path of the Redis socket"),
        ("unix://:gehei%m@/run/r", "password"),
    ])
    func anErrorNamesThePartThatIsWrongAndNoSecret(text: String, part: String) {
        #expect {
            try RedisAddress.parse(text)
        } throws: { "\($0)".contains(part) && !"\($0)".contains("gehei") }
    }

    @Test func passwordsOfASocketAreReadToo() throws {
        let address = try RedisAddress.parse("unix://w%40:p%2Fw@/run/r.sock")
        #expect(address.user == "w@" && address.password == Array("p/w".utf8))
        #expect(try RedisAddress.parse("redis://user:@host").password == nil)
    }
}
