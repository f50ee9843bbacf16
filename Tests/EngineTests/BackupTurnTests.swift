import Concurrency
import Engine
import Model
import Testing
import Zones

@Suite struct BackupTurnTests {
  private static func moment(_ text: String) -> Timestamp {
    Timestamp(iso8601: text) ?? Timestamp(milliseconds: 0)
  }

  private func turn(_ newest: String?, at now: String, _ cron: String = "0 3 * * *") throws -> BackupTurn {
    try BackupTurn(
      BackupSchedule(cron: cron, timezone: "Europe/Oslo"), newest: newest.map(Self.moment),
      now: Self.moment(now)
    ) { name throws(Failure) in
      do throws(ZoneDatabase.Trouble) { return try ZoneDatabase.system([:]).zone(name) } catch {
        throw Failure(.configuration, "\(error)")
      }
    }
  }

  @Test("a copy is due once the moment has come, until one was begun since")
  func due() throws {
    // 03:00 in Oslo is 02:00 in winter.
    let before = try turn("2026-11-25T02:10:00Z", at: "2026-11-26T01:59:59Z")
    #expect(before.overdueSince == nil && before.next == Self.moment("2026-11-26T02:00:00Z"))
    let after = try turn("2026-11-25T02:10:00Z", at: "2026-11-26T02:00:00Z")
    #expect(after.overdueSince == Self.moment("2026-11-26T02:00:00Z"))
    #expect(after.next == Self.moment("2026-11-27T02:00:00Z"))
    #expect(try turn("2026-11-26T02:00:00Z", at: "2026-11-26T09:00:00Z").overdueSince == nil)
    // One before a migration of the evening is older than the moment of the night.
    #expect(try turn("2026-11-26T01:59:59Z", at: "2026-11-26T09:00:00Z").overdueSince != nil)
  }

  @Test("of several that were missed one is made, and it is overdue since the last")
  func missed() throws {
    let turn = try turn("2026-11-01T02:00:00Z", at: "2026-11-26T09:00:00Z")
    #expect(turn.overdueSince == Self.moment("2026-11-26T02:00:00Z"))
  }

  @Test("where there is none, one is due, even when the schedule has no moment behind it")
  func none() throws {
    #expect(try turn(nil, at: "2026-11-26T09:00:00Z").overdueSince == Self.moment("2026-11-26T02:00:00Z"))
    let never = try turn(nil, at: "2026-11-26T09:00:00Z", "0 0 31 2 *")
    #expect(never.overdueSince == Self.moment("2026-11-26T09:00:00Z") && never.next == nil)
  }
}
