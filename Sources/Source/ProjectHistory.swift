package import Model

/// The project's revisions: its commits, or outside a repository the digest of what would be packed.
package struct ProjectHistory: RevisionHistory {
  private let source: GitSource?
  private let packer: CommitPacker
  private let directories: [(path: String, include: [String])]

  /// - Parameters:
  ///   - source: nil outside of a repository.
  ///   - packer: gives the revision of a tree that no repository keeps.
  package init(source: GitSource?, packer: CommitPacker, environment: Environment) {
    self.source = source
    self.packer = packer
    directories = environment.services.compactMap(\.source.tree)
  }

  package func resolve(_ revision: String) async throws(Failure) -> Revision {
    if let source { return try await source.resolve(revision) }
    guard revision == "HEAD" else {
      throw Failure(
        .configuration, "there is no revision \(revision): the project lies in no git repository",
        hint: "leave --commit away, or make a repository with `git init`")
    }
    return Revision(
      commit: try await packer.revision(of: directories), subject: "the tree as it is", author: "")
  }

  /// Trees outside a repository have no order: the present one always counts as the newer.
  package func relation(of commit: String, to other: String) async throws(Failure) -> CommitRelation {
    guard let source else { return commit == other ? .same : .descendant }
    return try await source.relation(of: commit, to: other)
  }

  package func isCommit(_ commit: String, onBranch branch: String) async throws(Failure) -> Bool {
    guard let source else {
      throw Failure(
        .policy, "only commits of \(branch) may be deployed, and the project lies in no git repository",
        place: "protect.branch", hint: "deploy from a clone")
    }
    return try await source.isCommit(commit, on: branch)
  }

  package func changedFiles(under paths: [String]) async throws(Failure) -> [String] {
    try await source?.changedFiles(under: paths) ?? []
  }

  /// Outside a repository the revision itself is made from the directories, so none can be missing.
  package func missingDirectories(of paths: [String], in commit: String) async throws(Failure) -> [String] {
    guard let source else { return [] }
    return try await source.missing(directories: paths, in: commit)
  }
}
