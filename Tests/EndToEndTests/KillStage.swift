import JSON
import TestSupport
import Testing

/// Where a process is killed: before or after its N-th write to the ledger.
struct KillPlace: CustomStringConvertible {
  enum When: String, CaseIterable { case before, after }
  var write: Int
  var when: When

  var description: String { "killed \(when.rawValue) write \(write)" }

  /// Every place of so many writes in the long run, a sample else.
  static func sweep(to writes: Int, sample: Int) -> [KillPlace] {
    stride(from: 1, through: writes, by: Checkout.isLong ? 1 : max(1, writes / sample)).flatMap { write in
      let whens: [When] = Checkout.isLong ? When.allCases : [write % 2 == 0 ? .before : .after]
      return whens.map { KillPlace(write: write, when: $0) }
    }
  }

  /// Each write once, before and after by turns, in the long run; a sample else.
  static func once(to writes: Int, sample: Int) -> [KillPlace] {
    (1...writes).filter { Checkout.isLong || $0 % (writes / sample) == writes / sample / 2 }.prefix(
      Checkout.isLong ? writes : sample
    ).map { KillPlace(write: $0, when: $0 % 2 == 0 ? .before : .after) }
  }
}

/// A project, a twin of its own, and a shipit that can be killed at a write.
struct KillStage {
  let project: GitProject
  let twin: TwinProcess
  let shim: KillShim
  /// Variables of shipit besides those of the twin.
  var variables: [String: String] = [:]

  /// A deployment as the platform lists it.
  struct Made {
    var id: String
    var service: String
    var trigger: String
    var status: String
    var message: String
  }

  /// Sets the stage, plays, and ends the twin. Says why when it cannot.
  ///
  /// - Parameter project: with its seed beside it; nil is one program as two services on Railway.
  static func with(
    _ project: GitProject? = nil, _ play: (KillStage) async throws -> Void
  ) async throws {
    guard let shim = try await KillShim.build() else {
      print("skipped: no C compiler to build the library that kills at a write")
      return
    }
    let project = if let project { project } else { try await twoServices() }
    let twin = try await TwinProcess.start(for: project, seed: project.origin.map { _ in project.seed })
    let stage = KillStage(project: project, twin: twin, shim: shim)
    do {
      try await play(stage)
    } catch {
      await stage.twin.stop()
      throw error
    }
    await stage.twin.stop()
  }

  private static func twoServices() async throws -> GitProject {
    let project = try await GitProject()
    // A gate that gives up soon, for every round of a failing deploy waits for it.
    try project.change("environments/demo.yaml", "within: 4s", "within: 3s")
    return project
  }

  // MARK: Acting

  @discardableResult
  func commit(_ subject: String) async throws -> String { try await project.commit(subject) }

  /// Commits and deploys.
  /// - Returns: the commit.
  @discardableResult
  func deploy(_ subject: String, expecting code: Int32) async throws -> String {
    let commit = try await commit(subject)
    let result = try await shipit("deploy")
    try #require(result.code == code, "\(subject): \(result.text)")
    return commit
  }

  @discardableResult
  func shipit(_ command: String, _ options: [String] = []) async throws -> ShipitResult {
    try await run(command, options, [:])
  }

  /// How many writes a command makes, told by the library itself.
  func count(
    expecting code: Int32, of command: String = "deploy", _ options: [String] = [],
    after prepare: () async throws -> Void = {}
  ) async throws -> Int {
    try await prepare()
    let result = try await run(command, options, shim.variables(at: 0))
    try #require(result.code == code, "\(result.text)")
    return try shim.count()
  }

  /// Runs a command that is killed, or, when it makes fewer writes this time, ends with a code.
  func killed(
    at place: KillPlace, _ command: String, _ options: [String] = [], unless code: Int32
  ) async throws {
    let result = try await run(command, options, shim.variables(at: place.write, when: place.when.rawValue))
    try #require(result.code == 137 || result.code == code, "\(place): \(result.code) \(result.text)")
  }

  private func run(_ command: String, _ options: [String], _ variables: [String: String]) async throws
    -> ShipitResult
  {
    let yes = ["unhold", "secrets rotate"].contains(command) ? [] : ["--yes"]
    let words = command.split(separator: " ").map(String.init)
    return try await project.shipit(
      words + ["demo"] + options + yes,
      variables: twin.variables.merging(self.variables) { $1 }.merging(variables) { $1 },
      timeout: .seconds(150))
  }

  // MARK: Looking

  func status(offline: Bool = false) async throws -> JSON {
    let result = try await project.shipit(
      ["status", "demo", "--json"] + (offline ? ["--offline"] : []), variables: twin.variables)
    try #require(result.code == 0, "\(result.text)")
    return try JSON(parsing: Array(result.output.utf8))
  }

  /// The platform's deployments, newest first.
  func deployments() async throws -> [Made] {
    (try await twin.control("GET", "state")["deployments"]?.array ?? []).map { entry in
      func text(_ name: String) -> String { entry[name]?.string ?? "" }
      return Made(
        id: text("id"), service: text("service"), trigger: text("trigger"), status: text("status"),
        message: text("message"))
    }
  }

  /// How many deployments were made beside the known ones, by service and trigger.
  func made(since known: Set<String>) async throws -> [String: Int] {
    let fresh = try await deployments().filter { !known.contains($0.id) }
    return Dictionary(grouping: fresh) { "\($0.service) \($0.trigger)" }.mapValues(\.count)
  }

  /// Whether every service serves a commit, by the platform's own state.
  func serves(_ commit: String) async throws -> Bool {
    let state = try await twin.control("GET", "state")
    let live = Set(
      try await deployments().filter { $0.status == "SUCCESS" && $0.message.contains(commit) }.map(\.id))
    return (state["services"]?.array ?? []).allSatisfy { service in
      (service["active"]?.array ?? []).contains { live.contains($0.string ?? "") }
    }
  }
}
