package import Concurrency
import FoundationEssentials
package import Model

/// A plan in a file: made once, shown, approved, and applied exactly, or refused when the world has moved.
///
/// The file has two lines of JSON: what it is, with the digest of the second line, and the plan. It holds no secret
/// value, as no plan does.
package struct SavedPlan: Sendable, Hashable, Codable {
  /// The layout of the file; a newer one is refused.
  package static let version = 1
  private static let kind = "saved-plan"

  package var plan: Plan
  package var madeAt: Timestamp
  /// `ann@laptop`.
  package var by: String
  /// The release number that the plan was made with.
  package var release: Int
  /// The options it was made with.
  package var allowsOlder: Bool
  package var images: [String: String]

  package init(
    _ plan: Plan, madeAt: Timestamp, by: String, release: Int, allowsOlder: Bool,
    images: [ServiceName: String] = [:]
  ) {
    self.plan = plan
    self.madeAt = madeAt
    self.by = by
    self.release = release
    self.allowsOlder = allowsOlder
    self.images = images.reduce(into: [:]) { $0[$1.key.rawValue] = $1.value }
  }

  private struct Head: Codable {
    var kind: String
    var shipit: Int
    var sha256: String
  }

  // MARK: The file

  /// The file's text.
  /// - Parameter digest: SHA-256 in hex.
  package func encoded(_ digest: (String) -> String) -> String {
    let body = CanonicalText.of(self)
    let head = CanonicalText.of(Head(kind: Self.kind, shipit: Self.version, sha256: digest(body)))
    return "\(head)\n\(body)\n"
  }

  /// Reads a file's text.
  /// - Parameter path: for messages.
  /// - Throws: `Failure` of kind configuration when it is no saved plan, damaged, or of a newer shipit.
  package init(decoding text: String, path: String, _ digest: (String) -> String) throws(Failure) {
    let lines = text.split(separator: "\n", omittingEmptySubsequences: false)
    let decoder = JSONDecoder()
    guard let first = lines.first, let head = try? decoder.decode(Head.self, from: Data(first.utf8)),
      head.kind == Self.kind
    else {
      throw Failure(
        .configuration, "\(path) is not a saved plan", place: path,
        cause: "its first line does not say so", hint: "shipit plan ENV --out FILE makes one")
    }
    guard head.shipit <= Self.version else {
      throw Failure(
        .configuration, "the plan \(path) was saved by a newer shipit", place: path,
        cause: "its layout has version \(head.shipit), this shipit knows \(Self.version)",
        hint: "install that shipit or a later one, or make the plan anew")
    }
    let body = lines.count > 1 ? String(lines[1]) : ""
    guard lines.count == 3, lines[2].isEmpty, digest(body) == head.sha256,
      let saved = try? decoder.decode(SavedPlan.self, from: Data(body.utf8))
    else {
      throw Failure(
        .configuration, "the saved plan \(path) is damaged", place: path,
        cause: "it was cut off or changed after it was written",
        hint: "make it anew: shipit plan ENV --out \(path)")
    }
    self = saved
  }

  // MARK: What moved

  /// Whether a text claims to be a saved plan, whatever its version: only such a file is overwritten by another.
  package static func isOne(_ text: some StringProtocol) -> Bool {
    guard let first = text.split(separator: "\n").first,
      let head = try? JSONDecoder().decode(Head.self, from: Data(first.utf8))
    else { return false }
    return head.kind == kind
  }

  /// What of the configuration, the commit or the secrets is not what the plan was made from.
  package func moved(to binding: PlanBinding) -> [String] {
    guard let earlier = plan.binding else {
      return ["everything: the plan does not say what it was made from"]
    }
    return binding.moved(since: earlier)
  }

  /// What is not any more as the plan found it, in words; empty when the same would be done.
  /// - Parameter fresh: the plan as it would be made now, with the same release number.
  package func moved(to fresh: Plan) -> [String] {
    guard comparable(plan.steps) != comparable(fresh.steps) || live(plan) != live(fresh) else { return [] }
    var moved: [String] = []
    let (before, now) = (live(plan), live(fresh))
    for service in Set(before.keys).union(now.keys).sorted() where before[service] != now[service] {
      let was = before[service].flatMap(\.self) ?? "nothing"
      moved.append("\(service): \(was) was live, now \(now[service].flatMap(\.self) ?? "nothing")")
    }
    let known = Set(moved.map { String($0.prefix { $0 != ":" }) })
    for planned in plan.services where !known.contains(planned.service.rawValue) {
      guard let other = fresh.services.first(where: { $0.service == planned.service }) else {
        moved.append("\(planned.service): it is as declared now")
        continue
      }
      moved += changes(planned, other)
    }
    for planned in fresh.services where !plan.services.contains(where: { $0.service == planned.service }) {
      moved.append("\(planned.service): \(planned.reasons.joined(separator: ", "))")
    }
    return moved.isEmpty ? ["its steps: \(steps(fresh))"] : moved
  }

  /// Steps without shipit's own variables, which are left out of every comparison (DESIGN §5).
  private func comparable(_ steps: [Step]) -> [Step] {
    steps.map { step in
      var step = step
      (step.undo, step.affirm) = (comparable(step.undo), comparable(step.affirm))
      guard case .variables(var write) = step.action else { return step }
      write.set = write.set.filter { !OwnVariable.all.contains($0.key) }
      write.remove = write.remove.filter { !OwnVariable.all.contains($0) }
      step.action = .variables(write)
      return step
    }
  }

  /// What is live by service: deployment and commit.
  private func live(_ plan: Plan) -> [ServiceName: String?] {
    var live = plan.before.mapValues { record in
      record.deployment.map { "\($0) (\(short(record.commit)))" }
    }
    for planned in plan.services {
      live[planned.service] = planned.previous.map { id in
        planned.previousCommit.map { "\(id) (\(short($0)))" } ?? id
      }
    }
    return live
  }

  private func changes(_ old: PlannedService, _ new: PlannedService) -> [String] {
    var changes: [String] = []
    func differing<Value: Hashable>(_ one: [Value], _ other: [Value], _ name: (Value) -> String) -> String? {
      let names = Set(one).symmetricDifference(Set(other)).map(name)
      return names.isEmpty ? nil : Set(names).sorted().joined(separator: ", ")
    }
    if let names = differing(old.settings, new.settings, \.name) {
      changes.append("\(old.service): settings changed on \(old.platform.title): \(names)")
    }
    if let names = differing(old.variables, new.variables, \.name) {
      changes.append("\(old.service): variables changed on \(old.platform.title): \(names)")
    }
    if changes.isEmpty, old.reasons != new.reasons {
      changes.append("\(old.service): \(new.reasons.joined(separator: ", "))")
    }
    return changes
  }

  private func steps(_ fresh: Plan) -> String {
    let ids = Set(comparable(plan.steps)).symmetricDifference(Set(comparable(fresh.steps))).map(\.id.rawValue)
    return ids.isEmpty ? "their order" : Set(ids).sorted().joined(separator: ", ")
  }
}
