import Model

/// Judges one statement by the measured table of the contract (migrations §5.1).
struct StatementReview {
  private let statement: SQLScript.Statement
  private let made: Set<String>
  private(set) var findings: [MigrationFinding] = []
  /// Tables it makes: nobody uses them yet.
  private(set) var makes: Set<String> = []

  /// - Parameter made: tables that the file has made before.
  init(_ statement: SQLScript.Statement, made: Set<String>) {
    self.statement = statement
    self.made = made
  }

  private mutating func say(
    _ effect: MigrationEffect, _ reason: String, lock: String? = nil, rewrites: Bool = false,
    blocks: Bool = false, safer: String? = nil
  ) {
    findings.append(
      MigrationFinding(
        line: statement.line, effect: effect, lock: lock, rewrites: rewrites, blocks: blocks, reason: reason,
        safer: safer))
  }

  private func isNew(_ table: String?) -> Bool { table.map(made.contains) ?? false }

  mutating func judge() {
    var reader = TokenReader(statement.tokens)
    switch reader.takeAny(
      "create", "alter", "drop", "truncate", "insert", "update", "delete", "merge", "copy", "with", "comment",
      "grant", "revoke", "reindex", "vacuum", "cluster", "analyze", "set", "reset", "select", "begin",
      "commit",
      "start", "end", "savepoint", "release", "do", "call", "lock", "refresh", "values", "show", "discard")
    {
    case "create": create(reader)
    case "alter": alter(reader)
    case "drop": drop(reader)
    case "truncate":
      say(
        .contract, "empties a table: the rows are gone", lock: "ACCESS EXCLUSIVE",
        safer: "delete in batches, outside of the migration")
    case "insert", "copy", "merge": data("adds rows", reader, table: inserted(reader))
    case "update": data("changes rows", reader, table: updated(reader))
    case "delete": data("deletes rows", reader, table: updated(reader))
    case "with": with(reader)
    case "comment", "analyze": say(.expand, "changes no schema", lock: "SHARE UPDATE EXCLUSIVE")
    case "grant": say(.expand, "gives rights")
    case "revoke":
      say(
        .contract, "takes rights away that old code may use", safer: "after the code that used them is gone")
    case "reindex":
      if reader.has("concurrently") {
        say(.expand, "builds an index anew beside the old", lock: "SHARE UPDATE EXCLUSIVE")
      } else {
        say(
          .expand, "builds an index anew", lock: "SHARE", blocks: true,
          safer: "REINDEX … CONCURRENTLY, in a file of its own")
      }
    case "vacuum":
      if reader.has("full") {
        say(
          .expand, "writes the table anew", lock: "ACCESS EXCLUSIVE", rewrites: true, blocks: true,
          safer: "pg_repack")
      } else {
        say(.expand, "changes no schema")
      }
    case "cluster":
      say(
        .expand, "writes the table anew", lock: "ACCESS EXCLUSIVE", rewrites: true, blocks: true,
        safer: "pg_repack")
    case "set", "reset", "begin", "commit", "start", "end", "savepoint", "release", "show", "discard":
      say(.expand, "of this session alone")
    case "select", "values": select(reader)
    case "lock":
      say(
        .unknown, "locks a table by itself", blocks: true, safer: "let each statement take the lock it needs")
    case "refresh":
      if reader.has("concurrently") {
        say(.expand, "fills a view anew")
      } else {
        say(
          .expand, "fills a view anew", lock: "ACCESS EXCLUSIVE", blocks: true,
          safer: "REFRESH … CONCURRENTLY")
      }
    case "do", "call":
      say(
        .unknown, "runs code that cannot be looked into",
        safer: "write its statements out, or say what it is: -- shipit: expand")
    default:
      say(.unknown, "is not known to shipit", safer: "say what it is: -- shipit: expand")
    }
  }

  // MARK: Rows

  private func inserted(_ reader: TokenReader) -> String? {
    var reader = reader
    _ = reader.takeAny("into")
    return reader.name()
  }

  private func updated(_ reader: TokenReader) -> String? {
    var reader = reader
    _ = reader.takeAny("from")
    _ = reader.takeAny("only")
    return reader.name()
  }

  private mutating func data(_ what: String, _ reader: TokenReader, table: String?) {
    if isNew(table) { return say(.expand, "\(what) of a table that is new here") }
    let isWhole = what != "adds rows" && !reader.has("where")
    say(
      .data, isWhole ? "\(what) of the whole table" : what, lock: "ROW EXCLUSIVE", blocks: isWhole,
      safer: isWhole ? "in batches, outside of the migration" : nil)
  }

  private mutating func with(_ reader: TokenReader) {
    let words = reader.rest.compactMap { if case .word(let word) = $0 { word } else { nil } }
    if words.contains(where: { ["insert", "update", "delete", "merge"].contains($0) }) {
      say(.data, "changes rows", lock: "ROW EXCLUSIVE")
    } else {
      say(.expand, "only reads")
    }
  }

  /// Functions that a `SELECT` calls for their effect are not known, but for the few of dumps.
  private mutating func select(_ reader: TokenReader) {
    if reader.rest.contains(.symbol("(")), !reader.has("set_config"), !reader.has("setval"),
      !reader.has("count")
    {
      say(.unknown, "may call functions that change something", safer: "say what it is: -- shipit: expand")
    } else {
      say(.expand, "only reads")
    }
  }

  // MARK: CREATE

