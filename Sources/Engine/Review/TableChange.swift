import Model

/// Judges one action of `ALTER TABLE` (contract migrations §5.1).
struct TableChange {
  private var reader: TokenReader
  private(set) var findings: [MigrationFinding] = []

  init(_ reader: TokenReader) { self.reader = reader }

  private mutating func say(
    _ effect: MigrationEffect, _ reason: String, lock: String? = "ACCESS EXCLUSIVE", rewrites: Bool = false,
    blocks: Bool = false, safer: String? = nil
  ) {
    findings.append(
      MigrationFinding(
        line: 0, effect: effect, lock: lock, rewrites: rewrites, blocks: blocks, reason: reason, safer: safer)
    )
  }

  mutating func judge() {
    if reader.take("add") { return add() }
    if reader.take("drop") { return drop() }
    if reader.take("alter") { return alterColumn() }
    if reader.take("rename") {
      return say(
        .contract, "renames what old code uses: it breaks at once",
        safer: "the new name beside the old one, both written, the old one dropped later; or a view")
    }
    if reader.take("validate") {
      return say(.expand, "checks the rows there are", lock: "SHARE UPDATE EXCLUSIVE")
    }
    if reader.take("attach", "partition") {
      return say(
        .expand, "attaches a partition, and reads it whole", blocks: true,
        safer: "a matching CHECK on it first")
    }
    if reader.take("detach", "partition") {
      let isConcurrent = reader.has("concurrently")
      return say(
        .contract, "detaches a partition: its rows are not seen any more",
        lock: isConcurrent ? "SHARE UPDATE EXCLUSIVE" : "ACCESS EXCLUSIVE",
        safer: isConcurrent ? nil : "DETACH PARTITION … CONCURRENTLY")
    }
    if reader.take("set", "logged") || reader.take("set", "unlogged")
      || reader.take("set", "tablespace") || reader.take("set", "access", "method")
    {
      return say(.expand, "writes the table anew", rewrites: true, blocks: true, safer: "pg_repack")
    }
    if reader.take("set", "schema") {
      return say(.contract, "moves the table to another schema: old code breaks at once")
    }
    if reader.take("enable", "row") || reader.take("force", "row") {
      return say(.unknown, "may hide rows from old code, or refuse its writes")
    }
    if reader.take("enable", "trigger") {
      return say(.unknown, "may refuse old code's writes", lock: "SHARE ROW EXCLUSIVE")
    }
    if reader.take("disable", "trigger") {
      return say(.expand, "switches triggers off", lock: "SHARE ROW EXCLUSIVE")
    }
    var parameters = reader
    if parameters.take("set"), parameters.symbol("(") {
      return say(.expand, "changes a setting of the table", lock: "SHARE UPDATE EXCLUSIVE")
    }
    if reader.take("owner") || reader.take("replica") || reader.take("set") || reader.take("reset")
      || reader.take("enable") || reader.take("disable")
    {
      return say(.expand, "changes a setting of the table")
    }
    say(.unknown, "is not known to shipit", safer: "say what it is: -- shipit: expand")
  }

  // MARK: ADD

  private mutating func add() {
    var isNamed = false
    if reader.take("constraint") {
      _ = reader.name()
      isNamed = true
    }
    let isLater = reader.has("not", "valid")
    switch reader.takeAny("foreign", "check", "unique", "primary", "exclude") {
    case "foreign":
      say(
        .unknown, "adds a foreign key: old code's rows without the other one are refused",
        lock: "SHARE ROW EXCLUSIVE on both tables", blocks: !isLater,
        safer: isLater ? nil : "NOT VALID, and VALIDATE CONSTRAINT in a later migration")
    case "check":
      say(
        .contract, "adds a check: old code's rows that break it are refused", blocks: !isLater,
        safer: isLater ? nil : "NOT VALID, and VALIDATE CONSTRAINT in a later migration")
    case "unique", "primary":
      let usesIndex = reader.has("using", "index")
      say(
        .contract, "adds a key: old code's duplicates are refused", blocks: !usesIndex,
        safer: usesIndex ? nil : "CREATE UNIQUE INDEX CONCURRENTLY, then ADD … USING INDEX")
    case "exclude": say(.contract, "adds an exclusion: old code's rows may be refused", blocks: true)
    default:
      if isNamed { return say(.unknown, "adds a constraint that is not known to shipit") }
      addColumn()
    }
  }

