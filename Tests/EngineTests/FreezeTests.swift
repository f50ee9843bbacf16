import Concurrency
import Engine
import Model
import Testing
import Zones

/// When deploys are frozen, across weeks, years and changes of the clocks.
@Suite struct FreezeTests {
  static let oslo = try? ZoneDatabase.system([:]).zone("Europe/Oslo")

  static func calendar(_ freezes: (String, String)...) throws -> FreezeCalendar {
    let zone = try #require(oslo)
    return try FreezeCalendar(
      freezes.map {
        Freeze(
          from: try FreezeMoment(parsing: $0.0), to: try FreezeMoment(parsing: $0.1), timezone: "Europe/Oslo")
      }
    ) { _ throws(Failure) in zone }
  }

  static func at(_ text: String) -> Timestamp { Timestamp(iso8601: text) ?? Timestamp(milliseconds: 0) }

  @Test(arguments: [
    // Friday 16:00 in Oslo is 15:00 UTC in winter, 14:00 in summer.
    ("2026-11-27T14:59:59Z", false), ("2026-11-27T15:00:00Z", true), ("2026-11-29T12:00:00Z", true),
    ("2026-11-30T04:59:59Z", true), ("2026-11-30T05:00:00Z", false), ("2026-07-03T13:59:59Z", false),
    ("2026-07-03T14:00:00Z", true), ("2026-07-06T03:59:59Z", true), ("2026-07-06T04:00:00Z", false),
    // Over the year's end, and over both changes of the clocks.
    ("2027-01-02T12:00:00Z", true), ("2026-03-30T03:59:59Z", true), ("2026-03-30T04:00:00Z", false),
    ("2026-10-26T04:59:59Z", true), ("2026-10-26T05:00:00Z", false),
  ])
  func aWeekendIsFrozenByItsOwnClock(_ moment: String, _ isFrozen: Bool) throws {
    let calendar = try Self.calendar(("fri 16:00", "mon 06:00"))
    #expect((calendar.active(at: Self.at(moment)) != nil) == isFrozen)
  }

  @Test func theNextOneAndTheEndAreTold() throws {
    let calendar = try Self.calendar(("fri 16:00", "mon 06:00"))
    #expect(calendar.next(after: Self.at("2026-11-25T18:00:00Z"))?.begins == Self.at("2026-11-27T15:00:00Z"))
    // Within one, the next is next week's.
    #expect(calendar.next(after: Self.at("2026-11-28T00:00:00Z"))?.begins == Self.at("2026-12-04T15:00:00Z"))
    #expect(calendar.free(after: Self.at("2026-11-28T00:00:00Z")) == Self.at("2026-11-30T05:00:00Z"))
    #expect(calendar.free(after: Self.at("2026-11-25T18:00:00Z")) == Self.at("2026-11-25T18:00:00Z"))
  }

  @Test func aFreezeWithinOneDayAndOneOverAWholeWeek() throws {
    let night = try Self.calendar(("tue 22:00", "tue 23:00"))
    #expect(night.active(at: Self.at("2026-11-24T21:30:00Z")) != nil)
    #expect(night.active(at: Self.at("2026-11-25T21:30:00Z")) == nil)
    // From Monday 08:00 to Monday 07:00: all but one hour.
    let most = try Self.calendar(("mon 08:00", "mon 07:00"))
    #expect(most.active(at: Self.at("2026-11-30T06:30:00Z")) == nil)
    #expect(most.active(at: Self.at("2026-11-30T07:30:00Z")) != nil)
    #expect(most.active(at: Self.at("2026-11-30T05:30:00Z")) != nil)
  }

  @Test func aDateWithoutATimeIsAWholeDay() throws {
    let calendar = try Self.calendar(("2026-12-19", "2027-01-03"))
    #expect(calendar.active(at: Self.at("2026-12-18T22:59:59Z")) == nil)
    #expect(calendar.active(at: Self.at("2026-12-18T23:00:00Z")) != nil)
    #expect(calendar.active(at: Self.at("2027-01-03T22:59:59Z")) != nil)
    #expect(calendar.active(at: Self.at("2027-01-03T23:00:00Z")) == nil)
    #expect(calendar.next(after: Self.at("2027-01-04T00:00:00Z")) == nil)
  }

  @Test func aTimeThatTheClocksLeapOverOrShowTwice() throws {
    // In the night of 29 March 2026 there is no 02:30, and on 25 October it comes twice.
    let leap = try Self.calendar(("2026-03-29T02:30", "2026-03-29T12:00"))
    #expect(leap.next(after: Self.at("2026-03-28T00:00:00Z"))?.begins == Self.at("2026-03-29T01:00:00Z"))
    let twice = try Self.calendar(("2026-10-25T02:30", "2026-10-25T02:45"))
    let period = try #require(twice.next(after: Self.at("2026-10-24T00:00:00Z")))
    // From its first showing to its last: an hour and a quarter.
    #expect(
      period.begins == Self.at("2026-10-25T00:30:00Z") && period.ends == Self.at("2026-10-25T01:45:00Z"))
  }

  @Test func freezesThatFollowOneAnotherEndTogether() throws {
    let calendar = try Self.calendar(("fri 16:00", "mon 06:00"), ("2026-11-30T05:00", "2026-12-02T12:00"))
    #expect(calendar.free(after: Self.at("2026-11-28T00:00:00Z")) == Self.at("2026-12-02T11:00:00Z"))
    let endless = try Self.calendar(("mon 00:00", "fri 00:00"), ("thu 00:00", "mon 01:00"))
    #expect(endless.free(after: Self.at("2026-11-28T00:00:00Z")) == nil)
  }

  @Test func aMomentIsToldOnBothClocks() throws {
    let (zone, tokyo) = (try #require(Self.oslo), try ZoneDatabase.system([:]).zone("Asia/Tokyo"))
    let moment = Self.at("2026-11-30T05:00:00Z")
    #expect(FreezeCalendar.words(moment, in: zone, reader: zone) == "Mon 2026-11-30 06:00 Europe/Oslo")
    #expect(
      FreezeCalendar.words(moment, in: zone, reader: tokyo)
        == "Mon 2026-11-30 06:00 Europe/Oslo (Mon 2026-11-30 14:00 JST here)")
  }

  @Test(arguments: [
    "fri 24:00", "fri 16:60", "2026-02-29", "2026-13-01", "2026-00-10", "2026-11-31", "friday 16:00", "fri",
    "2026-12-19T24:00", "", "2026-12-19T10:00T", "+026-12-19",
  ])
  func whatIsNoMomentIsRefused(_ text: String) {
    #expect(throws: FreezeMoment.Mistake.self) { try FreezeMoment(parsing: text) }
  }

  @Test(arguments: ["fri 16:00", "2026-12-19", "2028-02-29T09:05"])
  func aMomentIsWrittenAsItIsRead(_ text: String) throws {
    #expect("\(try FreezeMoment(parsing: text))" == text)
  }
}
