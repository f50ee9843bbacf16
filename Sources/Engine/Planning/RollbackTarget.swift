package import Model

/// Which release a rollback restores, and why that one.
///
/// What is live may be a mix, after a rollback of some services alone. So each service is said to run the release
/// that it runs now, which after a rollback is the restored one; a rollback goes back to the newest good deploy
/// before the newest of these that was not rolled back by somebody itself. What runs that release already is left
/// alone.
package struct RollbackTarget: Sendable {
  package let release: Release
  /// For the table shown before it: a sentence without a full stop.
  package let why: String
  /// The release whose code each service runs now.
  let runs: [ServiceName: Int]

  /// - Throws: `Failure` of kind configuration when there is none, or the wanted one was never good.
  package init(of request: RollbackRequest, releases: [Release]) throws(Failure) {
    // Migrations alone changed no code: what they ran beside is what is live.
    let newest = releases.filter { $0.kind.isAboutServices }.sorted { $0.number > $1.number }
    let past = Past(newest)
    let runs = past.runs
    self.runs = runs
    if let number = request.to {
      (release, why) = (try RollbackTarget.named(number, newest), "--to asks for it")
      return
    }
    guard let live = newest.first(where: \.isGood) else {
      throw Failure(
        .configuration, "no release has been good yet: there is nothing to go back to",
        hint: "shipit deploy, with a commit that works; when the ledger is elsewhere or lost, "
          + "shipit rollback with --without-ledger goes by the platforms' own history")
    }
    // Something newer went wrong and was not put back: the last good one is what is wanted.
    if let last = newest.first, last.number > live.number, RollbackTarget.isBroken(last.result.state) {
      (release, why) = (live, "release \(last.number) was not put back, and this is the last good one")
      return
    }
    let scope = request.only.isEmpty ? Set(live.services.keys) : request.only
    let base = scope.compactMap { runs[$0] }.max() ?? live.restores ?? live.number
    let earlier = newest.filter { $0.isGood && $0.kind == .deploy && $0.number < base }
    // One in which a named service is the same would change nothing.
    let other = earlier.first { release in
      !past.takenBack.contains(release.number)
        && request.only.contains { name in
          guard let now = live.services[name], let then = release.services[name] else { return true }
          return !RollbackTarget.isSame(now, then)
        }
    }
    let kept = earlier.first { !past.takenBack.contains($0.number) }
    guard let target = other ?? kept ?? earlier.first else {
      throw Failure(
        .configuration, "release \(base) is the first good one: there is nothing before it",
        hint: "shipit deploy, with a commit that works")
    }
    release = target
    let passed = earlier.filter { $0.number > target.number && past.takenBack.contains($0.number) }
    why =
      RollbackTarget.words(
        runs.filter { scope.contains($0.key) }, base: base, live: live, isWhole: request.only.isEmpty)
      + (passed.isEmpty
        ? ""
        : "; \(RollbackTarget.list(passed.map { String($0.number) })) was rolled back and is passed over")
  }

  /// Services that would come to a newer release than they run now.
  func forward(_ names: [ServiceName]) -> [(service: ServiceName, from: Int)] {
    names.compactMap { name in runs[name].flatMap { $0 < release.number ? (name, $0) : nil } }
  }

  private static func named(_ number: Int, _ newest: [Release]) throws(Failure) -> Release {
    guard let release = newest.first(where: { $0.number == number }) else {
      throw Failure(
        .configuration, "there is no release \(number)",
        hint: "\(history(newest)), for the releases there are")
    }
    guard release.isGood else {
      throw Failure(
        .configuration,
        "release \(number) was never good (\(release.result.state.rawValue)): it cannot be restored",
        hint: "\(history(newest)), for releases marked released or restored")
    }
    return release
  }

  private static func history(_ releases: [Release]) -> String {
    releases.first.map { "shipit history \($0.environment)" } ?? "shipit history"
  }

  private static func isBroken(_ state: RunResult.State) -> Bool {
    switch state {
    case .mixed, .inFlight, .abandoned: true
    case .released, .restored, .rolledBack, .unchanged: false
    }
  }

  /// Two records of the same thing: a restored service runs an old deployment's code under a new id.
  static func isSame(_ one: ReleasedService, _ other: ReleasedService) -> Bool {
    one.commit == other.commit && one.source == other.source && one.variables == other.variables
      && one.settings == other.settings
  }

  private static func words(
    _ runs: [ServiceName: Int], base: Int, live: Release, isWhole: Bool
  ) -> String {
    let numbers = Set(runs.values).sorted(by: >)
    if numbers.count > 1 {
      let parts = numbers.map { number in
        let names = runs.filter { $0.value == number }.keys.sorted().map(\.rawValue)
        return "\(list(names)) \(names.count == 1 ? "runs" : "run") release \(number)"
      }
      return "\(list(parts)); this is the good one before \(base), the newer of them"
    }
    if !isWhole {
      let names = runs.keys.sorted().map(\.rawValue)
      return
        "\(list(names)) \(names.count == 1 ? "runs" : "run") release \(base), and this is the good one before it"
    }
    if base != live.number {
      return "release \(base) is live again since release \(live.number), and this is the good one before it"
    }
    return "the good one before release \(base), which is live"
  }

  private static func list(_ names: [String]) -> String {
    guard let last = names.last, names.count > 1 else { return names.first ?? "" }
    return names.dropLast().joined(separator: ", ") + " and " + last
  }
}

extension RollbackTarget {
  /// What the good releases tell, read from the oldest on.
  private struct Past {
    /// By service the release whose code it runs.
    private(set) var runs: [ServiceName: Int] = [:]
    /// Releases of which somebody took at least one service back.
    private(set) var takenBack: Set<Int> = []

    init(_ newest: [Release]) {
      var before: Release?
      for release in newest.reversed() where release.isGood {
        var now: [ServiceName: Int] = [:]
        for (name, record) in release.services {
          guard let restored = release.restores else {
            now[name] = release.number
            continue
          }
          let source = newest.first { $0.number == restored }?.services[name]
          let hasMoved = record.deployment != before?.services[name]?.deployment
          let isThere = hasMoved || source.map { isSame($0, record) } ?? false
          now[name] = isThere ? restored : runs[name] ?? restored
          if let ran = runs[name], ran > restored, isThere { takenBack.insert(ran) }
        }
        if let restored = release.restores { takenBack.remove(restored) }
        (runs, before) = (now, release)
      }
    }
  }
}
