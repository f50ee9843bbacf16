import Concurrency
import Foundation
import TestSupport
import Testing
import Zones

/// Time zones from the system's data, against what is known of them.
@Suite struct ZoneTests {
  static let database = ZoneDatabase.system([:])

  static func moment(_ text: String) -> Timestamp { Timestamp(iso8601: text) ?? Timestamp(milliseconds: 0) }

  static func local(_ text: String) -> LocalTime {
    // Read as if it were UTC.
    LocalTime(seconds: moment(text + ":00Z").milliseconds / 1000)
  }

  @Test(
    arguments: [
      ("Europe/Oslo", "2026-01-15T12:00:00Z", 3600, "CET"),
      ("Europe/Oslo", "2026-07-15T12:00:00Z", 7200, "CEST"),
      // Beyond the last transition that is written down: by the rule.
      ("Europe/Oslo", "2090-07-15T12:00:00Z", 7200, "CEST"),
      ("Europe/Oslo", "2090-12-15T12:00:00Z", 3600, "CET"),
      // South of the equator, where summer spans the year's end.
      ("Australia/Sydney", "2060-01-15T12:00:00Z", 39600, "AEDT"),
      ("Australia/Sydney", "2060-07-15T12:00:00Z", 36000, "AEST"),
      ("Asia/Kolkata", "2026-06-01T00:00:00Z", 19800, "IST"),
      ("Asia/Kathmandu", "2026-06-01T00:00:00Z", 20700, "+0545"),
      ("America/St_Johns", "2026-07-01T00:00:00Z", -9000, "NDT"), ("UTC", "2026-07-01T00:00:00Z", 0, "UTC"),
      // Before the first transition: local mean time.
      ("Europe/Berlin", "1850-01-01T00:00:00Z", 3208, "LMT"),
      ("Pacific/Apia", "2011-12-29T12:00:00Z", -36000, "-10"),
      ("Pacific/Apia", "2012-01-01T12:00:00Z", 50400, "+14"),
    ] as [(String, String, Int64, String)])
  func offsets(_ name: String, _ at: String, _ seconds: Int64, _ abbreviation: String) throws {
    let offset = try Self.database.zone(name).offset(at: Self.moment(at))
    #expect(offset.seconds == seconds && offset.abbreviation == abbreviation, "\(offset)")
  }

  @Test(arguments: [
    // An ordinary time is one moment.
    ("Europe/Oslo", "2026-11-30T06:00", "2026-11-30T05:00:00Z", "2026-11-30T05:00:00Z"),
    // The clocks leap from 02:00 to 03:00: whatever lies between is the moment of the leap.
    ("Europe/Oslo", "2026-03-29T02:00", "2026-03-29T01:00:00Z", "2026-03-29T01:00:00Z"),
    ("Europe/Oslo", "2026-03-29T02:30", "2026-03-29T01:00:00Z", "2026-03-29T01:00:00Z"),
    ("Europe/Oslo", "2026-03-29T03:00", "2026-03-29T01:00:00Z", "2026-03-29T01:00:00Z"),
    // The clocks go back from 03:00 to 02:00: half past two comes twice.
    ("Europe/Oslo", "2026-10-25T02:30", "2026-10-25T00:30:00Z", "2026-10-25T01:30:00Z"),
    ("Europe/Oslo", "2026-10-25T03:00", "2026-10-25T02:00:00Z", "2026-10-25T02:00:00Z"),
    // By the rule, half a century on.
    ("Europe/Oslo", "2076-03-29T02:30", "2076-03-29T01:00:00Z", "2076-03-29T01:00:00Z"),
    // Half an hour only.
    ("Australia/Lord_Howe", "2026-04-05T01:45", "2026-04-04T14:45:00Z", "2026-04-04T15:15:00Z"),
    // A whole day that never was.
    ("Pacific/Apia", "2011-12-30T12:00", "2011-12-30T10:00:00Z", "2011-12-30T10:00:00Z"),
  ])
  func moments(_ name: String, _ local: String, _ first: String, _ second: String) throws {
    let zone = try Self.database.zone(name)
    #expect(zone.moment(of: Self.local(local), .first) == Self.moment(first))
    #expect(zone.moment(of: Self.local(local), .second) == Self.moment(second))
  }

