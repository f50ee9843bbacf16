import Crypto
import Engine
import Language
import Model
import Processes

/// Which preview a command is about, and what it is made from.
struct PreviewSubject: Sendable {
  let base: Model.Environment
  let preview: PreviewEnvironment
  /// Nil: it is of no pull request.
  let pullRequest: Int?

  var environment: Model.Environment { preview.environment }
  var name: String { environment.name }

  /// - Throws: `Failure` of kind configuration for a name that cannot be, or cannot be found out.
  init(
    _ invocation: Invocation, _ project: Project, _ base: Model.Environment, _ variables: [String: String]
  ) async throws(Failure) {
    self.base = base
    pullRequest = try Self.pullRequest(invocation, variables)
    let named = invocation.value("name")
    let branch = await Self.branch(invocation, project, variables)
    let found =
      named ?? pullRequest.map(PreviewName.of(pullRequest:))
      ?? branch.map { PreviewName.of(branch: $0) { SHA256.digest(of: $0).hex } }
    guard let name = found else {
      throw Failure(
        .configuration, "the preview has no name", place: "--name",
        cause: "no branch is checked out here to name it after",
        hint: "shipit preview \(base.name) --name NAME, or --pull-request N")
    }
    // A default name is that of a branch, and branches are called main.
    if let mistake = PreviewName.mistake(in: name, taken: Self.taken(project, base)) {
      throw Failure(
        .configuration, "a preview cannot be called \(name): \(mistake)",
        place: named == nil ? nil : "--name",
        hint: "choose another name: shipit preview \(base.name) --name NAME")
    }
    preview = try PreviewEnvironment(of: base, name: name, branch: branch, pullRequest: pullRequest)
  }

  /// Every real environment's name, here and on Railway.
  private static func taken(_ project: Project, _ base: Model.Environment) -> Set<String> {
    var taken = Set(project.environments)
    for name in project.environments {
      guard let environment = project.read(name).environment else { continue }
      if let railway = environment.platforms.railway { taken.insert(railway.environment) }
      if let encore = environment.platforms.encore { taken.insert(encore.environment) }
    }
    if let railway = base.platforms.railway { taken.insert(railway.environment) }
    return taken
  }

  private static func pullRequest(
    _ invocation: Invocation, _ variables: [String: String]
  ) throws(Failure) -> Int? {
    if let text = invocation.value("pull-request") {
      guard let number = Int(text), number > 0 else {
        throw Failure(
          .configuration, "“\(text)” is no number of a pull request", place: "--pull-request",
          hint: "write the number alone: --pull-request 12")
      }
      return number
    }
    // refs/pull/12/merge
    let parts = (variables["GITHUB_REF"] ?? "").split(separator: "/")
    guard parts.count == 4, parts[0] == "refs", parts[1] == "pull" else { return nil }
    return Int(parts[2])
  }

  private static func branch(
    _ invocation: Invocation, _ project: Project, _ variables: [String: String]
  ) async -> String? {
    if let branch = invocation.value("branch") ?? variables["GITHUB_HEAD_REF"], !branch.isEmpty {
      return branch
    }
    let result = try? await Launcher().run(
      ProcessSpecification(
        "git", ["symbolic-ref", "--quiet", "--short", "HEAD"], environment: variables,
        directory: project.root),
      timeout: .seconds(10))
    guard let result, result.exit.isSuccess else { return nil }
    let branch = result.text.split(separator: "\n").first.map(String.init) ?? ""
    return branch.isEmpty ? nil : branch
  }
}
