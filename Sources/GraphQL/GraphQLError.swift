package import JSON

/// A place in GraphQL text; lines and columns count from one, columns in Unicode scalars.
package struct TextPosition: Sendable, Hashable {
  package var line: Int
  package var column: Int

  package init(line: Int, column: Int) {
    self.line = line
    self.column = column
  }
}

/// What is wrong with a document, a schema, a variable or the value of a field.
///
/// No message carries the value of a variable or argument, since those may be secret; enum values and
/// names are shown.
package struct GraphQLError: Error, Sendable, Hashable, CustomStringConvertible {
  package var message: String
  /// Where in the text, when the error is about text.
  package var position: TextPosition?
  /// Keys and indices from the root of the answer, when the error is about an answer.
  package var path: [JSON]?
  package var extensions: [String: JSON]

  package init(
    _ message: String, at position: TextPosition? = nil, path: [JSON]? = nil, extensions: [String: JSON] = [:]
  ) {
    self.message = message
    self.position = position
    self.path = path
    self.extensions = extensions
  }

  /// The error as a member of `errors` in an answer.
  package var json: JSON {
    var members: [String: JSON] = ["message": .string(message)]
    if let position {
      members["locations"] = [["line": .int(Int64(position.line)), "column": .int(Int64(position.column))]]
    }
    if let path { members["path"] = .array(path) }
    if !extensions.isEmpty { members["extensions"] = .object(extensions) }
    return .object(members)
  }

  package var description: String {
    position.map { "\($0.line):\($0.column): \(message)" } ?? message
  }
}

/// Why a request was not executed at all: every problem of its document or of its variables.
package struct RequestRejection: Error, Sendable, Hashable, CustomStringConvertible {
  package var errors: [GraphQLError]

  package init(_ errors: [GraphQLError]) { self.errors = errors }

  /// The answer's body: `errors`, and no `data`, since nothing was executed.
  package var json: JSON { ["errors": .array(errors.map(\.json))] }

  package var description: String { errors.map(\.description).joined(separator: "\n") }
}

/// What a resolver throws to answer a field with an error.
package struct ResolverError: Error, Sendable, Hashable {
  package var message: String
  /// Becomes `extensions.code`.
  package var code: String?
  package var extensions: [String: JSON]

  package init(_ message: String, code: String? = nil, extensions: [String: JSON] = [:]) {
    self.message = message
    self.code = code
    self.extensions = extensions
  }
}