  private mutating func create(_ reader: TokenReader) {
    var reader = reader
    let replaces = reader.take("or", "replace")
    _ = reader.takeAny("global", "local")
    let isTemporary = reader.takeAny("temporary", "temp") != nil
    _ = reader.takeAny("unlogged", "recursive", "constraint", "trusted", "procedural", "materialized")
    if reader.take("unique", "index") || reader.take("index") { return index(reader) }
    switch reader.takeAny(
      "table", "view", "function", "procedure", "trigger", "type", "sequence", "schema", "extension",
      "policy",
      "domain", "aggregate", "statistics", "role", "user", "collation", "cast", "operator", "publication",
      "foreign", "rule", "event", "server", "database", "tablespace", "language", "text", "access",
      "conversion",
      "subscription", "transform")
    {
    case "table":
      _ = reader.take("if", "not", "exists")
      if let table = reader.name() { makes.insert(table) }
      if isTemporary { return say(.expand, "makes a table of this session") }
      say(.expand, "makes a table")
    case "view":
      if replaces {
        say(.unknown, "replaces a view that old code may read", safer: "a view of a new name")
      } else {
        say(.expand, "makes a view")
      }
    case "function", "procedure", "aggregate":
      if replaces {
        say(
          .unknown, "replaces a function that old code may call",
          safer: "a function of a new name; or say what it is: -- shipit: expand")
      } else {
        say(.expand, "makes a function")
      }
    case "trigger":
      say(.expand, "makes a trigger, which old code's writes meet too", lock: "SHARE ROW EXCLUSIVE")
    case "policy":
      say(
        .unknown, "makes a policy, which may hide rows from old code", lock: "ACCESS EXCLUSIVE",
        safer: "say what it is: -- shipit: expand")
    case "rule":
      say(.unknown, "makes a rule, which rewrites old code's statements", lock: "ACCESS EXCLUSIVE")
    case nil: say(.unknown, "is not known to shipit", safer: "say what it is: -- shipit: expand")
    case let what?: say(.expand, "makes a \(what)")
    }
  }

  private mutating func index(_ reader: TokenReader) {
    let isUnique = statement.tokens.contains(.word("unique"))
    var reader = reader
    let isConcurrent = reader.take("concurrently")
    var table: String?
    if let on = reader.rest.firstIndex(of: .word("on")) {
      var after = TokenReader(Array(reader.tokens[(on + 1)...]))
      _ = after.take("only")
      table = after.name()
    }
    if isNew(table) { return say(.expand, "makes an index of a table that is new here") }
    let reason = isUnique ? "makes a unique index: old code's duplicates are refused" : "makes an index"
    let effect: MigrationEffect = isUnique ? .unknown : .expand
    if isConcurrent {
      say(effect, reason, lock: "SHARE UPDATE EXCLUSIVE")
    } else {
      say(
        effect, reason + "; writes to the table wait while it is built", lock: "SHARE", blocks: true,
        safer: "CREATE INDEX CONCURRENTLY, in a file of its own outside of a transaction")
    }
  }

  // MARK: DROP

  private mutating func drop(_ reader: TokenReader) {
    var reader = reader
    _ = reader.takeAny("materialized", "foreign")
    switch reader.takeAny(
      "index", "table", "view", "column", "trigger", "policy", "function", "procedure", "schema", "database",
      "type", "sequence", "rule", "constraint", "extension")
    {
    case "index":
      if reader.has("concurrently") {
        say(.expand, "drops an index", lock: "SHARE UPDATE EXCLUSIVE")
      } else {
        say(
          .expand, "drops an index; everybody who uses the table waits", lock: "ACCESS EXCLUSIVE",
          blocks: false,
          safer: "DROP INDEX CONCURRENTLY, in a file of its own outside of a transaction")
      }
    case "table", "schema", "database":
      _ = reader.take("if", "exists")
      if isNew(reader.name()) { return say(.expand, "drops what is new here") }
      say(
        .contract, "drops a table: its rows are gone and old code breaks", lock: "ACCESS EXCLUSIVE",
        safer: "in a later release, when no code uses it any more")
    case let what?:
      say(
        .contract, "drops a \(what) that old code may use",
        lock: ["trigger", "policy", "rule"].contains(what) ? "ACCESS EXCLUSIVE" : nil,
        safer: "in a later release, when no code uses it any more")
    case nil:
      say(.contract, "drops something that old code may use", safer: "in a later release")
    }
  }

  // MARK: ALTER

  private mutating func alter(_ reader: TokenReader) {
    var reader = reader
    _ = reader.takeAny("foreign", "materialized")
    if reader.take("table") {
      _ = reader.take("if", "exists")
      _ = reader.take("only")
      let table = reader.name()
      _ = reader.symbol("*")
      if isNew(table) { return say(.expand, "changes a table that is new here") }
      for part in reader.parts {
        var change = TableChange(part)
        change.judge()
        for finding in change.findings {
          say(
            finding.effect, finding.reason, lock: finding.lock, rewrites: finding.rewrites,
            blocks: finding.blocks, safer: finding.safer)
        }
      }
      return
    }
    if reader.take("type") {
      if reader.has("add", "value") {
        return say(
          .expand,
          "adds a value to a type: not to be used in the same transaction; old code may not know it, and it cannot be taken away"
        )
      }
      return say(
        .contract, "changes a type that old code uses", lock: "ACCESS EXCLUSIVE",
        safer: "a new type beside it, then a new column")
    }
    if reader.has("rename") || reader.has("set", "schema") {
      return say(
        .contract, "renames what old code uses: it breaks at once", lock: "ACCESS EXCLUSIVE",
        safer: "the new name beside the old one, both written, the old one dropped later; or a view")
    }
    switch reader.takeAny(
      "sequence", "index", "default", "role", "user", "extension", "publication", "statistics")
    {
    case let what?: say(.expand, "changes a \(what)")
    case nil: say(.unknown, "is not known to shipit", safer: "say what it is: -- shipit: expand")
    }
  }
}
