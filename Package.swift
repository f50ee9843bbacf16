// swift-tools-version: 6.2
import PackageDescription

// Every room of docs/architecture.md is one target. The lint (`make lint`) compares each
// `import` with the dependencies declared here, because the compiler lets transitive ones pass.

let strict: [SwiftSetting] = [
  .swiftLanguageMode(.v6),
  .enableUpcomingFeature("ExistentialAny"),
  .enableUpcomingFeature("MemberImportVisibility"),
  .enableUpcomingFeature("InternalImportsByDefault"),
  .enableUpcomingFeature("NonisolatedNonsendingByDefault"),
  .treatAllWarnings(as: .error),
]

/// A Swift room.
func room(_ name: String, _ dependencies: [String] = []) -> Target {
  .target(
    name: name, dependencies: dependencies.map { .byName(name: $0) }, swiftSettings: strict)
}

/// The tests of one room.
func tests(_ name: String, _ dependencies: [String], exclude: [String] = []) -> Target {
  .testTarget(
    name: name, dependencies: dependencies.map { .byName(name: $0) }, exclude: exclude,
    swiftSettings: strict)
}

/// A C library of the system, with what to install when it is missing.
///
/// On Linux it is not linked, but loaded by `CLazy` when its first function is called.
func library(_ name: String, pkgConfig: String, apt: String, brew: String) -> Target {
  #if os(Linux)
    .systemLibrary(name: name, providers: [.apt([apt]), .brew([brew])])
  #else
    .systemLibrary(name: name, pkgConfig: pkgConfig, providers: [.apt([apt]), .brew([brew])])
  #endif
}

