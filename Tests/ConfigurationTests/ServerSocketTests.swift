// Which socket is for whom, by the name of a passed descriptor and by the configuration.

import Testing

@testable import jobqd

@Suite struct ServerSocketTests {
    @Test(arguments: [
        ("admin", SocketRole.admin), ("metrics", .metrics), ("jobqd", .client), ("unknown", .client), ("", .client),
        ("client", .client),
    ]) func descriptorNameSaysWhomASocketIsFor(name: String, role: SocketRole) {
        #expect(SocketRole(descriptorName: name) == role)
    }

    @Test func withoutPassedDescriptorsThePathsOfTheConfigurationAreBound() {
        var configuration = Configuration()
        configuration.socket = "/a"
        #expect(ServerSocket.all(configuration).map(\.role) == [.client])
        configuration.adminSocket = "/b"
        #expect(ServerSocket.all(configuration).map(\.role) == [.client, .admin])
    }
}
