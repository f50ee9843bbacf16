/// A database that shipit copies, and whose schema it changes where it has one.
package struct DatabaseTarget: Sendable, Hashable, Codable {
  package enum Engine: String, Sendable, Hashable, Codable { case postgres, redis }

  /// Where it is reached from here, direct: never through a pooler (contract migrations §4).
  package enum Address: Sendable, Hashable, Codable {
    /// The name of the secret that holds it.
    case secret(String)
    /// Written out; no password is in it.
    case text(String)
    /// Nothing here reaches it: it is made, and no more.
    case unreached
  }

  /// How it is made when it is missing.
  package struct Template: Sendable, Hashable, Codable {
    /// Railway's code.
    package var code: String
    /// The service's name on Railway.
    package var service: String

    package init(code: String, service: String) {
      self.code = code
      self.service = service
    }
  }

  /// The key in the environment file.
  package var key: String
  package var engine: Engine
  package var url: Address
  package var migrations: Migrations?
  package var backup: BackupRule?
  /// Nil: shipit never makes it.
  package var create: Template?
  /// Nil: none; so that what ledgers recorded before there were any can be read.
  private var scriptFiles: [DatabaseScript]?

  /// In the order of the file.
  package var scripts: [DatabaseScript] {
    get { scriptFiles ?? [] }
    set { scriptFiles = newValue.isEmpty ? nil : newValue }
  }

  package init(
    key: String, engine: Engine = .postgres, url: Address, migrations: Migrations? = nil,
    backup: BackupRule? = nil, scripts: [DatabaseScript] = [], create: Template? = nil
  ) {
    self.create = create
    scriptFiles = scripts.isEmpty ? nil : scripts
    self.key = key
    self.engine = engine
    self.url = url
    self.migrations = migrations
    self.backup = backup
  }

  /// The name of its migrations in `needs`, and of their step.
  package var step: StepID { DatabaseTarget.step(key) }

  package static func step(_ key: String) -> StepID { StepID("\(key).migrations") }

  /// The name of its scripts in `needs`, and of their step.
  package var scriptStep: StepID { StepID("\(key).scripts") }

  /// The step that copies it.
  package var backupStep: StepID { StepID("\(key).backup") }
}

/// The changes of a schema and what applies them.
package struct Migrations: Sendable, Hashable, Codable {
  package var tool: MigrationToolName
  /// Relative to the project.
  package var directory: String
  package var lockTimeout: Duration
  package var statementTimeout: Duration
  /// What has to have ended well before.
  package var needs: [String]
  /// Nil: here; so that what ledgers recorded before there was a choice can be read.
  private var elsewhere: Place?

  /// Who runs the tool.
  package enum Place: String, Sendable, Hashable, Codable, CaseIterable {
    /// shipit, on this machine.
    case here
    /// The platform, by the service's pre-deploy command.
    case preDeploy = "pre-deploy"
    /// The service's own build or start.
    case insideDeploy = "inside-deploy"
  }

  package var runs: Place {
    get { elsewhere ?? .here }
    set { elsewhere = newValue == .here ? nil : newValue }
  }

  /// How the tool is called here, such as `poetry run alembic`; nil: by its name.
  package var program: [String]?

  package init(
    tool: MigrationToolName, directory: String = ".", lockTimeout: Duration = .seconds(5),
    statementTimeout: Duration = .seconds(600), needs: [String] = [],
    program: [String]? = nil
  ) {
    self.program = program
    self.tool = tool
    self.directory = directory
    self.lockTimeout = lockTimeout
    self.statementTimeout = statementTimeout
    self.needs = needs
  }
}

/// Whose files and ledger table they are.
package enum MigrationToolName: String, Sendable, Hashable, Codable, CaseIterable {
  /// Files of an Encore application, which its self-hosted images never apply (contract encore §8).
  case encore
  case golangMigrate = "golang-migrate"
  /// Plain files with shipit's own ledger table.
  case sql
  case dbmate
  case prisma
  case supabase
  case alembic
  case django
  case sqitch
  /// A program that shipit knows nothing of.
  case command
}
