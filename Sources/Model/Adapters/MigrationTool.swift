/// One way to keep the changes of a schema: which files there are, what the ledger table says, how one is
/// applied. To support another tool is one implementation of this, and a line in the list of tools.
package protocol MigrationTool: Sendable {
  /// The migrations among the files of its directory, in the order in which they are applied.
  /// - Parameter names: relative to the directory.
  /// - Throws: `Failure` of kind configuration for names the tool would not take.
  func migrations(among names: [String]) throws(Failure) -> [MigrationFile]

  /// What the ledger table says. Changes nothing.
  /// - Throws: `Failure` when the table belongs to another tool; `DatabaseError`.
  func state(_ session: any DatabaseSession) async throws -> MigrationState

  /// The files that are not applied, in their order, and what is strange about the rest.
  /// - Throws: `Failure` when the tool could not go on from there.
  func pending(_ files: [MigrationFile], _ state: MigrationState) throws(Failure) -> PendingFiles

  /// Why the tool cannot run a text; nil when it can.
  func objection(to script: SQLScript) -> String?

  /// The same, by what its comments say.
  func objection(toText text: String) -> String?

  /// What of a file brings the schema forward, every line where it was.
  func upText(_ text: String) -> String

  /// The table tells the newest alone, instead of having a row for each.
  var keepsOneRow: Bool { get }

  /// How many of what is planned, in its order, the table says are applied.
  func count(of pending: [MigrationFile], in state: MigrationState) -> Int

  /// Applies one, with its row of the ledger table in the same transaction where it can be.
  /// - Throws: `DatabaseError`; what it says of the statement counts within the file's text.
  func apply(_ migration: MigrationText, limits: Migrations, _ session: any DatabaseSession) async throws

  /// The key of the tool's own lock, which keeps its other users out; nil: it has none.
  func lock(_ session: any DatabaseSession) async throws -> Int64?
}

extension MigrationTool {
  package func objection(toText text: String) -> String? { nil }
  package func upText(_ text: String) -> String { text }
  package var keepsOneRow: Bool { false }

  package func count(of pending: [MigrationFile], in state: MigrationState) -> Int {
    let applied = Set(state.applied)
    return pending.prefix { applied.contains($0.id) }.count
  }
}

/// A file that is a migration.
package struct MigrationFile: Sendable, Hashable {
  /// What the ledger table calls it.
  package var id: String
  /// Relative to the directory.
  package var name: String

  package init(id: String, name: String) {
    self.id = id
    self.name = name
  }
}

/// A file with its text.
package struct MigrationText: Sendable, Hashable {
  package var file: MigrationFile
  package var text: String
  package var checksum: String
  /// The release it belongs to.
  package var release: Int
  package var script: SQLScript

  package init(file: MigrationFile, text: String, checksum: String, release: Int) {
    self.file = file
    self.text = text
    self.checksum = checksum
    self.release = release
    script = SQLScript(text)
  }
}

/// What a ledger table says.
package struct MigrationState: Sendable, Hashable {
  /// Applied ids, oldest first; of tools that keep one row, that one alone.
  package var applied: [String]
  /// One that was begun outside of a transaction and is not known to have ended.
  package var dirty: String?
  /// Checksums by id, where the table has them.
  package var checksums: [String: String]

  package init(applied: [String] = [], dirty: String? = nil, checksums: [String: String] = [:]) {
    self.applied = applied
    self.dirty = dirty
    self.checksums = checksums
  }
}

/// What is to be applied.
package struct PendingFiles: Sendable, Hashable {
  package var files: [MigrationFile]
  /// Of the applied ones, those whose files are here.
  package var applied: Int
  package var notes: [String]

  package init(files: [MigrationFile], applied: Int, notes: [String] = []) {
    self.files = files
    self.applied = applied
    self.notes = notes
  }
}

/// One connection to a database for a while, with the settings and locks that hang on it.
package protocol DatabaseSession: Sendable {
  /// Runs one statement and gives its rows, as texts.
  /// - Throws: `DatabaseError`.
  func rows(_ sql: String, _ values: [String?]) async throws -> [[String: String]]

  /// Runs a text of statements as it is.
  /// - Parameter limit: how long it may take altogether, for this side.
  /// - Throws: `DatabaseError`.
  func run(_ sql: String, limit: Duration) async throws
}