let package = Package(
  name: "shipit",
  platforms: [.macOS(.v15)],
  products: [.executable(name: "shipit", targets: ["shipit"])],
  targets: [
    // Floor 0: system libraries, and the shims Swift cannot express.
    library("CYAML", pkgConfig: "yaml-0.1", apt: "libyaml-dev", brew: "libyaml"),
    library("CCurl", pkgConfig: "libcurl", apt: "libcurl4-openssl-dev", brew: "curl"),
    library(
      "CMicroHTTPD", pkgConfig: "libmicrohttpd", apt: "libmicrohttpd-dev", brew: "libmicrohttpd"),
    library("CSQLite", pkgConfig: "sqlite3", apt: "libsqlite3-dev", brew: "sqlite"),
    library("CCrypto", pkgConfig: "libcrypto", apt: "libssl-dev", brew: "openssl@3"),
    library("CSodium", pkgConfig: "libsodium", apt: "libsodium-dev", brew: "libsodium"),
    library("CArchive", pkgConfig: "libarchive", apt: "libarchive-dev", brew: "libarchive"),
    library("CPostgres", pkgConfig: "libpq", apt: "libpq-dev", brew: "libpq"),
    .target(
      name: "CSystem", dependencies: ["CLazy"],
      linkerSettings: [.linkedLibrary("resolv", .when(platforms: [.macOS]))]),
    .target(name: "CLazy", linkerSettings: [.linkedLibrary("dl", .when(platforms: [.linux]))]),

    // Floor 1: toolkit, each useful alone, knowing nothing of shipit.
    room("Concurrency"),
    room("JSON"),
    room("YAML", ["CYAML", "CLazy"]),
    room("HTTP", ["CCurl", "CLazy", "Concurrency", "Crypto"]),
    room("SMTP", ["CCurl", "CLazy", "Concurrency"]),
    room("HTTPServer", ["CMicroHTTPD", "CLazy", "Concurrency"]),
    room("Names", ["CSystem", "Concurrency"]),
    room("Processes", ["CSystem", "Concurrency"]),
    room("Terminal", ["CSystem"]),
    room("Redaction", ["JSON"]),
    room("SQLite", ["CSQLite", "CLazy", "Concurrency"]),
    room("Postgres", ["CPostgres", "CLazy", "Concurrency"]),
    room("Crypto", ["CCrypto", "CSodium", "CLazy"]),
    room("Archive", ["CArchive", "CLazy"]),
    room("GraphQL", ["JSON"]),
    room("Zones", ["Concurrency"]),
    room("AWS", ["HTTP", "Crypto", "Concurrency"]),

    // Floor 2: values and pure functions.
    room("Model", ["Concurrency", "JSON"]),

    // Floor 3: pure decisions.
    room("Language", ["Model", "Analysis", "YAML", "JSON", "Concurrency", "Zones"]),
    room("Engine", ["Model", "Concurrency", "Zones"]),
    room("Analysis", ["Concurrency", "Zones"]),

    // Floor 4: one adapter per outside system.
    room("Railway", ["Model", "HTTP", "JSON", "Crypto", "Concurrency"]),
    room(
      "Vercel", ["Model", "HTTP", "JSON", "Crypto", "Archive", "Processes", "Concurrency"]),
    room("Encore", ["Model", "HTTP", "JSON", "Processes", "Archive", "Crypto", "Concurrency"]),
    room("Databases", ["Model", "Postgres", "Processes", "AWS", "HTTP", "Crypto", "Concurrency"]),
    room(
      "Secrets", ["Model", "HTTP", "Processes", "Redaction", "JSON", "Crypto", "AWS", "Concurrency"]),
    room("Source", ["Model", "Processes", "Archive", "Crypto", "Concurrency"]),
    room("Probing", ["Model", "HTTP", "Names", "JSON", "Concurrency"]),
    room("Commands", ["Model", "Processes", "Concurrency"]),
    room("Notifications", ["Model", "HTTP", "SMTP", "Crypto", "JSON", "Concurrency"]),
    room("GitHub", ["Model", "HTTP", "JSON", "Crypto", "Concurrency"]),
    room("Metrics", ["Analysis", "Model", "HTTP", "JSON", "Crypto", "Processes", "Concurrency"]),
    room("Flags", ["Model", "HTTP", "JSON", "Crypto", "Concurrency"]),
    room("Ledgers", ["Model", "SQLite", "Postgres", "Processes", "Crypto", "Concurrency"]),
    room("Adoption", ["Language", "Model", "YAML"]),

    // Floor 5: performing a run, showing it, and the emulated platforms.
    room("Rollouts", ["Analysis", "Engine", "Metrics", "Model", "JSON", "Concurrency", "Zones"]),
    room("Runner", ["Model", "Engine", "Concurrency", "Redaction", "Zones"]),
    room("Interface", ["Model", "Terminal", "Redaction", "JSON", "Concurrency"]),
    room(
      "Twin", ["HTTPServer", "HTTP", "Processes", "GraphQL", "Archive", "JSON", "Crypto", "Concurrency"]),

    // Floor 6: the command line.
    .executableTarget(
      name: "shipit",
      dependencies: [
        "Adoption", "Model", "Language", "YAML", "Engine", "Railway", "Vercel", "Encore", "Secrets", "Source",
        "Probing",
        "Commands", "Databases", "GitHub", "Ledgers", "Notifications", "Runner", "Rollouts", "Interface",
        "Twin", "Flags", "Metrics", "Terminal",
        "Redaction", "HTTP", "Processes", "Crypto", "JSON", "Concurrency", "Zones",
      ],
      swiftSettings: strict),

    // Tests, arranged by room.
    tests(
      "ToolkitTests",
      [
        "Concurrency", "JSON", "HTTP", "HTTPServer", "Names", "Processes", "Terminal", "Redaction",
        "SQLite", "Crypto", "Archive", "Zones", "TestSupport",
      ]),
    tests(
      "DatabaseTests",
      [
        "Databases", "Engine", "Runner", "Ledgers", "Model", "Postgres", "Processes", "Source", "Crypto",
        "AWS",
        "HTTP", "HTTPServer", "Concurrency", "TestSupport",
      ]),
    tests("YAMLTests", ["YAML"]),
    tests("GraphQLTests", ["GraphQL", "JSON"]),
    tests("ModelTests", ["Model", "Concurrency", "JSON"]),
    tests("LanguageTests", ["Language", "Model", "YAML", "JSON", "Zones"], exclude: ["Golden"]),
    tests("EngineTests", ["Engine", "Model", "Concurrency", "Zones", "Simulation"]),
    tests(
      "MetricTests",
      [
        "Metrics", "Analysis", "GitHub", "Twin", "Model", "HTTP", "HTTPServer", "Processes", "JSON",
        "Concurrency", "TestSupport",
      ]),
    tests("AnalysisTests", ["Analysis", "Metrics", "Engine", "Model", "JSON", "Concurrency", "Zones"]),
    tests(
      "RolloutTests",
      [
        "Rollouts", "Analysis", "Metrics", "Ledgers", "Model", "JSON", "Concurrency", "Zones", "Simulation",
        "TestSupport",
      ]),
    tests(
      "RunnerTests",
      ["Runner", "Engine", "Model", "Concurrency", "Crypto", "Ledgers", "Redaction", "Zones", "TestSupport"]),
    tests(
      "RailwayTests",
      ["Railway", "Probing", "Twin", "GraphQL", "Model", "HTTP", "JSON", "Concurrency", "TestSupport"]),
    tests(
      "VercelTests",
      [
        "Vercel", "Twin", "Probing", "Archive", "Crypto", "HTTPServer", "Model", "HTTP", "JSON",
        "Concurrency",
        "TestSupport",
      ]),
    tests(
      "EncoreTests",
      [
        "Encore", "Source", "Probing", "Model", "HTTP", "HTTPServer", "Processes", "JSON", "Archive",
        "Crypto",
        "Concurrency", "TestSupport",
      ]),
    tests(
      "GitHubTests",
      ["GitHub", "Twin", "Model", "HTTP", "HTTPServer", "JSON", "Crypto", "Concurrency", "TestSupport"]),
    tests(
      "FlagTests",
      [
        "Flags", "Twin", "Model", "HTTP", "HTTPServer", "Processes", "JSON", "Concurrency", "TestSupport",
      ], exclude: ["Official"]),
    tests(
      "AdapterTests",
      [
        "Secrets", "Source", "Probing", "Commands", "Ledgers", "Runner", "Model", "HTTP", "HTTPServer",
        "Names", "Processes", "SQLite", "Postgres", "Concurrency", "Crypto", "JSON", "Archive", "TestSupport",
      ]),
    tests(
      "SecretTests",
      [
        "Secrets", "AWS", "Model", "HTTP", "HTTPServer", "Processes", "JSON", "Crypto", "Concurrency",
        "TestSupport",
      ], exclude: ["SignatureVectors.json"]),
    tests(
      "NotificationTests",
      [
        "Notifications", "SMTP", "Twin", "Interface", "Model", "HTTP", "HTTPServer", "Processes", "Redaction",
        "Crypto", "JSON", "Concurrency", "TestSupport",
      ], exclude: ["Golden"]),
    // Compares adoption with what is expected of real repositories.
    .target(
      name: "Judging", dependencies: ["Adoption", "Language", "Model", "JSON"], path: "Tests/Judging",
      swiftSettings: strict),
    tests(
      "AdoptionTests", ["Adoption", "Judging", "Interface", "Language", "Model", "JSON", "TestSupport"],
      exclude: ["Golden"]),
    tests(
      "InterfaceTests", ["Interface", "Model", "Terminal", "JSON", "Redaction", "Concurrency"],
      exclude: ["Golden"]),
    tests(
      "TwinTests",
      [
        "Twin", "HTTP", "HTTPServer", "GraphQL", "JSON", "Concurrency", "Crypto", "Processes", "Archive",
        "TestSupport",
      ]),
    tests(
      "EndToEndTests",
      [
        "Twin", "Railway", "Runner", "Engine", "Model", "Language", "YAML", "Ledgers", "Probing",
        "Commands", "Source", "Secrets", "HTTP", "Processes", "JSON", "Concurrency", "Redaction",
        "TestSupport", "Interface", "Archive", "Crypto", "Postgres",
      ]),
    tests(
      "ConformanceTests",
      [
        "Twin", "Railway", "Vercel", "Encore", "Runner", "Engine", "Model", "Ledgers", "Probing", "HTTP",
        "HTTPServer",
        "JSON", "Concurrency",
        "Redaction", "Archive", "Crypto", "TestSupport",
      ]),
    // The engine in a simulated world, for its tests and for long runs of a release build.
    .target(
      name: "Simulation",
      dependencies: [
        "Engine", "Ledgers", "Rollouts", "Analysis", "Metrics", "Model", "JSON", "Concurrency", "Zones",
      ],
      path: "Tests/Simulation", swiftSettings: strict),
    .executableTarget(
      name: "Simulate", dependencies: ["Simulation"], path: "Tests/Simulate", swiftSettings: strict),
    // What the rooms take by themselves, for `make bench`.
    .executableTarget(
      name: "RoomBench",
      dependencies: [
        "Analysis", "Metrics", "Redaction", "Ledgers", "Probing", "Model", "HTTP", "JSON", "Concurrency",
        "TestSupport",
      ],
      path: "bench/RoomBench", swiftSettings: strict),
    // A process that contends for a lease, to be killed and stopped by tests.
    .executableTarget(
      name: "LedgerContender", dependencies: ["Ledgers", "Model", "Concurrency"],
      path: "Tests/LedgerContender", swiftSettings: strict),
    .target(
      name: "TestSupport",
      dependencies: [
        "Concurrency", "Crypto", "JSON", "Processes", "HTTP", "HTTPServer", "Model", "Postgres",
      ],
      path: "Tests/TestSupport", swiftSettings: strict),
  ]
)

// Fuzzing alone, `make fuzz`: what it links comes with the compiler's sanitizers and would be in the way elsewhere.
if Context.environment["SHIPIT_FUZZ"] == "1" {
  package.targets += [
    .executableTarget(
      name: "Fuzz",
      dependencies: [
        "YAML", "Language", "JSON", "Railway", "Ledgers", "Model", "HTTP", "Concurrency",
      ],
      path: "Tests/Fuzz", exclude: ["Corpus"], swiftSettings: strict)
  ]
}
