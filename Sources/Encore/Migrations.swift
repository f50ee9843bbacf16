import Model

/// The migration files of one database in one commit, as far as reading the source loosely tells.
///
/// The heuristic, of which docs/encore.md speaks: databases are found by `new SQLDatabase("NAME", {migrations: …})`
/// and `sqldb.NewDatabase("NAME", sqldb.DatabaseConfig{Migrations: …})`, whose directory counts from the file
/// that declares it; directories named `migrations` with numbered `.up.sql` files count by convention, under
/// their own path as name. What is built from pieces at run time is not seen.
struct MigrationSet: Sendable, Hashable {
  /// How the migrator looks at the files (contract §6, §7).
  enum Order: Sendable, Hashable {
    /// The version in the database must be among the files.
    case sequential
    /// Only files that are there matter: Prisma, Drizzle v1.
    case independent
  }

  /// The declared name, or the directory.
  var database: String
  /// Relative to the application.
  var directory: String
  var order: Order
  /// Version → the files that belong to it, relative to `directory`.
  var files: [UInt64: [String]]
}

extension MigrationSet {
  /// Every set in a commit's tree.
  /// - Parameters:
  ///   - paths: all files, relative to the application.
  ///   - sources: those that may declare databases.
  static func all(paths: [String], sources: [(path: String, text: String)]) -> [MigrationSet] {
    var sets: [MigrationSet] = []
    var declared: Set<String> = []
    for source in sources {
      for found in DatabaseDeclaration.all(in: source.text) {
        let directory = resolved(found.directory, from: source.path)
        guard declared.insert(directory).inserted else { continue }
        sets.append(
          MigrationSet(
            database: found.name, directory: directory, order: found.source.order,
            files: files(paths, below: directory, found.source)))
      }
    }
    var conventional: Set<String> = []
    for path in paths where path.hasSuffix(".up.sql") {
      let names = path.split(separator: "/")
      guard names.count > 1, names[names.count - 2] == "migrations" else { continue }
      let directory = names.dropLast().joined(separator: "/")
      if !declared.contains(directory) { conventional.insert(directory) }
    }
    for directory in conventional.sorted() {
      let files = files(paths, below: directory, .plain)
      if !files.isEmpty {
        sets.append(
          MigrationSet(database: directory, directory: directory, order: .sequential, files: files))
      }
    }
    return sets
  }

  private static func files(_ paths: [String], below directory: String, _ source: MigrationSource)
    -> [UInt64: [String]]
  {
    let prefix = directory.isEmpty ? "" : directory + "/"
    var files: [UInt64: [String]] = [:]
    for path in paths where path.hasPrefix(prefix) {
      let name = String(path.dropFirst(prefix.count))
      if let version = source.version(of: name) { files[version, default: []].append(name) }
    }
    // A version without the file that is run is none.
    return files.filter { $0.value.contains(where: source.isRun) }.mapValues { $0.sorted() }
  }

  /// A path relative to the file that names it, without `.` and `..`.
  private static func resolved(_ directory: String, from file: String) -> String {
    var parts = directory.hasPrefix("/") ? [] : file.split(separator: "/").dropLast().map(String.init)
    for part in directory.split(separator: "/") where part != "." {
      if part == ".." { _ = parts.popLast() } else { parts.append(String(part)) }
    }
    return parts.joined(separator: "/")
  }
}

/// Which tool wrote the files (contract §7).
enum MigrationSource: Sendable, Hashable {
  case plain, prisma, drizzle, drizzleV1

  init(_ word: String) {
    switch word {
    case "prisma": self = .prisma
    case "drizzle": self = .drizzle
    case "drizzle/v1": self = .drizzleV1
    default: self = .plain
    }
  }

  var order: MigrationSet.Order { self == .prisma || self == .drizzleV1 ? .independent : .sequential }

  /// The version a file below the directory belongs to; nil: none.
  func version(of name: String) -> UInt64? {
    let parts = name.split(separator: "/")
    switch self {
    case .plain:
      guard parts.count == 1, name.hasSuffix(".up.sql") || name.hasSuffix(".down.sql") else { return nil }
    case .drizzle: guard parts.count == 1, name.hasSuffix(".sql") else { return nil }
    case .prisma, .drizzleV1: guard parts.count == 2, parts[1] == "migration.sql" else { return nil }
    }
    let digits = name.prefix { $0.isASCII && $0.isNumber }
    guard let next = name.dropFirst(digits.count).first, "_./".contains(next) else { return nil }
    return UInt64(digits)
  }

  /// The file is executed, not only kept beside.
  func isRun(_ name: String) -> Bool { self != .plain || name.hasSuffix(".up.sql") }
}

/// One declaration of a database with migrations.
struct DatabaseDeclaration: Sendable, Hashable {
  var name: String
  var directory: String
  var source: MigrationSource

  /// Words of which one stands in every file that declares a database.
  static let words = ["SQLDatabase", "sqldb.NewDatabase"]

  static func all(in text: String) -> [DatabaseDeclaration] {
    var found: [DatabaseDeclaration] = []
    for word in words {
      var rest = text[...]
      while let range = rest.firstRange(of: word) {
        rest = rest[range.upperBound...]
        if let declaration = read(rest) { found.append(declaration) }
      }
    }
    return found
  }

