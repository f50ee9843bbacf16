import CPostgres

/// Where a database is, and how to get in: a `postgres://` address or `key=value` text, as libpq reads it.
///
/// TLS, service files and `~/.pgpass` work as they do for every program that uses libpq.
package struct PostgresAddress: Sendable {
  /// libpq's keywords; among them may be the password.
  let parameters: [(keyword: String, value: String)]
  /// What must never be shown, as it stands in the address and decoded; longest first.
  package let hidden: [String]

  /// - Throws: `PostgresError` of code badAddress, which repeats nothing of the text: it may be a password.
  package init(_ text: String) throws(PostgresError) {
    guard !text.isEmpty, !text.contains("\0"), let parsed = Self.parse(text) else {
      throw PostgresError(
        code: .badAddress,
        message: "it is no address of a PostgreSQL database: postgres://USER:PASSWORD@HOST/DATABASE")
    }
    var parameters = parsed
    // Ours where the address says nothing: nobody waits for minutes, and a dead network is noticed.
    for (keyword, value) in Self.standard where !parsed.contains(where: { $0.keyword == keyword }) {
      parameters.append((keyword, value))
    }
    self.parameters = parameters
    let passwords = parsed.filter { ["password", "sslpassword"].contains($0.keyword) }.map(\.value)
    hidden = (passwords + Self.userInformation(text)).filter { !$0.isEmpty }.sorted { $0.count > $1.count }
  }

  /// Host, port and database, for messages; never the password.
  package var description: String {
    let host = part("host") ?? part("hostaddr") ?? part("service").map { "service \($0)" } ?? "localhost"
    let port = part("port").map { ":\($0)" } ?? ""
    return "\(host)\(port)" + (part("dbname").map { "/\($0)" } ?? "")
  }

  /// A part of the address by libpq's name for it, such as `host`; never the password.
  package func part(_ keyword: String) -> String? {
    guard !["password", "sslpassword"].contains(keyword) else { return nil }
    return parameters.last { $0.keyword == keyword }?.value
  }

  /// The same server, by another database.
  package func naming(database: String) -> PostgresAddress {
    PostgresAddress(
      parameters: parameters.filter { $0.keyword != "dbname" } + [("dbname", database)], hidden: hidden)
  }

  /// The variables by which a child that uses libpq gets in; the password is among them.
  package var variables: [String: String] {
    var variables: [String: String] = [:]
    for (keyword, value) in parameters {
      if let name = Self.names[keyword] { variables[name] = value }
    }
    return variables
  }

  private init(parameters: [(keyword: String, value: String)], hidden: [String]) {
    self.parameters = parameters
    self.hidden = hidden
  }

  /// libpq's variables by its keywords.
  private static let names = [
    "host": "PGHOST", "hostaddr": "PGHOSTADDR", "port": "PGPORT", "dbname": "PGDATABASE", "user": "PGUSER",
    "password": "PGPASSWORD", "passfile": "PGPASSFILE", "service": "PGSERVICE", "options": "PGOPTIONS",
    "sslmode": "PGSSLMODE", "sslnegotiation": "PGSSLNEGOTIATION", "sslcert": "PGSSLCERT",
    "sslkey": "PGSSLKEY",
    "sslrootcert": "PGSSLROOTCERT", "sslcrl": "PGSSLCRL", "channel_binding": "PGCHANNELBINDING",
    "require_auth": "PGREQUIREAUTH", "gssencmode": "PGGSSENCMODE", "krbsrvname": "PGKRBSRVNAME",
    "target_session_attrs": "PGTARGETSESSIONATTRS", "connect_timeout": "PGCONNECT_TIMEOUT",
    "application_name": "PGAPPNAME", "client_encoding": "PGCLIENTENCODING",
  ]

  /// Takes the password out of a text of libpq.
  func redact(_ text: String) -> String {
    hidden.reduce(text) { text, secret in
      var rest = Substring(text)
      var result = ""
      while let range = rest.firstRange(of: secret) {
        result += rest[..<range.lowerBound] + "‹secret›"
        rest = rest[range.upperBound...]
      }
      return result + rest
    }
  }

  private static let standard = [
    ("connect_timeout", "5"), ("application_name", "shipit"), ("client_encoding", "UTF8"),
    ("tcp_user_timeout", "8000"), ("keepalives_idle", "5"), ("keepalives_interval", "2"),
    ("keepalives_count", "3"),
  ]

  /// The password as it is written in the address: with its percent signs.
  private static func userInformation(_ text: String) -> [String] {
    guard let scheme = text.firstRange(of: "://") else { return [] }
    let authority = text[scheme.upperBound...].prefix { $0 != "/" && $0 != "?" }
    guard let at = authority.lastIndex(of: "@"), let colon = authority[..<at].firstIndex(of: ":") else {
      return []
    }
    return [String(authority[authority.index(after: colon)..<at])]
  }

  private static func parse(_ text: String) -> [(keyword: String, value: String)]? {
    var complaint: UnsafeMutablePointer<CChar>?
    let options = PQconninfoParse(text, &complaint)
    defer {
      PQconninfoFree(options)
      // It may repeat the whole text, so it is not looked at.
      PQfreemem(complaint)
    }
    guard var option = options else { return nil }
    var found: [(keyword: String, value: String)] = []
    while let keyword = option.pointee.keyword {
      if let value = option.pointee.val { found.append((String(cString: keyword), String(cString: value))) }
      option += 1
    }
    return found
  }
}
