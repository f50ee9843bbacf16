import Concurrency
import Interface
import Model
import Rollouts
import Zones

/// Tells how rollouts are and what became of a round.
struct RolloutTelling: Sendable {
  let environment: Model.Environment
  let console: Console
  let clock: any TimeSource
  let variables: [String: String]

  func calendar(of target: RolloutTarget) throws(Failure) -> RaiseCalendar {
    let database = ZoneDatabase.system(variables)
    return try RaiseCalendar(target) { name throws(Failure) in
      do throws(ZoneDatabase.Trouble) { return try database.zone(name) } catch {
        throw Failure(
          .configuration, "the time zone \(name) cannot be looked up", place: "rollouts.windows",
          hint: "install tzdata, or set TZDIR to where it lies")
      }
    }
  }

  func line(
    _ target: RolloutTarget, _ record: RolloutRecord?, served: String? = nil, _ result: RolloutResult? = nil
  ) throws(Failure) -> RolloutReport.RolloutLine {
    var outlook: RolloutOutlook?
    if let record {
      outlook = RolloutOutlook(record, target, try calendar(of: target), now: clock.now)
    }
    return RolloutReport.RolloutLine(
      target, record, served: served, nextRound: outlook?.nextRound, earliestRaise: outlook?.earliestRaise,
      wantsApproval: outlook?.wantsApproval, isOverdue: outlook?.isOverdue ?? false, outcome: result?.words,
      notes: result?.notes ?? [], failure: result?.failure)
  }

  func show(_ lines: [RolloutReport.RolloutLine], _ exit: ExitCode) {
    console.result(
      RolloutReport(
        app: environment.app, environment: environment.name, now: clock.now, rollouts: lines, exit: exit))
  }

  /// - Returns: the worst of their codes.
  func show(
    _ results: [(RolloutTarget, RolloutResult)], exit: ExitCode? = nil
  ) throws(Failure) -> ExitCode {
    var lines: [RolloutReport.RolloutLine] = []
    for (target, result) in results { lines.append(try line(target, result.record, result)) }
    let code = exit ?? Self.worst(results.map(\.1.exit))
    show(lines, code)
    return code
  }

  static func worst(_ codes: [ExitCode]) -> ExitCode {
    codes.reduce(.done) { worst, code in
      worst == .done ? code : code == .done ? worst : worst.combined(with: code)
    }
  }
}
