/// What the remote said about a compare-and-swap push, from `git push --porcelain`.
enum PushReport: Equatable {
  case accepted
  /// The reference is not, or no longer, what we expected.
  case lost
  /// The remote does not want it, in its words: a rule, a hook, a missing permission.
  case refused(String)
  /// The push never came so far that the remote judged it.
  case unheard

  /// Reads lines such as `!\tFROM:TO\t[rejected] (stale info)`.
  init(_ output: String) {
    self = .unheard
    for line in output.split(separator: "\n") {
      let fields = line.split(separator: "\t", omittingEmptySubsequences: false)
      guard fields.count >= 3, fields[1].contains(":refs/") else { continue }
      switch fields[0] {
      case "!": self = Self.races.contains { fields[2].contains($0) } ? .lost : .refused(String(fields[2]))
      case " ", "*", "+", "=": self = .accepted
      default: continue
      }
    }
  }

  /// Losing shows in several ways: by our own look at the remote, by its lock, by its comparison.
  private static let races = [
    "stale info", "fetch first", "non-fast-forward", "failed to update ref", "cannot lock ref",
    "failed to lock", "incorrect old value", "reference already exists", "is at ",
  ]
}
