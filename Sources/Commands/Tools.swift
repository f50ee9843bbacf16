import Concurrency
package import Model
package import Processes

/// The programs of this machine that an environment needs, for `doctor`.
package struct Tools: Sendable {
  private struct Tool {
    var name: String
    /// Nil: nothing of the environment asks for it.
    var use: String?
    /// Nil: it is not run, only looked for.
    var version: [String]?
    var hint: String
  }

  private let launcher: Launcher
  private let process: [String: String]

  /// - Parameter process: the variables of this process; tools get those that commands get.
  package init(launcher: Launcher, process: [String: String]) {
    self.launcher = launcher
    self.process = process
  }

  /// Looks for every tool at once, and asks those that are needed for their version.
  package func examine(_ environment: Environment, isRepository: Bool) async -> [Examination] {
    let tools = Tools.list(environment, isRepository: isRepository)
    return await withTaskGroup(of: (Int, Examination).self) { group in
      for (index, tool) in tools.enumerated() { group.addTask { (index, await examine(tool)) } }
      var found: [Int: Examination] = [:]
      for await (index, examination) in group { found[index] = examination }
      return tools.indices.compactMap { found[$0] }
    }
  }

  private static func list(_ environment: Environment, isRepository: Bool) -> [Tool] {
    func first(_ isMeant: (ServiceSource) -> Bool) -> String? {
      environment.services.first { isMeant($0.source) }.map { "services.\($0.key).source" }
    }
    let build = first { if case .commandLineBuild = $0 { true } else { false } }
    let image = first { if case .encoreImage = $0 { true } else { false } }
    return [
      Tool(
        name: "git", use: isRepository ? "the project's repository" : nil, version: ["--version"],
        hint: "install git"),
      Tool(name: "vercel", use: build, version: ["--version"], hint: "npm install --global vercel"),
      // Asked for its version it may start an upgrade (contract encore §12).
      Tool(name: "encore", use: image, hint: "install it: https://encore.dev/docs/install"),
      Tool(
        name: "docker", use: image, version: ["--version"],
        hint: "install Docker: Encore builds images with it"),
    ] + forBackups(environment)
  }

  /// Only where a rule for backups asks for them.
  private static func forBackups(_ environment: Environment) -> [Tool] {
    let copied = environment.databases.filter { $0.backup != nil }
    func use(_ isMeant: (DatabaseTarget) -> Bool) -> String? {
      copied.first(where: isMeant).map { "databases.\($0.key).backup" }
    }
    let redis = use { $0.engine == .redis }
    return [
      Tool(
        name: "pg_dump", use: use { $0.engine == .postgres }, version: ["--version"],
        hint: "install PostgreSQL's client: apt-get install postgresql-client"),
      Tool(
        name: "age", use: use { $0.backup?.encryption != nil }, version: ["--version"],
        hint: "install it: apt-get install age"),
      Tool(name: "redis-cli", use: redis, version: ["--version"], hint: "apt-get install redis-tools"),
      Tool(name: "redis-check-rdb", use: redis, version: ["--version"], hint: "apt-get install redis-tools"),
      Tool(
        name: "redis-server", use: use { $0.engine == .redis && $0.backup?.check == .restore },
        version: ["--version"], hint: "apt-get install redis-server, or write verify: read"),
    ].filter { $0.use != nil }
  }

  private func examine(_ tool: Tool) async -> Examination {
    guard let use = tool.use else { return Examination(tool.name, .skipped, "not needed") }
    let variables = CommandEnvironment(process: process).inherited
    let path: String
    do { path = try ProgramSearch(path: variables["PATH"]).locate(tool.name) } catch {
      return Examination(
        tool.name, .bad, "needed by \(use), and \((error as? ProcessError)?.description ?? "\(error)")",
        hint: tool.hint, because: .configuration)
    }
    guard let arguments = tool.version else { return Examination(tool.name, .good, path) }
    do {
      let result = try await launcher.run(
        ProcessSpecification(tool.name, arguments, environment: variables, outputLimit: 1 << 16),
        timeout: .seconds(15))
      let words =
        (result.text.isEmpty ? result.errorText : result.text)
        .split(separator: "\n").last.map(String.init) ?? "no version"
      return Examination(
        tool.name, result.exit.isSuccess ? .good : .warning, "\(words) (\(path))")
    } catch {
      return Examination(
        tool.name, .warning, "\(path) does not tell its version",
        hint: "\(tool.name) \(arguments.joined(separator: " "))")
    }
  }
}