  /// The C library reads the same data with code of its own.
  @Test(arguments: [
    "Europe/Oslo", "America/New_York", "America/Santiago", "Africa/Casablanca", "Asia/Gaza", "Asia/Tehran",
    "Antarctica/Troll", "Europe/Dublin", "Pacific/Chatham", "America/Nuuk", "Australia/Lord_Howe",
    "Asia/Tokyo",
  ])
  func agreesWithAnIndependentReader(_ name: String) throws {
    let zone = try Self.database.zone(name)
    let other = try #require(TimeZone(identifier: name))
    var random = SystemRandomNumberGenerator()
    for _ in 0..<400 {
      // 1970 to 2037: what lies beyond is computed, not read, and differently old ICU data differ there.
      let second = Int64.random(in: 0..<2_140_000_000, using: &random)
      let moment = Timestamp(milliseconds: second * 1000)
      let expected = other.secondsFromGMT(for: Date(timeIntervalSince1970: Double(second)))
      #expect(zone.offset(at: moment).seconds == Int64(expected), "\(name) at \(moment.iso8601)")
      let round = zone.local(moment)
      #expect(
        [zone.moment(of: round, .first), zone.moment(of: round, .second)].contains(moment),
        "\(name) at \(moment.iso8601)")
    }
  }

  @Test func everyZoneOfTheSystemCanBeRead() {
    let names = Self.database.names
    #expect(names.count > 300)
    for name in names {
      #expect(throws: Never.self, "\(name)") { _ = try Self.database.zone(name) }
    }
    #expect(!names.contains { $0.hasPrefix("posix") || $0.hasPrefix("right") })
  }

  @Test func whatIsNoZoneIsToldApart() throws {
    let scratch = try ScratchDirectory()
    func trouble(_ name: String, _ database: ZoneDatabase = Self.database) -> ZoneDatabase.Trouble? {
      do throws(ZoneDatabase.Trouble) {
        _ = try database.zone(name)
        return nil
      } catch { return error }
    }
    #expect(trouble("Europe/Osloo") == .unknown)
    #expect(trouble("../../etc/passwd") == .unknown)
    #expect(trouble("/etc/localtime") == .unknown)
    #expect(trouble("Europe") == .unknown)
    let none = ZoneDatabase(directories: [scratch.path + "/none"])
    #expect(trouble("Europe/Oslo", none) == .noData([scratch.path + "/none"]))
    #expect(trouble("UTC", none) == nil)
    // Cut off anywhere, or with any byte changed, a file is refused or read; it never ends the process.
    let whole = Array(try Data(contentsOf: URL(fileURLWithPath: "/usr/share/zoneinfo/Europe/Oslo")))
    let broken = ZoneDatabase(directories: [scratch.path])
    for length in stride(from: 0, to: whole.count - 1, by: 37) {
      try Data(whole.prefix(length)).write(to: URL(fileURLWithPath: scratch.path + "/Cut"))
      #expect(trouble("Cut", broken) == .unreadable(path: scratch.path + "/Cut"), "\(length)")
    }
    for index in stride(from: 0, to: whole.count, by: 11) {
      var bytes = whole
      bytes[index] ^= 0xff
      try Data(bytes).write(to: URL(fileURLWithPath: scratch.path + "/Bent"))
      if let zone = try? broken.zone("Bent") {
        _ = zone.moment(of: LocalTime(seconds: 1_700_000_000), .first)
      }
    }
  }

  @Test func theReadersZoneIsThatOfItsProcess() throws {
    let scratch = try ScratchDirectory()
    let link = scratch.path + "/localtime"
    let summer = Self.moment("2026-07-15T12:00:00Z")
    #expect(Self.database.local(["TZ": "Asia/Tokyo"]).name == "Asia/Tokyo")
    #expect(Self.database.local(["TZ": ":Asia/Tokyo"]).name == "Asia/Tokyo")
    #expect(Self.database.local(["TZ": "XYZ-3ABC,M3.5.0,M10.5.0/3"]).offset(at: summer).seconds == 14400)
    #expect(Self.database.local(["TZ": "no such zone"]) == .utc)
    #expect(Self.database.local([:], link: link) == .utc)
    try FileManager.default.createSymbolicLink(
      atPath: link, withDestinationPath: "/usr/share/zoneinfo/Asia/Kolkata")
    #expect(Self.database.local([:], link: link).name == "Asia/Kolkata")
    try FileManager.default.removeItem(atPath: link)
    try FileManager.default.copyItem(atPath: "/usr/share/zoneinfo/Asia/Tokyo", toPath: link)
    #expect(Self.database.local([:], link: link).offset(at: summer).abbreviation == "JST")
  }
}
