import Model
import YAML
import Zones

extension Rules {
  func checkProtection(_ reading: inout Reading) {
    let protect = fields["protect"]?.fields
    if let after = protect?["after"] { checkAfter(after, &reading) }
    if let approval = protect?["approval"]?.fields { checkApproval(approval, &reading) }
    for freeze in protect?["freeze"]?.list ?? [] {
      if let fields = freeze.fields { checkFreeze(fields, &reading) }
    }
    let deadline = protect?["deadline"]?.duration ?? Protection().deadline
    for service in services {
      guard let within = service.fields["health"]?.fields?["within"], let time = within.duration,
        time >= deadline
      else { continue }
      reading.report(
        Diagnostic(
          .warning, .contradiction,
          "`\(service.key)` may take \(Quantity.text(time)) to answer, but a run ends after \(Quantity.text(deadline))",
          at: within.mark, path: within.path, help: "lower it, or raise `protect.deadline`"))
    }
  }

  private func checkAfter(_ after: Placed, _ reading: inout Reading) {
    guard let name = after.text else { return }
    guard name != fields["environment"]?.text else {
      reading.error(
        .contradiction, "an environment cannot come after itself", at: after.mark, path: after.path,
        help: "name the environment the commit is tried in first")
      return
    }
    let known = environments()
    guard !known.contains(name) else { return }
    let near = Suggestion.nearest(to: name, among: known).map { "did you mean `\($0)`? " } ?? ""
    // Not an error: a rollback, which asks for none of this, must stay possible.
    reading.report(
      Diagnostic(
        .warning, .unknownEnvironment, "there is no environment `\(name)` here", at: after.mark,
        path: after.path,
        help: near + "a deploy asks it what is live there, and is refused while it cannot"))
  }

  private func checkApproval(_ approval: Fields, _ reading: inout Reading) {
    guard let by = approval["by"] else { return }
    var seen: Set<String> = []
    for person in by.list {
      guard let name = person.text, !seen.insert(name.lowercased()).inserted else { continue }
      reading.error(
        .duplicateName, "`\(name)` is named twice", at: person.mark, path: person.path,
        help: "each person counts once; remove one of them")
    }
    if let count = approval["count"], let wanted = count.int, wanted > by.list.count {
      reading.error(
        .contradiction, "\(wanted) people must approve, but \(by.list.count) may", at: count.mark,
        path: count.path,
        help: "add names to `by`, or lower `count`")
    }
  }

  func checkFreeze(_ freeze: Fields, _ reading: inout Reading) {
    if let zone = freeze["timezone"], let name = zone.text { checkZone(name, zone, &reading) }
    guard let from = freeze["from"], let to = freeze["to"],
      let begin = from.text.flatMap({ try? FreezeMoment(parsing: $0) }),
      let end = to.text.flatMap({ try? FreezeMoment(parsing: $0) })
    else { return }
    guard begin.isWeekly == end.isWeekly else {
      reading.error(
        .contradiction, "a freeze cannot begin at `\(begin)` and end at `\(end)`", at: to.mark, path: to.path,
        help: "write two weekdays with times, or two dates",
        related: [.init(mark: from.mark, message: "its beginning")])
      return
    }
    guard begin == end || begin.isLater(than: end) else { return }
    // The whole day of a date without a time belongs to the freeze.
    if begin == end, case .date(_, _, _, nil) = begin { return }
    reading.error(
      .contradiction, begin == end ? "the freeze ends when it begins" : "the freeze ends before it begins",
      at: to.mark, path: to.path,
      help: begin.isWeekly
        ? "a hold without end is `shipit hold`" : "put the earlier date in `from`",
      related: [.init(mark: from.mark, message: "its beginning")])
  }

  func checkZone(_ name: String, _ placed: Placed, _ reading: inout Reading) {
    do throws(ZoneDatabase.Trouble) {
      _ = try zones.zone(name)
    } catch {
      switch error {
      case .noData(let directories):
        // Not an error: a rollback, which no freeze stops, must stay possible.
        reading.report(
          Diagnostic(
            .warning, .unknownTimezone, "there is no time zone data on this machine to look `\(name)` up in",
            at: placed.mark, path: placed.path,
            help: "a deploy is refused without it: install tzdata, or set TZDIR; looked in "
              + directories.joined(separator: ", ")))
      case .unknown:
        let near = Suggestion.nearest(to: name, among: zones.names).map { "did you mean `\($0)`? " } ?? ""
        reading.error(
          .unknownTimezone, "there is no time zone `\(name)`", at: placed.mark, path: placed.path,
          help: near + "names are like Europe/Oslo, or UTC")
      case .unreadable(let path):
        reading.error(
          .unknownTimezone, "the data of the time zone `\(name)` cannot be read", at: placed.mark,
          path: placed.path, help: "\(path) is not a compiled time zone; install tzdata again")
      }
    }
  }
}

extension FreezeMoment {
  /// Of two dates; weekdays go round.
  fileprivate func isLater(than other: FreezeMoment) -> Bool {
    guard case .date(let year, let month, let day, let minute) = self,
      case .date(let otherYear, let otherMonth, let otherDay, let otherMinute) = other
    else { return false }
    return (year, month, day, minute ?? 0) > (otherYear, otherMonth, otherDay, otherMinute ?? 1440)
  }
}
