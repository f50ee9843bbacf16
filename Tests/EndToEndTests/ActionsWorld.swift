import Foundation
import JSON
import Processes
import TestSupport

/// The demo's two services, deployed as a step of a job of GitHub Actions would: the runner's variables, its files,
/// and the twin's GitHub.
struct ActionsWorld {
  let project: GitProject
  let twin: TwinProcess
  /// The variables of a step.
  let variables: [String: String]

  static let repository = "demo/app"
  static let token = "demo-github-token"

  /// - Parameter speed: of the twin.
  static func with(
    environment: String? = nil, _ body: (ActionsWorld) async throws -> Void
  ) async throws {
    let project = try await GitProject(environment: environment)
    let world = try await ActionsWorld(project)
    do { try await body(world) } catch {
      await world.twin.stop()
      throw error
    }
    await world.twin.stop()
  }

  init(_ project: GitProject) async throws {
    self.project = project
    let seed = try String(
      contentsOfFile: Checkout.root + "/Tests/Support/two-services-seed.json", encoding: .utf8)
    var sections = try JSON(parsing: Array(seed.utf8)).object ?? [:]
    sections["github"] = [
      "repositories": [.string(Self.repository)], "tokens": [["token": .string(Self.token)]],
    ]
    try project.scratch.write(JSON.object(sections).serialized(), to: "seed.json")
    var arguments = ["--speed", "50"]
    if let record = ProcessInfo.processInfo.environment["SHIPIT_RECORD"] {
      arguments += ["--record", record]
    }
    twin = try await TwinProcess.start(
      for: project, arguments: arguments, seed: project.scratch.path + "/seed.json")
    var variables = twin.variables
    for (name, value) in [
      "CI": "true", "GITHUB_ACTIONS": "true", "GITHUB_REPOSITORY": Self.repository, "GITHUB_RUN_ID": "4711",
      "GITHUB_RUN_ATTEMPT": "1", "GITHUB_ACTOR": "ann", "GITHUB_SERVER_URL": "https://github.com",
      "GITHUB_TOKEN": Self.token,
    ] { variables[name] = value }
    self.variables = variables
  }

  /// What one step left.
  struct Step {
    var result: ShipitResult
    var summary: String
    var outputs: [String: String]
    /// Commands to the runner, on both streams.
    var commands: [String]
  }

  /// Runs shipit as one step, with files of its own.
  func step(_ arguments: String..., variables extra: [String: String] = [:]) async throws -> Step {
    let name = UUID().uuidString
    try project.scratch.write("", to: name + "/summary")
    try project.scratch.write("", to: name + "/output")
    var all = variables.merging(extra) { $1 }
    all["GITHUB_STEP_SUMMARY"] = project.scratch.path + "/\(name)/summary"
    all["GITHUB_OUTPUT"] = project.scratch.path + "/\(name)/output"
    let result = try await project.shipit(arguments, variables: all)
    return Step(
      result: result, summary: try project.scratch.read(name + "/summary"),
      outputs: Self.outputs(try project.scratch.read(name + "/output")),
      commands: result.text.split(whereSeparator: \.isNewline).map(String.init)
        .filter { $0.drop { $0.isWhitespace }.hasPrefix("::") || $0.contains("##[") })
  }

  /// Reads outputs as the runner does: `NAME<<DELIMITER`, lines, the delimiter.
  private static func outputs(_ text: String) -> [String: String] {
    var found: [String: String] = [:]
    var lines = text.split(separator: "\n", omittingEmptySubsequences: false)[...]
    while let head = lines.popFirst(), let cut = head.firstRange(of: "<<") {
      let delimiter = head[cut.upperBound...]
      var value: [Substring] = []
      while let line = lines.popFirst(), line != delimiter { value.append(line) }
      found[String(head[..<cut.lowerBound])] = value.joined(separator: "\n")
    }
    return found
  }

  /// The deployments on GitHub, newest first: their states, oldest first.
  func deployments() async throws -> [JSON] {
    try await twin.control("GET", "github/state")["deployments"]?.array ?? []
  }
}
