/// The project's commits, read from its repository.
package protocol RevisionHistory: Sendable {
  /// A revision as the user wrote it, resolved.
  func resolve(_ revision: String) async throws(Failure) -> Revision
  /// How a commit stands to another.
  /// - Throws: `Failure` of kind stale when the history at hand does not tell.
  func relation(of commit: String, to other: String) async throws(Failure) -> CommitRelation
  /// Whether a commit belongs to a branch, here or at the remote.
  func isCommit(_ commit: String, onBranch branch: String) async throws(Failure) -> Bool
  /// Changed tracked files under the given paths, relative to the project's root.
  func changedFiles(under paths: [String]) async throws(Failure) -> [String]
  /// Those of the given directories, relative to the project's root, that a commit does not hold.
  func missingDirectories(of paths: [String], in commit: String) async throws(Failure) -> [String]
}

/// One revision.
package struct Revision: Sendable, Hashable, Codable {
  /// The full commit, or outside a repository the digest of the tree.
  package var commit: String
  package var subject: String
  package var author: String

  package init(commit: String, subject: String, author: String) {
    self.commit = commit
    self.subject = subject
    self.author = author
  }
}

/// How the first of two commits stands to the second.
package enum CommitRelation: String, Sendable, Hashable, Codable { case same, ancestor, descendant, diverged }
