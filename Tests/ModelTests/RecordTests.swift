import JSON
import Model
import Testing

/// Ledgers keep environments for long: what was recorded by an earlier version is read by this one.
@Suite struct RecordTests {
  @Test func anEnvironmentOfBeforeNotificationsIsRead() throws {
    let environment = Environment(
      name: "prod", app: "shop", notify: [NotificationTarget(.slack(urlSecret: "HOOK"), events: [.failed])])
    let recorded = try JSON(encoding: environment)
    let read = try recorded.decoded(as: Environment.self)
    #expect(read.notify == environment.notify)
    var earlier = try #require(recorded.object)
    earlier["notify"] = nil
    #expect(try JSON.object(earlier).decoded(as: Environment.self).notify.isEmpty)
  }
}
