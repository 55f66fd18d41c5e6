// swift-tools-version:6.2
// A worker in Swift as a package of its own, the way a user of JobqClient would have it.

import PackageDescription

let package = Package(
    name: "worker",
    dependencies: [.package(name: "jobqd", path: "../..")],
    targets: [
        .executableTarget(name: "worker", dependencies: [.product(name: "JobqClient", package: "jobqd")])
    ],
    swiftLanguageModes: [.v6]
)
