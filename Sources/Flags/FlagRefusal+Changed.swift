import Model

extension FlagRefusal {
  /// Somebody else wrote in between: told with what it is now.
  static func changed(_ name: String, _ expected: FlagState, _ found: FlagState) -> FlagRefusal {
    let author = found.lastChange.flatMap(\.name).map { " by \($0)" } ?? ""
    let now = found.isOn ? "serves \(found.share)" : "is off"
    let draw = found.draw.difference(from: expected.draw).map { "; \($0)" } ?? ""
    return FlagRefusal(
      .changedByOther,
      Failure(
        .stale, "\(name) was changed\(author): it \(now)\(draw)",
        hint: "nothing was written; `shipit rollout status` shows both, `resume` or `abort` decides"),
      found: found)
  }
}
