package import Concurrency

/// The project's repository and its remote, for platforms that build pushed commits themselves.
package protocol CommitRepository: Sendable {
  /// The remote that has a commit; nil when none has. Moves no reference, here or there.
  /// - Throws: `Failure` of kind configuration when there is no repository or no remote that can be asked.
  func remote(holding commit: String) async throws(Failure) -> String?

  /// Names of the remotes with their addresses.
  func remotes() async throws(Failure) -> [(name: String, url: String)]

  /// The tracked files of a commit under a directory, relative to it; nil when the commit is not to be had.
  func files(of commit: String, under directory: String) async throws(Failure) -> [String]?

  /// Those whose text holds one of the given words, with their text.
  func texts(of commit: String, under directory: String, holding words: [String])
    async throws(Failure) -> [(path: String, text: String)]

  /// Writes a clean checkout of a commit with a repository of its own, for tools that ask git which commit they
  /// build. The project's repository stays as it is; the checkout borrows its objects.
  /// - Parameter directory: empty, and the caller's to remove.
  /// - Returns: the project's root within.
  func checkOut(_ commit: String, to directory: String) async throws(Failure) -> String

  /// The commit at a branch of the remote; nil when there is no such branch.
  func commit(ofRemoteBranch branch: String) async throws(Failure) -> String?

  /// Makes a commit that goes back and pushes it to a branch of its own. Work tree, index and local branches
  /// stay as they are; the same request gives the same commit.
  /// - Returns: the full id.
  func publish(_ revert: Revert) async throws(Failure) -> String
}

/// A commit with an old tree that keeps some newer files.
package struct Revert: Sendable, Hashable {
  /// A file of `replaced` that the old tree gets along.
  package struct Kept: Sendable, Hashable {
    /// The commit it is taken from.
    package var commit: String
    /// Relative to the project's root, there and in the old tree.
    package var from: String
    package var to: String

    package init(commit: String, from: String, to: String) {
      self.commit = commit
      self.from = from
      self.to = to
    }
  }

  /// The commit whose tree comes back.
  package var target: String
  /// The commit that is replaced: the parent.
  package var replaced: String
  package var kept: [Kept]
  /// The branch of the remote, without `refs/heads/`.
  package var branch: String
  package var message: String
  /// The date of the commit, so that a repetition gives the same one.
  package var at: Timestamp

  package init(
    target: String, replaced: String, kept: [Kept], branch: String, message: String, at: Timestamp
  ) {
    self.target = target
    self.replaced = replaced
    self.kept = kept
    self.branch = branch
    self.message = message
    self.at = at
  }
}

/// The code a service is to get, as a plan wants it.
package struct CodeChange: Sendable, Hashable {
  package var target: ServiceTarget
  /// What serves now; nil when it is not known.
  package var from: String?
  package var to: String
  /// The work tree was asked for, not the commit alone.
  package var isDirty: Bool
  /// An explicit rollback: `to` served before.
  package var isRollback: Bool

  package init(
    target: ServiceTarget, from: String?, to: String, isDirty: Bool = false, isRollback: Bool = false
  ) {
    self.target = target
    self.from = from
    self.to = to
    self.isDirty = isDirty
    self.isRollback = isRollback
  }
}

/// What a look at a change of code found before anything was done.
package struct Foresight: Sendable, Hashable {
  /// Of a deploy: what going back would not bring back. Of a rollback: what it does not bring back.
  package var restoreNote: String?
  /// What a person should know.
  package var notes: [String]

  package init(restoreNote: String? = nil, notes: [String] = []) {
    self.restoreNote = restoreNote
    self.notes = notes
  }
}
