/// A workflow of GitHub Actions, reduced to what it deploys and how.
package struct Workflow: Sendable, Hashable {
  package var file: String
  var name: String?
  var triggers: Triggers
  var hasConcurrency: Bool
  /// Where `cancel-in-progress: true` stands.
  var cancels: Evidence?
  var jobs: [Job]
  /// Secrets it reads, with the first place.
  package var secrets: [String: Evidence]
  /// Other workflows of this repository that it calls.
  var calls: [Sourced<String>]
  /// Names that frameworks bake into a build, wherever they stand.
  var publicNames: [Variable]
  /// Its lines, for what has no place of its own.
  var lines: [String]

  struct Triggers: Sendable, Hashable {
    var push = false
    var pullRequest = false
    var schedule = false
    var manual = false
    /// After another workflow.
    var after: [String] = []
    var called = false
  }

  struct Job: Sendable, Hashable {
    var key: String
    var line: Int
    var needs: [String] = []
    var steps: [Step] = []
    var condition: String?
    /// It brings a database of its own along: what it migrates is thrown away.
    var isTest = false
    /// Parallel copies, unless limited to one.
    var isMatrix = false
    var continuesOnError: Evidence?
    var names: Set<String> = []
  }

  struct Step: Sendable, Hashable {
    var name: String?
    var line: Int
    var uses: Sourced<String>?
    var commands: [Sourced<String>] = []
    var folder: String?
    var condition: String?
    var continuesOnError: Evidence?
    /// Names of `env:` and `with:`.
    var names: Set<String> = []
    /// Texts of `with:`.
    var inputs: [Sourced<String>] = []
    /// Where it puts something live; found once, for it is asked often.
    var deploys: [Sourced<Host>] = []
    /// Commands that change a schema.
    var migrations: [Sourced<String>] = []
  }
}

extension Workflow.Step {
  /// Looks once at what its commands and its action do.
  mutating func settle() {
    migrations = commands.filter { Shell.migration($0.value) != nil }
    var found = commands.compactMap { command in
      Shell.host(command.value).map { Sourced($0, command.evidence) }
    }
    if let uses, let host = Shell.host(action: uses.value) { found.append(Sourced(host, uses.evidence)) }
    // A script handed to a remote machine.
    if found.contains(where: { $0.value == .selfHosted }) { found = found.filter { $0.value == .selfHosted } }
    deploys = found
  }
}

extension Workflow.Job {
  var deploys: [Sourced<Host>] { steps.flatMap(\.deploys) }
  var migrations: [Sourced<String>] { isTest ? [] : steps.flatMap(\.migrations) }
}

extension Workflow {
  /// Where it puts something live by itself, each place once.
  var deploys: [Sourced<Host>] {
    var seen: Set<Host> = []
    return jobs.flatMap(\.deploys).filter { seen.insert($0.value).inserted }
  }

  var migrations: [Sourced<String>] { jobs.flatMap(\.migrations) }

  /// Whether it starts by itself when somebody pushes, or after a workflow that does.
  var isAutomatic: Bool { triggers.push || !triggers.after.isEmpty }
}
