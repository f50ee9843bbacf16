import Concurrency
import Testing
import Zones

@Suite struct CronScheduleTests {
  private func moment(_ text: String) throws -> Timestamp { try #require(Timestamp(iso8601: text)) }

  private func schedule(_ text: String, _ zone: String = "UTC") throws -> CronSchedule {
    try #require(CronSchedule(text, zone: try ZoneDatabase.system([:]).zone(zone)))
  }

  @Test(
    "the last and the next moment of a schedule",
    arguments: [
      ("0 3 * * *", "2026-11-26T03:00:00Z", "2026-11-26T03:00:00Z", "2026-11-27T03:00:00Z"),
      ("0 3 * * *", "2026-11-26T02:59:59Z", "2026-11-25T03:00:00Z", "2026-11-26T03:00:00Z"),
      ("*/15 9-10 * * *", "2026-11-26T10:50:00Z", "2026-11-26T10:45:00Z", "2026-11-27T09:00:00Z"),
      ("30 6 * * mon-fri", "2026-11-28T12:00:00Z", "2026-11-27T06:30:00Z", "2026-11-30T06:30:00Z"),
      ("0 0 * * 7", "2026-11-26T00:00:00Z", "2026-11-22T00:00:00Z", "2026-11-29T00:00:00Z"),
      // Either is enough.
      ("0 0 13 * 5", "2026-11-14T00:00:00Z", "2026-11-13T00:00:00Z", "2026-11-20T00:00:00Z"),
      ("0 0 29 feb *", "2026-11-26T00:00:00Z", "2024-02-29T00:00:00Z", "2028-02-29T00:00:00Z"),
      ("5,35 0,12 1 * *", "2026-12-01T12:05:00Z", "2026-12-01T12:05:00Z", "2026-12-01T12:35:00Z"),
    ])
  func moments(text: String, now: String, last: String, next: String) throws {
    let schedule = try schedule(text)
    #expect(schedule.last(until: try moment(now)) == (try moment(last)))
    #expect(schedule.next(after: try moment(now)) == (try moment(next)))
  }

  @Test("it follows the clock of its zone: leapt over it is the moment of the leap, shown twice the first")
  func zones() throws {
    let oslo = try schedule("30 2 * * *", "Europe/Oslo")
    // 2026-03-29 02:00 becomes 03:00; 2026-10-25 03:00 becomes 02:00.
    #expect(oslo.next(after: try moment("2026-03-28T12:00:00Z")) == (try moment("2026-03-29T01:00:00Z")))
    #expect(oslo.next(after: try moment("2026-10-24T12:00:00Z")) == (try moment("2026-10-25T00:30:00Z")))
    #expect(oslo.next(after: try moment("2026-10-25T00:30:00Z")) == (try moment("2026-10-26T01:30:00Z")))
    #expect(oslo.last(until: try moment("2026-07-01T00:30:00Z")) == (try moment("2026-07-01T00:30:00Z")))
    let kiritimati = try schedule("0 3 * * mon", "Pacific/Kiritimati")
    #expect(
      kiritimati.last(until: try moment("2026-11-26T00:00:00Z")) == (try moment("2026-11-22T13:00:00Z")))
  }

  @Test(
    "what is no schedule",
    arguments: ["", "0 3 * *", "60 * * * *", "0 3 * * mon-", "*/0 * * * *", "5-1 * * * *", "a * * * *"])
  func refusals(text: String) {
    #expect(CronSchedule(text, zone: .utc) == nil)
  }

  @Test("a day that never comes is never due")
  func never() throws {
    let schedule = try schedule("0 0 31 2 *")
    #expect(schedule.next(after: try moment("2026-11-26T00:00:00Z")) == nil)
    #expect(schedule.last(until: try moment("2026-11-26T00:00:00Z")) == nil)
  }
}
