import Foundation
import Model
import Source
import TestSupport
import Testing

/// What is on a remote, as the remote itself says.
@Suite struct RemoteTests {
  private func project() async throws -> (GitProject, String) {
    let project = try await GitProject(environment: "shipit: 1\n")
    let remote = project.scratch.path + "/remote.git"
    try await project.git("init", "-q", "--bare", remote)
    try await project.git("remote", "add", "origin", remote)
    return (project, remote)
  }

  private func repository(_ project: GitProject, at path: String? = nil) async throws -> ProjectRepository {
    ProjectRepository(
      source: try await GitSource.find(root: path ?? project.path, process: project.variables),
      temporaryDirectory: project.scratch.path)
  }

  @Test("a commit that somebody else's newer work leads to is found, and no reference moves")
  func newerWork() async throws {
    let (project, remote) = try await project()
    try await project.git("push", "-q", "origin", "HEAD:refs/heads/main")
    let ours = try await project.git("rev-parse", "HEAD")
    let other = project.scratch.path + "/other"
    try await project.git("clone", "-q", "-b", "main", remote, other)
    try await project.git("-C", other, "commit", "-q", "--allow-empty", "-m", "newer")
    try await project.git("-C", other, "push", "-q", "origin", "HEAD:refs/heads/main")
    let before = try await project.git("for-each-ref")
    let repository = try await repository(project)
    #expect(try await repository.remote(holding: ours) == "origin")
    let unpushed = try await project.commit("not pushed")
    #expect(try await repository.remote(holding: unpushed) == nil)
    try await project.git("reset", "-q", "--soft", ours)
    #expect(try await project.git("for-each-ref") == before)
  }

  @Test("in a shallow clone, as a CI runner makes it, what was fetched counts as pushed")
  func shallow() async throws {
    let (project, remote) = try await project()
    for subject in ["two", "three"] { try await project.commit(subject) }
    try await project.git("push", "-q", "origin", "HEAD:refs/heads/main")
    let clone = project.scratch.path + "/clone"
    try await project.git("clone", "-q", "--depth=1", "-b", "main", "file://" + remote, clone)
    let head = try await project.git("rev-parse", "HEAD")
    try await project.commit("four")
    try await project.git("push", "-q", "origin", "HEAD:refs/heads/main")
    let repository = try await repository(project, at: clone)
    #expect(try await repository.remote(holding: head) == "origin")
    let old = try await project.git("rev-parse", "HEAD~3")
    #expect(
      try await repository.files(of: old, under: ".")?.contains("app/server.py") == true, "fetched by its id")
    let directory = project.scratch.path + "/checkout"
    try FileManager.default.createDirectory(atPath: directory, withIntermediateDirectories: true)
    let root = try await repository.checkOut(old, to: directory)
    #expect(try await project.git("-C", root, "rev-parse", "HEAD") == old)
    #expect(try await project.git("-C", root, "status", "--porcelain") == "")
  }

  @Test("a remote that does not answer leaves what was last seen of it, else the doubt is an error")
  func offline() async throws {
    let (project, remote) = try await project()
    try await project.git("push", "-q", "origin", "HEAD:refs/heads/main")
    let pushed = try await project.git("rev-parse", "HEAD")
    let unpushed = try await project.commit("not pushed")
    try FileManager.default.removeItem(atPath: remote)
    let repository = try await repository(project)
    #expect(try await repository.remote(holding: pushed) == "origin")
    let failure = await #expect(throws: Failure.self) { try await repository.remote(holding: unpushed) }
    #expect(failure?.kind == .configuration && failure?.message.contains("cannot be told") == true)
  }

  @Test("addresses of remotes are shown without what stands before the @")
  func credentials() async throws {
    let (project, _) = try await project()
    try await project.git("remote", "add", "hub", "https://ann:token-77@example.com/shop.git")
    let remotes = try await repository(project).remotes()
    #expect(remotes.map(\.name) == ["origin", "hub"])
    #expect(remotes.last?.url == "https://example.com/shop.git")
  }
}
