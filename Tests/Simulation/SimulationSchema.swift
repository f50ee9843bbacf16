import Model

/// The simulated database: its schema, copies and index. It outlives every process, and so may a statement that a killed
/// one had sent.
struct SimulationSchema {
  enum Index { case absent, invalid, valid }

  let wanted: SimulationCase.Database
  /// How many of the files are applied.
  private(set) var applied = 0
  /// For each copy, how many files were applied when it was made.
  var copies: [Int] = []
  var index = Index.absent
  /// The process whose session has the lock, or had it when it was killed and the server still works for it.
  var holder: Int?

  init(_ wanted: SimulationCase.Database) { self.wanted = wanted }

  var isComplete: Bool { applied == wanted.files }
  /// Old code does not survive it.
  var hasContract: Bool { wanted.isContract && isComplete }

  /// One file, with its row in the ledger table.
  /// - Returns: the promise that it breaks; nil when it may be.
  mutating func apply(_ file: Int) -> Violation? {
    if file < applied { return Violation(.finishedOnce, "migration \(file) is applied a second time") }
    if file > applied { return Violation(.announced, "migration \(file) is applied before \(applied)") }
    if wanted.hasBackup, !copies.contains(0) {
      return Violation(.announced, "migration \(file) is applied before there is a copy")
    }
    applied += 1
    return nil
  }

  static func name(_ file: Int) -> String { "\(file).sql" }
}

extension SimulationCase {
  /// A database that the deploy migrates first.
  struct Database: Codable, Equatable, Sendable {
    var files = 1
    var hasBackup = false
    var hasIndex = false
    /// Old code does not survive the last file.
    var isContract = false
  }
}

extension Make {
  static let migrations = StepID("main.migrations")
  static let backup = StepID("main.backup")
  static let index = StepID("main.scripts")

  /// What the planner makes of a database: copy, migrations, index.
  static func database(_ wanted: SimulationCase.Database) -> [Step] {
    let target = DatabaseTarget(key: "main", url: .secret("URL"))
    let pending = (0..<wanted.files).map { file in
      PlannedMigration(
        id: "\(file)", name: SimulationSchema.name(file), path: SimulationSchema.name(file), checksum: "",
        effect: wanted.isContract && file == wanted.files - 1 ? .contract : .expand)
    }
    var steps: [Step] = []
    if wanted.hasBackup {
      steps.append(
        Step(
          id: backup, title: "back up main",
          action: .backup(BackupRequest(database: target, rule: BackupRule(directory: "backups"))),
          limit: .seconds(600), isRepeatable: true, expected: .seconds(10)))
    }
    steps.append(
      Step(
        id: migrations, title: "migrate main", needs: steps.map(\.id),
        action: .migrate(
          SchemaChange(
            database: target, migrations: Migrations(tool: .sql), place: "", commit: new, isDirty: false,
            from: nil, pending: pending)),
        limit: .seconds(600), expected: .seconds(5)))
    if wanted.hasIndex {
      steps.append(
        Step(
          id: index, title: "build an index", needs: [migrations],
          action: .scripts(ScriptRun(database: target, scripts: [], place: "", commit: new, isDirty: false)),
          limit: .seconds(600), isRepeatable: true, expected: .seconds(10)))
    }
    return steps
  }
}