  private mutating func addColumn() {
    _ = reader.take("column")
    _ = reader.take("if", "not", "exists")
    guard reader.name() != nil else { return say(.unknown, "is not known to shipit") }
    let isSerial = reader.rest.contains { token in
      if case .word(let word) = token {
        ["serial", "bigserial", "smallserial"].contains(word)
      } else {
        false
      }
    }
    if isSerial || reader.has("generated") {
      return say(
        .expand, "adds a column whose values are computed: the table is written anew", rewrites: true,
        blocks: true,
        safer: "a plain column, filled in batches")
    }
    let hasDefault = reader.has("default")
    let isRequired = reader.has("not", "null") || reader.has("primary", "key")
    if hasDefault && hasVolatileDefault {
      return say(
        .expand, "adds a column with a default that differs from row to row: the table is written anew",
        rewrites: true, blocks: true,
        safer: "add it without, set the default, fill the rows there are in batches")
    }
    if isRequired && !hasDefault {
      return say(
        .contract,
        "adds a required column without a default: it fails on a filled table, and old code cannot insert",
        safer: "nullable or with a default first; SET NOT NULL in a later release")
    }
    if reader.has("references") || reader.has("unique") || reader.has("check") {
      return say(
        .unknown, "adds a column with a constraint, which is checked at once", blocks: reader.has("unique"),
        safer: "add the column alone, and the constraint NOT VALID")
    }
    say(.expand, "adds a column")
  }

  /// A call in a default, but for those that are the same for all rows of a statement.
  private var hasVolatileDefault: Bool {
    guard let start = reader.rest.firstIndex(of: .word("default")) else { return false }
    let stable: Set<String> = [
      "now", "current_timestamp", "transaction_timestamp", "statement_timestamp", "current_date",
    ]
    for index in reader.rest.indices where index > start {
      guard reader.tokens[index] == .symbol("("), case .word(let word) = reader.tokens[index - 1] else {
        continue
      }
      // A type with a size, such as `varchar(20)`, calls nothing.
      if ["varchar", "char", "numeric", "decimal", "timestamp", "check", "key"].contains(word) { continue }
      if !stable.contains(word) { return true }
    }
    return false
  }

  // MARK: DROP and ALTER COLUMN

  private mutating func drop() {
    if reader.take("constraint") {
      return say(.expand, "drops a constraint: new rows may surprise old readers")
    }
    say(
      .contract, "drops a column: its values are gone and old code breaks",
      safer: "in a later release, when no code uses it any more")
  }

  private mutating func alterColumn() {
    _ = reader.take("column")
    guard reader.name() != nil else { return say(.unknown, "is not known to shipit") }
    if reader.take("set", "not", "null") {
      return say(
        .contract, "requires a column: old code's rows without it are refused, and all rows are read",
        blocks: true,
        safer: "CHECK (… IS NOT NULL) NOT VALID, VALIDATE, then SET NOT NULL, then drop the check")
    }
    if reader.take("drop", "not", "null") {
      return say(
        .unknown, "allows nulls, which may surprise old readers", safer: "after the readers cope with them")
    }
    if reader.take("type") || reader.take("set", "data", "type") { return changeType() }
    if reader.take("drop", "default") {
      return say(.unknown, "drops a default that old code's inserts may need")
    }
    if reader.take("set", "statistics") {
      return say(.expand, "changes a setting of a column", lock: "SHARE UPDATE EXCLUSIVE")
    }
    if reader.take("set") || reader.take("drop") || reader.take("add") || reader.take("reset") {
      return say(.expand, "changes a setting of a column")
    }
    say(.unknown, "is not known to shipit")
  }

  private mutating func changeType() {
    // What it was is not in the statement: widening a text needs no rewrite, everything else may.
    let first = reader.rest.first
    if first == .word("text") && !reader.has("using") {
      return say(
        .unknown,
        "changes a type: from varchar it is written in place, from others the table is written anew",
        blocks: true, safer: "say what it is: -- shipit: expand; else a new column, both written, then switch"
      )
    }
    say(
      .contract, "changes a type: the table may be written anew, and shrinking can fail", rewrites: true,
      blocks: true, safer: "a new column, both written, filled in batches, then switch")
  }
}
