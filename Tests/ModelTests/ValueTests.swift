import Concurrency
import JSON
import Model
import Testing

@Suite struct ValueTests {
  @Test(arguments: [
    ("2026-08-21T10:00:00Z", 1_787_306_400_000), ("2026-08-21T12:00:00.5+02:00", 1_787_306_400_500),
    ("1970-01-01T00:00:00Z", 0), ("2024-02-29T23:59:59.999Z", 1_709_251_199_999),
  ])
  func momentsAreReadFromISO8601(_ text: String, _ milliseconds: Int64) throws {
    let moment = try #require(Timestamp(iso8601: text))
    #expect(moment.milliseconds == milliseconds)
    #expect(Timestamp(iso8601: moment.iso8601) == moment)
  }

  @Test(arguments: ["", "yesterday", "2026-13-01T00:00:00Z", "2026-08-21T10:00:00", "2026-08-21T25:00:00Z"])
  func whatIsNoMomentIsRefused(_ text: String) {
    #expect(Timestamp(iso8601: text) == nil)
  }

  @Test func aMarkerIsFoundAgainWhateverFollowsIt() {
    let marker = Marker(app: "shop", environment: "prod", run: RunID(7), step: "api.deploy")
    #expect(Marker(parsing: "\(marker) 1a2b3c4d") == marker)
    #expect(Marker(parsing: "\(marker)") == marker)
    for other in [
      "", "fix the build", "shipit/shop/prod/x/api.deploy", "shipit/shop/prod/7/", "shipit/shop/prod/7",
    ] {
      #expect(Marker(parsing: other) == nil)
    }
  }

  @Test func ofSeveralExitCodesTheGravestWins() {
    let order: [ExitCode] = [.rollbackFailed, .failedMixed, .interrupted, .deadline, .failedClean]
    for (index, graver) in order.enumerated() {
      for other in order.dropFirst(index) {
        #expect(graver.combined(with: other) == graver)
        #expect(other.combined(with: graver) == graver)
      }
    }
  }

  @Test func aSecretCannotBePrinted() {
    let secret = Sensitive("correct horse")
    for text in [
      "\(secret)", String(describing: secret), String(reflecting: [secret]), "\(Optional(secret) as Any)",
    ] {
      #expect(!text.contains("horse"))
    }
    var dumped = ""
    dump(secret, to: &dumped)
    #expect(!dumped.contains("horse"))
    // Neither as JSON nor as a property list nor as any other: there is no way to write it.
    #expect(!((secret as Any) is any Encodable))
  }

  @Test(
    "a secret gives back what it was given, and is equal to that alone",
    arguments: ["", "a", "b", "correct horse", "correct horsf", "e\u{301}", "\u{e9}", "\0a", "🔑"])
  func secretKeepsItsBytes(text: String) {
    #expect(Array(Sensitive(text).reveal().utf8) == Array(text.utf8))
    #expect(Sensitive(text) == Sensitive(text) && Sensitive(text).isEmpty == text.isEmpty)
    #expect(Sensitive(text) != Sensitive(text + "x"))
    // Byte for byte: two ways to write é are two secrets.
    #expect(Sensitive("e\u{301}") != Sensitive("\u{e9}"))
  }

  @Test("what a secret leaves behind is zeros")
  func wiped() {
    let bytes = UnsafeMutableBufferPointer<UInt8>.allocate(capacity: 37)
    defer { bytes.deallocate() }
    bytes.initialize(repeating: 0xA5)
    Sensitive.wipe(bytes)
    #expect(bytes.allSatisfy { $0 == 0 })
    Sensitive.wipe(UnsafeMutableBufferPointer(start: nil, count: 0))
  }

  @Test func onlyManagedSettingsDiffer() {
    var wanted = ServiceSettings()
    wanted.replicas = 2
    wanted.start = "./run"
    var observed = ServiceSettings()
    observed.replicas = 3
    observed.start = "./run"
    observed.region = "europe"
    #expect(wanted.differences(from: observed) == [SettingChange(name: "replicas", from: "3", to: "2")])
  }

  @Test func recordsFromBeforeDatabasesAreRead() throws {
    var environment = Environment(name: "prod", app: "shop")
    environment.databases = [DatabaseTarget(key: "main", url: .secret("MAIN_URL"))]
    guard case .object(var members) = try JSON(encoding: environment) else { return }
    #expect(try JSON.object(members).decoded(as: Environment.self).databases == environment.databases)
    #expect(members.removeValue(forKey: "databases") != nil)
    #expect(try JSON.object(members).decoded(as: Environment.self).databases.isEmpty)
  }
}