  /// Reads `("NAME", {… migrations: …})` after the word.
  private static func read(_ text: Substring) -> DatabaseDeclaration? {
    // Between the word and its bracket only type arguments may stand.
    guard let open = text.prefix(120).firstIndex(of: "(") else { return nil }
    guard !text[..<open].contains(where: { ";=\"'`\n{".contains($0) }) else { return nil }
    var rest = text[text.index(after: open)...]
    guard let name = quoted(&rest) else { return nil }
    let body = argument(rest)
    guard let key = body.firstRange(of: "igrations") else { return nil }
    var value = body[key.upperBound...].drop { $0.isWhitespace || $0 == ":" }
    if value.first == "{" {
      let inner = argument(value.dropFirst())
      guard let path = member("path", of: inner) else { return nil }
      return DatabaseDeclaration(
        name: name, directory: path, source: MigrationSource(member("source", of: inner) ?? ""))
    }
    guard let directory = quoted(&value) else { return nil }
    return DatabaseDeclaration(name: name, directory: directory, source: .plain)
  }

  /// Up to the bracket that closes what was open at the start.
  private static func argument(_ text: Substring) -> Substring {
    var depth = 0
    var quote: Character?
    for index in text.indices {
      let character = text[index]
      if let open = quote {
        if character == open { quote = nil }
      } else if "\"'`".contains(character) {
        quote = character
      } else if "({[".contains(character) {
        depth += 1
      } else if ")}]".contains(character) {
        if depth == 0 { return text[..<index] }
        depth -= 1
      }
    }
    return text
  }

  private static func member(_ name: String, of text: Substring) -> String? {
    guard let range = text.firstRange(of: name) else { return nil }
    var rest = text[range.upperBound...].drop { $0.isWhitespace || $0 == ":" || $0 == "\"" && false }
    return quoted(&rest)
  }

  /// A text in any of the three quotation marks, after blanks.
  private static func quoted(_ text: inout Substring) -> String? {
    text = text.drop { $0.isWhitespace }
    guard let mark = text.first, "\"'`".contains(mark) else { return nil }
    let rest = text.dropFirst()
    guard let end = rest.firstIndex(of: mark) else { return nil }
    defer { text = rest[rest.index(after: end)...] }
    return String(rest[..<end])
  }
}

/// Whether a commit holds the migration files that databases may have applied.
enum MigrationComparison: Sendable, Hashable {
  struct Lacking: Sendable, Hashable {
    var database: String
    var version: UInt64
    /// The commit that has it.
    var commit: String
    /// Relative to the project: there, and where it belongs in the commit that lacks it.
    var from: String
    var to: String

    var name: String { from.split(separator: "/").last.map(String.init) ?? from }
  }

  case complete
  /// The files it lacks, in the order of their versions.
  case lacking([Lacking])
  /// It could not be looked up, and why.
  case unknown(String)

  /// Compares what a commit has with what others, which may have run, have.
  static func of(
    wanted: String, applied: [String], in directory: String, _ repository: any CommitRepository
  ) async throws(Failure) -> MigrationComparison {
    guard let own = try await sets(of: wanted, in: directory, repository) else {
      return .unknown("there is no repository here that has the commit \(wanted.prefix(7))")
    }
    var lacking: [Lacking] = []
    var seen: Set<String> = []
    var unknown: String?
    for commit in applied where seen.insert(commit).inserted {
      // What one commit lacks of the others counts, whether or not all of them are to be had.
      guard let theirs = try await sets(of: commit, in: directory, repository) else {
        unknown = commit
        continue
      }
      let found = missing(from: own, of: theirs, commit: commit, directory: directory)
      lacking += found.filter { one in !lacking.contains { $0.to == one.to } }
    }
    if !lacking.isEmpty { return .lacking(lacking) }
    return unknown.map { .unknown("there is no repository here that has the commit \($0.prefix(7))") }
      ?? .complete
  }

  private static func sets(
    of commit: String, in directory: String, _ repository: any CommitRepository
  ) async throws(Failure) -> [MigrationSet]? {
    guard let paths = try await repository.files(of: commit, under: directory) else { return nil }
    let sources = try await repository.texts(
      of: commit, under: directory, holding: DatabaseDeclaration.words)
    return MigrationSet.all(paths: paths, sources: sources)
  }

  /// A database that the wanted commit does not know has no migrator there, and so lacks nothing.
  static func missing(
    from own: [MigrationSet], of theirs: [MigrationSet], commit: String, directory: String
  ) -> [Lacking] {
    let prefix = directory == "." || directory.isEmpty ? "" : directory + "/"
    var lacking: [Lacking] = []
    for set in theirs where set.order == .sequential {
      guard
        let mine = own.first(where: { $0.database == set.database })
          ?? own.first(where: { $0.directory == set.directory }), mine.order == .sequential
      else { continue }
      for version in set.files.keys.sorted() where mine.files[version] == nil {
        for file in set.files[version] ?? [] {
          lacking.append(
            Lacking(
              database: set.database, version: version, commit: commit,
              from: prefix + set.directory + "/" + file, to: prefix + mine.directory + "/" + file))
        }
      }
    }
    return lacking
  }
}