/// What a database refused, or that it is gone. Without the password.
package struct DatabaseError: Error, Sendable, Hashable {
  /// In the server's words.
  package var message: String
  /// SQLSTATE; nil when it was not the server that spoke.
  package var state: String?
  package var hint: String?
  /// How many statements of the text had ended before.
  package var statement: Int?
  /// The character of the text it is about, from 1.
  package var position: Int?
  /// The connection broke: whether the last statement took effect is not known.
  package var isLost: Bool

  package init(
    message: String, state: String? = nil, hint: String? = nil, statement: Int? = nil, position: Int? = nil,
    isLost: Bool = false
  ) {
    self.message = message
    self.state = state
    self.hint = hint
    self.statement = statement
    self.position = position
    self.isLost = isLost
  }
}

/// The files of migrations, as a commit has them.
package protocol MigrationFiles: Sendable {
  /// The names of the files directly in a directory and one below; nil when the commit has no such directory.
  /// - Parameter isDirty: those of the working tree.
  func names(in directory: String, commit: String, isDirty: Bool) async throws(Failure) -> [String]?

  /// Texts by path, relative to the project.
  func texts(of paths: [String], commit: String, isDirty: Bool) async throws(Failure) -> [String: String]
}

/// Looks at databases when a plan is made. Changes nothing.
package protocol DatabaseObserver: Sendable {
  /// - Throws: `Failure` when it cannot be reached, or its migrations could not be run.
  func observe(_ database: DatabaseTarget, commit: String, isDirty: Bool) async throws(Failure)
    -> ObservedDatabase
}

/// Finds the databases that a service declares in its source (contract encore §7, §8).
package protocol DatabaseDiscovery: Sendable {
  func databases(of service: Service, commit: String) async throws(Failure) -> [DeclaredDatabase]
}

/// A database as a plan sees it.
package struct ObservedDatabase: Sendable, Hashable {
  /// Host, port and name.
  package var place: String
  /// Of the server: "15.4".
  package var version: String
  /// The newest applied id; nil: none.
  package var newest: String?
  package var applied: Int
  package var pending: [PendingMigration]
  /// Scripts that have to be run.
  package var scripts: [PlannedScript] = []
  /// What a person should know.
  package var notes: [String]

  package init(
    place: String, version: String, newest: String? = nil, applied: Int = 0,
    pending: [PendingMigration] = [], notes: [String] = []
  ) {
    self.place = place
    self.version = version
    self.newest = newest
    self.applied = applied
    self.pending = pending
    self.notes = notes
  }
}

/// A migration that is not applied yet, with what it says.
package struct PendingMigration: Sendable, Hashable {
  package var file: MigrationFile
  /// Relative to the project.
  package var path: String
  package var text: String
  package var checksum: String
  /// What another reviewer says, in the order of lines.
  package var remarks: [MigrationFinding] = []

  package init(file: MigrationFile, path: String, text: String, checksum: String) {
    self.file = file
    self.path = path
    self.text = text
    self.checksum = checksum
  }
}

/// A database that a service's source declares.
package struct DeclaredDatabase: Sendable, Hashable {
  package var name: String
  /// The directory of its migrations, relative to the project; nil: it has none.
  package var directory: String?
  /// How many migrations there are.
  package var migrations: Int
  /// The infrastructure configuration says where it is.
  package var isConfigured: Bool
  /// Nil: its files can be applied; otherwise what wrote them.
  package var foreignTool: String?

  package init(
    name: String, directory: String?, migrations: Int, isConfigured: Bool, foreignTool: String? = nil
  ) {
    self.name = name
    self.directory = directory
    self.migrations = migrations
    self.isConfigured = isConfigured
    self.foreignTool = foreignTool
  }

  /// As the environment file would call it: its keys have no underscore.
  package var key: String { String(name.lowercased().map { $0.isLetter || $0.isNumber ? $0 : "-" }) }
}
